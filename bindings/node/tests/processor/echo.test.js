'use strict';
// The documented script as it stands, and everybody who may ask it: Node, C, Python, and the vendor's client from npm; also
// after the service was killed and started again.

const assert = require('node:assert/strict');
const { execFile, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { HERE, client, within } = require('../lib/harness');
const { command, deploy, example } = require('./lib/harness');

const INTEROP = path.join(HERE, '..', '..', 'tests', 'interop');
const BIN = process.env.ACURAST_BIN || path.join(HERE, '..', '..', 'build', 'bin');
const PYTHON = process.env.ACURAST_PYTHON || path.join(BIN, '..', 'venv-binding', 'bin', 'python');
const run = promisify(execFile);

// A folder alone does not say so: the test of the demo may be installing the binding at this moment.
const hasBinding = spawnSync(PYTHON, ['-c', 'from acurast import connect']).status === 0;

/** Why a test of another program is left out, or false. */
const without = {
  programs: !fs.existsSync(path.join(BIN, 'acurast-peer')) && `${BIN} has no acurast-peer and acurast-service`,
  python: !hasBinding && `${PYTHON} has no Python binding`,
  vendor: !fs.existsSync(path.join(INTEROP, 'node_modules')) && "the vendor's client is not installed in tests/interop",
};

const ask = {
  async node(t, url, key, text) {
    const dapp = await client(t, url);
    await dapp.sendText(key, text);
    return (await within(dapp.receive(), 'the echo')).text();
  },

  async c(_t, url, key, text) {
    const words = ['send', '--url', url, '--to', key, '--wait', '1', '--timeout', '20s', text];
    const { stdout } = await run(path.join(BIN, 'acurast-peer'), words);
    return stdout.trimEnd();
  },

  async python(_t, url, key, text) {
    const words = ['-m', 'acurast', 'send', '--url', url, '--to', key, '--wait', '1', '--timeout', '20', text];
    const { stdout } = await run(PYTHON, words);
    return stdout.trimEnd();
  },

  async vendor(_t, url, key, text) {
    const { Vendor } = require(path.join(INTEROP, 'lib', 'vendor.js'));
    const dapp = await Vendor.start(url);
    try {
      await dapp.send(key, text);
      return (await dapp.next()).payload.toString();
    } finally {
      await dapp.close(); // before the service is gone: a vendor's client that reconnects kills its process
    }
  },
};

test('the script is the documented one, its stray blank and all', () => {
  const source = fs.readFileSync(example('echo.js'), 'utf8');
  assert.match(source, /\["wss:\/\/ws-1\.ws-server-1\.acurast\.com", "wss:\/\/ws-1\.ws-server-2\.acurast\.com "\]/);
});

for (const [who, why] of Object.entries({
  node: false,
  c: without.programs,
  python: without.python,
  vendor: without.vendor,
})) {
  test(`it echoes to a dApp: ${who}`, { skip: why }, async (t) => {
    const { deployment, events } = await deploy(t, example('echo.js'));
    await events.next({ event: 'print', text: 'open: success' });
    const text = 'äöü, 1 2 3'; // nothing that looks like hexadecimal
    assert.equal(await ask[who](t, deployment.service, deployment.publicKey, text), text);
  });
}

test('it echoes through a service with the quirks of the deployed one', { skip: without.vendor }, async (t) => {
  const { QuirkService } = require(path.join(INTEROP, 'lib', 'quirk_service.js'));
  const service = await QuirkService.start();
  t.after(() => service.close());
  const { deployment } = await deploy(t, example('echo.js'), { service: service.url });
  await deployment.ready;
  assert.equal(await ask.vendor(t, service.url, deployment.publicKey, 'there?'), 'there?');
  await deployment.stop();
});

test('it echoes again after the service was killed and started again', { skip: without.programs }, async (t) => {
  const { Service } = require(path.join(INTEROP, 'lib', 'program.js'));
  const first = await Service.start();
  t.after(() => first.kill());
  const { port, url } = first;
  const processor = command(t, [example('echo.js'), '--service', url]);
  const { publicKey } = await processor.events.next({ event: 'ready' });
  assert.equal(await ask.node(t, url, publicKey, 'before'), 'before');

  await first.kill();
  await processor.events.next({ event: 'state', state: 'disconnected' });
  const seen = processor.events.all.length;
  const second = await Service.start('--listen', `127.0.0.1:${port}`);
  t.after(() => second.end());
  await processor.events.next({ event: 'state', state: 'connected' }, seen);
  for (const who of ['node', 'c', ...(without.vendor ? [] : ['vendor'])]) {
    assert.equal(await ask[who](t, url, publicKey, `after, ${who}`), `after, ${who}`);
  }
  assert.equal(processor.events.all.filter(({ event }) => event === 'ready').length, 1);
  processor.child.kill('SIGINT');
  assert.deepEqual(await processor.ended, { code: 0, signal: null });
});

test('people are told of each loss once, and of the return', { skip: without.programs }, async (t) => {
  const { Service, eventually } = require(path.join(INTEROP, 'lib', 'program.js'));
  const first = await Service.start();
  t.after(() => first.kill());
  const processor = command(t, [example('echo.js'), '--service', first.url], { json: false });
  const said = (pattern) => eventually(() => pattern.test(processor.err), `${pattern} in ${processor.err}`);
  await said(/talk to it/);
  await first.kill();
  await said(/away .*could not be reached.*\n/);
  const second = await Service.start('--listen', `127.0.0.1:${first.port}`);
  t.after(() => second.end());
  await said(/connected +again: /);
  const losses = processor.err.split('\n').filter((line) => line.includes(' away '));
  assert.equal(new Set(losses).size, losses.length, processor.err);
});
