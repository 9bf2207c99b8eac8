'use strict';
// "acurast live" without a phone, as lib/processor/live.md has it: the vendor's client, sent to our service, and live code in the runner.
// ACURAST_VENDOR_CLI=FOLDER names a folder whose node_modules have @acurast/cli: then that is run as well.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { HERE, within } = require('../lib/harness');
const { command, folder } = require('./lib/harness');

const SCRIPTS = path.join(__dirname, 'scripts');
const INTEROP = path.join(HERE, '..', '..', 'tests', 'interop', 'package.json');
const REDIRECT = path.join(HERE, 'lib', 'compat', 'redirect.js');
const VENDOR = process.env.ACURAST_VENDOR_CLI;
const CODE = "console.log('hello from', typeof _STD_);\nreturn Promise.resolve(6 * 7);\n";

function missing() {
  return fs.existsSync(path.join(path.dirname(INTEROP), 'node_modules', '@acurast', 'dapp')) ? false : 'the packages of tests/interop are not installed';
}

/** Runs a program that uses the vendor's client, redirected: { code, out }. */
async function run(t, service, words, options = {}) {
  const env = { ...process.env, NO_COLOR: '1', NODE_OPTIONS: `--require ${REDIRECT}`, ...(service ? { ACURAST_REDIRECT: service } : {}) };
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text));
  const code = await within(new Promise((resolve) => child.once('close', resolve)), 'the end of the program');
  return { code, out };
}

async function processor(t, script, more = []) {
  const said = command(t, [script, '--local', ...more]);
  return said.events.next({ event: 'ready' });
}

function codeIn(made, text) {
  const file = path.join(made, 'code.js');
  fs.writeFileSync(file, text);
  return file;
}

test('code that is sent by the vendor’s client runs here, and its log and its value come back', { skip: missing() }, async (t) => {
  const { service, publicKey } = await processor(t, path.join(SCRIPTS, 'live-code.js'));
  const live = (text) => run(t, service, [path.join(SCRIPTS, 'live-cli.mjs'), INTEROP, publicKey, codeIn(folder(t), text)]);
  assert.deepEqual(await live(CODE), { code: 0, out: 'log ["hello from","object"]\nsuccess 42\n' });
  assert.deepEqual(await live("throw new Error('not today')"), { code: 0, out: 'error "not today"\n' });
});

test('an address that is none is told at once', async (t) => {
  for (const wrong of [undefined, '', 'http://127.0.0.1:1', 'ws://127.0.0.1:1,nonsense']) {
    const { code, out } = await run(t, wrong, ['-e', '0']);
    assert.equal(code, 1);
    assert.match(out, /ACURAST_REDIRECT must be a ws:\/\/ or wss:\/\/ address/);
  }
});

test('the vendor’s command itself', { skip: VENDOR ? false : 'ACURAST_VENDOR_CLI names no folder with @acurast/cli' }, async (t) => {
  const cli = path.join(VENDOR, 'node_modules', '@acurast', 'cli', 'dist');
  const { service, publicKey } = await processor(t, path.join(cli, 'util', 'live-code-processor.js'));
  const project = folder(t);
  codeIn(project, CODE);
  const config = { projectName: 'live', fileUrl: 'code.js', network: 'canary', execution: { type: 'onetime', maxExecutionTimeInMs: 60000 } };
  fs.writeFileSync(path.join(project, 'acurast.json'), JSON.stringify({ projects: { live: config } }));
  fs.mkdirSync(path.join(project, '.acurast'));
  fs.writeFileSync(path.join(project, '.acurast', 'live-code-processors.json'), JSON.stringify([{ publicKey: `0x${publicKey}` }]));
  const { out } = await run(t, service, [path.join(cli, 'index.js'), 'live', 'live'], { cwd: project });
  assert.match(out, /hello from object/);
  assert.match(out, /Success/);
});
