'use strict';
// Events of a deployment for people and for programs: lines on the terminal, or one JSON object a line.
//
// For people the script's own words go to standard output, and the runner's to standard error, dimmed and coloured where
// that is a terminal. Both may hold what strangers wrote, such as the body of a web server.

const path = require('node:path');
const { styleText } = require('node:util');
const { jsonLine, shown, shownLines, shownMessage } = require('../foreign.js');

function painter(stream) {
  const coloured = stream.isTTY && !process.env.NO_COLOR && typeof styleText === 'function';
  return (style, text) => (coloured ? styleText(style, text) : text);
}

/** @returns {(told: object) => void} */
function jsonShow({ stdout }) {
  return (told) => {
    if (told.event === 'message') return; // for the page
    const plain = told.event === 'output' ? { ...told, text: told.text.replace(/\n$/, '') } : told;
    stdout.write(jsonLine(plain) + '\n');
  };
}

/** @returns {(told: object) => void} */
function peopleShow({ stdout, stderr }) {
  const paint = painter(stderr);
  const say = (name, text) => stderr.write(`${paint('dim', `  ${name.padEnd(11)}`)} ${text}\n`);
  const losses = new Set(); // told already since the last connection, so that days without a service do not fill the screen
  let ready = false;
  let hint; // what was told last of where to talk to it

  const shows = {
    start({ script, id, publicKey, address, service, restarted }) {
      if (restarted) return;
      stderr.write(`${paint('bold', shown(path.basename(script)))}\n`);
      if (service) say('service', `${service} (embedded)`);
      say('public key', publicKey);
      say('id', id);
      say('address', address);
    },
    ready({ service, publicKey }) {
      const words = `npx acurast send --url ${service} --to ${publicKey} --wait 1 'hello'`;
      if (words !== hint) say('connected', paint('green', shown(service)));
      if (words !== hint) say('talk to it', shown(words));
      hint = words;
      ready = true;
    },
    state({ state, service, reason = 'no reason given' }) {
      if (state === 'connected' && ready) say('connected', shown(`again: ${service}`));
      if (state === 'connected') losses.clear();
      if (state === 'closed') ready = false;
      if (state !== 'disconnected' || losses.has(service + reason)) return;
      losses.add(service + reason);
      say('away', paint('yellow', shown(`${service}: ${reason}; trying on`)));
    },
    print: ({ text }) => stdout.write(`${shownLines(text)}\n`),
    output: ({ stream, text }) => (stream === 'stderr' ? stderr : stdout).write(shownLines(text)),
    transaction({ call, nodes, destination, outcome, hash, payload }) {
      const to = [destination, nodes[0]].filter(Boolean).join(' at ');
      say('not sent', paint('cyan', shown(`${call} to ${to}: ${JSON.stringify(payload)}`)));
      say('', shown(outcome === 'success' ? `the script hears success, ${hash}` : 'the script hears failure'));
    },
    note: ({ where, text }) => say('note', shownMessage(`${where}: ${text}`)),
    error({ where, name, message, stack }) {
      stderr.write(`${paint('red', `error (${where})`)} ${shownMessage(stack ?? `${name}: ${message}`)}\n`);
    },
    page: ({ url }) => say('page', paint('cyan', url)),
    inspect({ url, waits }) {
      say('debugger', paint('cyan', url));
      if (waits) say('', 'waits for a debugger to attach');
    },
    build({ ok, ms, changed }) {
      if (!ok) say('built', paint('red', 'no: the script before goes on'));
      else say('built', `in ${ms} ms${changed ? '' : ', nothing has changed'}`);
    },
    restart: ({ ms }) => say('started', `again, in ${ms} ms`),
    done: ({ code }) => say('ended', `with code ${code}; starts again after a change`),
    end({ code }) {
      if (code) say('ended', `with code ${code}`);
    },
  };
  return (told) => shows[told.event]?.(told);
}

module.exports = { jsonShow, peopleShow };
