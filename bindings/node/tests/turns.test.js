'use strict';
// Sends that are written within their call: which are, and that they leave the loop its turns.

const assert = require('node:assert/strict');
const { getEventListeners } = require('node:events');
const { test } = require('node:test');
const timers = require('node:timers');
const native = require('../lib/native');
const { DEADLINE, acurast, pair, within } = require('./lib/harness');

const PAYLOAD = new Uint8Array(64);
const LARGE = new Uint8Array(5000); // more than the core writes within a call
const numbers = (count) => Array.from({ length: count }, (_, i) => i);

/** What the addon answers to sends from now on: 0 where it has written the payload. */
function answers(t) {
  const found = [];
  const { clientSend } = native;
  native.clientSend = (...values) => {
    found.push(clientSend(...values));
    return found.at(-1);
  };
  t.after(() => (native.clientSend = clientSend));
  return found;
}

/** Sends one by one until one is written within its call: { sent }, what that one promised. */
async function untilWritten(one, two, found, options) {
  for (const end = Date.now() + DEADLINE; Date.now() < end; ) {
    const sent = one.send(two.id, PAYLOAD, options?.());
    if (found.at(-1) === 0) return { sent };
    await sent;
  }
  throw new Error('no send was written within its call');
}

test('a send that is awaited alone is written within its call, and counted', async (t) => {
  const { one, two } = await pair(t);
  const found = answers(t);
  await untilWritten(one, two, found);
  assert.equal(one.stats().payloadsOut, found.length);
  for (let i = 0; i < found.length; i++) assert.deepEqual((await within(two.receive())).payload, PAYLOAD);
});

test('many sends at once go through the outbox', async (t) => {
  const { one, two } = await pair(t);
  const found = answers(t);
  await untilWritten(one, two, found);
  const atOnce = async () => {
    found.length = 0;
    await within(Promise.all(numbers(100).map(() => one.send(two.id, PAYLOAD))), 'the sends');
    return found.filter((answer) => answer === 0).length;
  };
  assert.ok((await atOnce()) <= 4); // nobody knows yet that more follow
  assert.equal(await atOnce(), 0);
  await untilWritten(one, two, found);
});

test('a loop of sends leaves turns to timers and to messages', async (t) => {
  const { one, two } = await pair(t);
  let [ticks, messages, inTurn, most] = [0, 0, 0, 0];
  const timer = setInterval(() => ticks++, 1);
  two.on('message', () => messages++);
  let next = setImmediate(function turn() {
    inTurn = 0;
    next = setImmediate(turn);
  });
  const enough = () => ticks >= 20 && messages >= 5000;
  for (const end = Date.now() + DEADLINE; !enough() && most <= 100 && Date.now() < end; ) {
    await one.send(two.id, PAYLOAD);
    most = Math.max(most, ++inTurn);
  }
  clearImmediate(next);
  clearInterval(timer);
  assert.ok(most <= 100, `${most} sends in one turn of the loop`);
  assert.ok(enough(), `${ticks} ticks, ${messages} messages`);
});

test('written at once or not, payloads arrive in the order of the calls', async (t) => {
  const { one, two } = await pair(t);
  const found = answers(t);
  const sent = [];
  const send = (body) => {
    const payload = new Uint8Array(body);
    new DataView(payload.buffer).setUint32(0, sent.length);
    return sent.push(one.send(two.id, payload));
  };
  await untilWritten(one, two, found);
  const before = found.length;
  for (const round of numbers(300)) {
    for (const i of numbers(1 + (round % 7))) send((round + i) % 5 ? PAYLOAD : LARGE);
    if (round % 3) await sent.at(-1);
    else await sent.at(-1).then(() => send(PAYLOAD));
  }
  await within(Promise.all(sent), 'the sends');
  assert.ok(found.slice(before).some((answer) => answer === 0) && found.slice(before).some((answer) => answer > 0));
  for (let i = 0; i < before; i++) await within(two.receive());
  for (const i of numbers(sent.length)) {
    const { payload } = await within(two.receive());
    assert.equal(new DataView(payload.buffer).getUint32(0), i);
  }
});

test('what is written cannot be aborted any more, and its signal is let go', async (t) => {
  const { one, two } = await pair(t);
  const found = answers(t);
  let stop;
  const options = () => ({ signal: (stop = new AbortController()).signal });
  for (const _ of numbers(100)) {
    const { sent } = await untilWritten(one, two, found, options);
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0);
    stop.abort();
    await within(sent);
  }
  await assert.rejects(one.send(two.id, PAYLOAD, { signal: stop.signal }), { name: 'AbortError' });
});

test('what is written has succeeded, though the client closes before the turn is over', async (t) => {
  const { one, two } = await pair(t);
  const { sent } = await untilWritten(one, two, answers(t));
  const closed = one.close();
  await within(sent);
  await within(closed);
  await assert.rejects(one.send(two.id, PAYLOAD), acurast.ClosedError);
});

test('a test that fakes setImmediate does not hold up its sends', async (t) => {
  const { one, two } = await pair(t);
  for (const where of [globalThis, timers]) t.mock.method(where, 'setImmediate', () => {});
  for (const _ of numbers(100)) await within(one.send(two.id, PAYLOAD));
  t.mock.restoreAll();
});
