'use strict';
// What went wrong in a script, as plain data: its words, and the place in the script's own files.

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { fileURLToPath } = require('node:url');
const { inspect } = require('node:util');

const OURS = __dirname + path.sep;
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

// An ES module's SyntaxError does not say where: `node --check` does.
function withPlace(error, script) {
  if (error.name !== 'SyntaxError' || !script || SYNTAX.test(error.stack.split('\n')[0])) return error.stack;
  const { stderr } = spawnSync(process.execPath, ['--check', script], { encoding: 'utf8', timeout: 5000 });
  return SYNTAX.test(stderr?.split('\n')[0]) ? stderr.trim() : error.stack;
}

/**
 * Describes whatever was thrown.
 * @param {unknown} error
 * @param {string} [script] the script's path: its own frames come before those of its modules
 * @returns {{name: string, message: string, code?: string, file?: string, line?: number, column?: number, stack: string}}
 */
function describe(error, script) {
  if (!(error instanceof Error) && typeof error?.stack !== 'string') {
    const message = typeof error === 'string' ? error : inspect(error);
    return { name: 'Error', message, stack: message };
  }
  const lines = withPlace(error, script).split('\n');
  const frames = framesOf(lines);
  const [, file, line] = SYNTAX.exec(lines[0]) ?? [];
  const place = file
    ? { file: pathOf(file), line: Number(line) }
    : placeOf(frames.find((one) => one.includes(script)) ?? frames[0] ?? '');
  const head = `${error.name}: ${error.message}`;
  return {
    name: String(error.name),
    message: String(error.message),
    ...(error.code ? { code: String(error.code) } : {}),
    ...place,
    stack: [
      ...(file
        ? lines.slice(
            0,
            lines.findIndex((one) => one.startsWith(error.name)),
          )
        : []),
      head,
      ...frames,
    ].join('\n'),
  };
}

module.exports = { describe };
