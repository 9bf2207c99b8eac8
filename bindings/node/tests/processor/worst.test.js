'use strict';
// Scripts at their worst: what they throw, how they end, and what they keep the runner from.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
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
  const pipe = path.join(folder(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const file = script(
    t,
    `require('fs').open(${JSON.stringify(pipe)}, 'r', () => {}); print('on'); setInterval(() => {}, 1e6)`,
  );
  const run = command(t, [file, '--local']);
  await run.events.next({ event: 'print', text: 'on' });
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
  assert.deepEqual(printed, ['payload must be hexadecimal digits; this has other characters']);
});
