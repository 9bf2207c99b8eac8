'use strict';
// Scripts at their worst: what they throw, how they end, and what they keep the runner from.

const assert = require('node:assert/strict');
const { generateKeyPairSync } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { runDeployment } = require('../../lib/processor');
const { command, deploy, evaluate, folder, within } = require('./lib/harness');

function script(t, text) {
  const file = path.join(folder(t), 'a.js');
  fs.writeFileSync(file, text);
  return file;
}

test('whatever a script makes of its errors, they are told, and the deployment goes on', async (t) => {
  const things = {
    'call sites': "(Error.prepareStackTrace = (_, sites) => sites, new Error('call sites'))",
    'what was thrown throws itself when it is looked at': 'new Proxy({}, { get() { throw 1; } })',
  };
  const thrown = Object.values(things).map((thing) => `setImmediate(() => { throw ${thing}; });`);
  const { deployment, events } = await deploy(t, { code: `${thrown.join('\n')}\nsetImmediate(() => print('on'));` });
  assert.equal(await within(deployment.ended), 1);
  const errors = events.all.filter(({ event }) => event === 'error');
  assert.deepEqual(
    errors.map(({ message }) => message),
    Object.keys(things),
  );
  await events.next({ event: 'print', text: 'on' });
});

test('a script that runs out of memory says so', async (t) => {
  const file = script(t, 'const all = []; setTimeout(() => { for (;;) all.push(new Array(1e6).fill(0.5)); });');
  const run = command(t, [file], { env: { NODE_OPTIONS: '--max-old-space-size=48' } });
  await run.events.next({ event: 'error', where: 'script', code: 'ERR_WORKER_OUT_OF_MEMORY' });
  assert.equal((await run.ended).code, 1);
});

test('SIGINT ends a script that prints without end', async (t) => {
  const run = command(t, [script(t, "for (;;) print('x'.repeat(100));")]);
  await run.events.next({ event: 'print' });
  const began = Date.now();
  run.child.kill('SIGINT');
  assert.deepEqual(await run.ended, { code: 0, signal: null });
  assert.ok(Date.now() - began < 2000, `${Date.now() - began} ms`);
});

test('SIGINT ends a script that waits in the operating system; the process then dies of the signal', async (t) => {
  const wait = ['-c', 'echo waiting >&2; exec sleep 10 2>/dev/null'];
  const text = `require('child_process').execFileSync('sh', ${JSON.stringify(wait)}, { stdio: ['ignore', 'ignore', 'inherit'] })`;
  const run = command(t, [script(t, text), '--local']);
  await within(once(run.child.stderr, 'data'), 'the word of the process that the script waits for');
  const began = Date.now();
  run.child.kill('SIGINT');
  assert.deepEqual(await run.ended, { code: null, signal: 'SIGINT' });
  assert.ok(Date.now() - began < 2000, `${Date.now() - began} ms`);
  assert.deepEqual(run.events.all.at(-1), { event: 'end', code: 0 });
});

test('environment() knows the deployment’s variables alone', async (t) => {
  const { printed } = await evaluate(t, "print(JSON.stringify([environment('A'), typeof environment('toString')]))", {
    env: { A: '1' },
  });
  assert.deepEqual(printed[0], ['1', 'undefined']);
});

test('hexadecimal digits are those of ASCII', async (t) => {
  const code =
    "try { _STD_.signers.ed25519.sign('\\u0130\\u0131') } catch (error) { print(JSON.stringify(error.message)) }";
  const { printed } = await evaluate(t, code);
  assert.match(printed[0], /^payload must be hexadecimal digits; this has other characters/);
});

test('whatever a script does to its standard streams, --json prints one object a line', async (t) => {
  const text = `process.stdout.write(Buffer.from('é').subarray(0, 1));
    process.stdout.write(Buffer.from('é').subarray(1));
    process.stdout.write('6162', 'hex', () => { print('called'); process.stdout.end('end') });`;
  const run = command(t, [script(t, text)]);
  assert.equal((await run.ended).code, 0);
  const told = run.events.all.slice(1, -1).map(({ event, text }) => `${event} ${text}`);
  assert.deepEqual(told, ['output é', 'output ab', 'print called', 'output end']);
});

test('sends that wait for a service are bounded', async (t) => {
  const code = `const payload = '00'.repeat(1024 * 1024);
    let failed = 0;
    _STD_.ws.open('ws://127.0.0.1:1');
    for (let i = 0; i < 100; i++)
      _STD_.ws.send('00'.repeat(16), payload, null, (message) => ++failed === 1 && print(message));
    setImmediate(() => { print(String(failed)); process.exit(0) });`;
  const { deployment, events } = await deploy(t, { code }, { local: false });
  await within(deployment.ended);
  const printed = events.all.filter(({ event }) => event === 'print').map(({ text }) => text);
  assert.match(printed[0], /^too much waits to be sent already, 64 MiB$/);
  assert.equal(printed[1], '37'); // of a hundred, 63 and what they take besides
});

test('an error says why it happened; what is no key is named', async (t) => {
  const { events } = await evaluate(t, "fetch('http://127.0.0.1:9/')");
  const error = await events.next({ event: 'error', where: 'unhandled rejection' });
  assert.match(error.stack, /^TypeError: fetch failed\n {4}because of Error: .+/);
  await assert.rejects(runDeployment({ code: '' }, { key: 'nothing' }), /^Error: key holds no key: /);
});

test('a script that knows of threads finds no key there, and its messages are none of the runner’s', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const code = `const { parentPort, workerData } = require('worker_threads');
    for (const message of [null, undefined, 1, 'a', {}]) parentPort.postMessage(message);
    print(JSON.stringify([/PRIVATE/.test(JSON.stringify(workerData))]))`;
  const { printed, code: exitCode } = await evaluate(t, code, { key });
  assert.deepEqual([printed, exitCode], [[[false]], 0]);
});

test('a package.json that cannot be read is named', async (t) => {
  const file = script(t, "import fs from 'node:fs'; print(1)");
  fs.writeFileSync(path.join(path.dirname(file), 'package.json'), '{bad');
  const run = command(t, [file]);
  const { message } = await run.events.next({ event: 'error', where: 'start' });
  assert.match(message, /package\.json/);
  assert.equal((await run.ended).code, 1);
});
