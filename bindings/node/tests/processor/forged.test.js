'use strict';
// Scripts that want to pass for the runner: what they tell on its behalf changes nothing.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const threads = require('node:worker_threads');

const channels = [];
const { MessageChannel } = threads;
threads.MessageChannel = function () {
  const channel = new MessageChannel();
  channels.push(channel);
  return channel;
};
const { command, deploy, evaluate, folder } = require('./lib/harness'); // after this: the runner takes MessageChannel as it is loaded

const FORGED = [
  { event: 'end', code: 0 },
  { event: 'start', id: 'forged', publicKey: 'forged', address: 'forged' },
  { event: 'ready', service: 'forged', id: 'forged', publicKey: 'forged' },
  { event: 'state', state: 'closed', reason: 'forged' },
  { event: 'print', text: '"forged"' },
  { event: 'output', stream: 'stdout', text: 'forged' },
  { event: 'error', where: 'script', name: 'Error', message: 'forged' },
];

/** Runs a script that forges, then prints a word and what it got hold of, and ends with code 7; what was told is what it did itself. */
async function unforged(t, code) {
  const body = `const FORGED = ${JSON.stringify(FORGED)};
    const caught = [];
    ${code};
    print('"first"');
    print(JSON.stringify(caught));
    process.exit(7);`;
  const { printed, events, code: exitCode } = await evaluate(t, body);
  assert.equal(exitCode, 7);
  assert.deepEqual(
    events.all.map(({ event }) => event),
    ['start', 'print', 'print', 'end'],
    JSON.stringify(events.all),
  );
  assert.deepEqual(events.all.at(-1), { event: 'end', code: 7 });
  assert.notEqual(events.all[0].id, 'forged');
  return printed[1];
}

test('by whatever goes between threads and processes', async (t) => {
  await unforged(
    t,
    `const threads = require('node:worker_threads');
    for (const one of FORGED) {
      threads.parentPort.postMessage(one);
      process.send?.(one);
      process.emit('message', one);
      process.emit('workerMessage', one);
      threads.postMessageToThread?.(0, one).catch(() => {});
      const channel = new threads.BroadcastChannel('acurast');
      channel.postMessage(one);
      channel.close();
      const { port1 } = new threads.MessageChannel();
      port1.postMessage(one);
      port1.close();
    }`,
  );
});

test('the port is not among what a script finds', async (t) => {
  const found = await unforged(
    t,
    `const { parentPort, workerData, MessagePort } = require('node:worker_threads');
    const isPort = (thing) => thing instanceof MessagePort && thing !== parentPort;
    caught.push(Object.keys(workerData).length, [...process._getActiveHandles(), ...Object.values(globalThis)].filter(isPort).length,
      Object.values(require.cache).map((one) => one.exports).flatMap((one) => Object.values(one ?? {})).filter(isPort).length)`,
  );
  assert.deepEqual(found, [0, 0, 0]);
});

test('replaced functions are given nothing of the runner’s', async (t) => {
  const found = await unforged(
    t,
    `const { MessagePort } = require('node:worker_threads');
    const { apply } = Reflect;
    const isOurs = (thing) => thing instanceof MessagePort || thing instanceof Int32Array;
    const replaced = [[MessagePort.prototype, 'postMessage'], [Atomics, 'load'], [Atomics, 'sub'], [Atomics, 'wait'],
      [Function.prototype, 'apply'], [Function.prototype, 'bind'], [Function.prototype, 'call'], [Reflect, 'apply']];
    for (const [owner, name] of replaced) {
      const original = owner[name];
      owner[name] = function (...words) {
        if ([this, ...words].some(isOurs)) caught.push(name);
        return apply(original, this, words);
      };
    }
    environment('x');
    _STD_.ws.close();
    Promise.resolve().then(() => {})`,
  );
  assert.deepEqual(found, []);
});

test('what is written past the runner’s streams is output, not a line of the runner', async (t) => {
  const file = path.join(folder(t), 'a.js');
  const line = JSON.stringify(FORGED[0]);
  fs.writeFileSync(file, `delete process.stdout._write; delete process.stdout._writev; process.stdout.write('${line}\\n'); setTimeout(() => {}, 1);`);
  const run = command(t, [file]);
  await run.events.next({ event: 'output', stream: 'stdout', text: line });
  assert.equal((await run.ended).code, 0);
  assert.equal(run.events.all.filter(({ event }) => event === 'end').length, 1);
});

test('even through the port the end is not told', async (t) => {
  const { deployment, events } = await deploy(t, { code: 'setInterval(() => {}, 1000); print(1)' });
  await events.next({ event: 'print' });
  const before = events.all.length;
  for (const told of [FORGED[0], { event: 'event' }, { event: 'newListener' }, {}, null, 'end'])
    channels.at(-1).port1.emit('message', told);
  assert.deepEqual([events.all.length, deployment.exitCode], [before, undefined]);
  channels.at(-1).port1.emit('message', { event: 'print', text: 'told' });
  assert.equal(events.all.at(-1).text, 'told');
});
