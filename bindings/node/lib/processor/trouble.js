'use strict';
// What went wrong in a script, as plain data: its words, and the place in the script's own files.

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { fileURLToPath } = require('node:url');
const { inspect } = require('node:util');

const OURS = path.dirname(__dirname) + path.sep;
const FRAME = /((?:file:\/\/)?\/[^:]*):(\d+):(\d+)/; // within eval too: (eval at main (/a/b.js:1:2), <anonymous>:3:4)
const SYNTAX = /^((?:file:\/\/)?\/.*):(\d+)$/; // the first line of a SyntaxError's stack

function pathOf(text) {
  return text.startsWith('file:') ? fileURLToPath(text) : text;
}

function placeOf(frame) {
  const [, file, line, column] = FRAME.exec(frame) ?? [];
  return file && { file: pathOf(file), line: Number(line), column: Number(column) };
}

// The frames of the script and what it uses, without Node's and the runner's.
function framesOf(lines) {
  return lines.filter((line) => {
    const place = /^\s+at /.test(line) && !/(\(|at |async )node:/.test(line) && placeOf(line);
    return place && !place.file.startsWith(OURS);
  });
}

// A SyntaxError of an ES module does not say where it is: `node --check` does. For a script that cannot start, and no later:
// it takes a process and its time.
function checked(error, script) {
  if (error.name !== 'SyntaxError' || SYNTAX.test(error.stack.split('\n')[0])) return error.stack;
  const { stderr } = spawnSync(process.execPath, ['--check', script], { encoding: 'utf8', timeout: 5000 });
  return SYNTAX.test(stderr?.split('\n')[0]) ? stderr.trim() : error.stack;
}

// Without a stack there is no place.
function plain(error) {
  const message = error instanceof Error ? error.message : typeof error === 'string' ? error : inspect(error);
  return { name: error instanceof Error ? error.name : 'Error', message, stack: message };
}

// Why it happened, where the error says so: that of fetch() says nothing else.
function reasonsOf({ cause, errors }) {
  const all = [cause, ...(Array.isArray(errors) ? errors : [])].filter((one) => one instanceof Error);
  return all.map((one) => `    because of ${one.name}: ${one.message || one.code}`);
}

function described(error, script, starting) {
  if (typeof error?.stack !== 'string') return plain(error);
  const { name, message, code } = error;
  const lines = (starting ? checked(error, script) : error.stack).split('\n');
  const frames = framesOf(lines);
  const [, file, line] = SYNTAX.exec(lines[0]) ?? [];
  const excerpt = file ? lines.slice(0, lines.indexOf('') + 1) : []; // the line and what is wrong with it
  const place = file
    ? { file: pathOf(file), line: Number(line) }
    : placeOf(frames.find((one) => one.includes(script)) ?? frames[0] ?? '');
  return {
    name: String(name),
    message: String(message),
    ...(code ? { code: String(code) } : {}),
    ...place,
    stack: [...excerpt, `${name}: ${message}`, ...frames, ...reasonsOf(error)].join('\n'),
  };
}

/**
 * Describes whatever was thrown.
 * @param {unknown} error
 * @param {string} [script] the script's path: its own frames come before those of its modules
 * @param {boolean} [starting] the script was being loaded
 * @returns {{name: string, message: string, code?: string, file?: string, line?: number, column?: number, stack: string}}
 */
function describe(error, script, starting = false) {
  try {
    return described(error, script, starting);
  } catch {
    const message = 'what was thrown throws itself when it is looked at';
    return { name: 'Error', message, stack: message };
  }
}

module.exports = { describe };
