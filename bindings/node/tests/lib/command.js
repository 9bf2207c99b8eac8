'use strict';
// `npx acurast` and acurast-peer as programs, so that a test can have the same of both.

const fs = require('node:fs');
const path = require('node:path');
const { BIN, Program } = require('../../../../tests/interop/lib/program');

const COMMAND = path.join(__dirname, '..', '..', 'bin', 'acurast.js');
const PEER = path.join(BIN, 'acurast-peer');
const PROGRAMS = { acurast: [process.execPath, COMMAND], ...(fs.existsSync(PEER) && { 'acurast-peer': [PEER] }) };

function start(args, { program = PROGRAMS.acurast, input } = {}) {
  const [file, ...first] = program;
  return new Program('acurast', [...first, ...args], { file, input });
}

/** Runs it to its end. */
async function run(args, options) {
  const program = start(args, { input: '', ...options });
  const { code } = await program.wait();
  return { code, lines: program.lines, errors: program.errors.join('\n') };
}

module.exports = { PROGRAMS, run, start };
