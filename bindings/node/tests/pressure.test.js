'use strict';
// More than fits: full outboxes, slow consumers, cancelled sends, floods, many clients.

const assert = require('node:assert/strict');
const { getEventListeners } = require('node:events');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { test } = require('node:test');
const { Line } = require('../lib/fifo');
const native = require('../lib/native');
const { DEADLINE, acurast, client, eventually, freePort, pair, service, state, within } = require('./lib/harness');

const NOBODY = '00'.repeat(16);
const numbers = (count) => Array.from({ length: count }, (_, i) => i);

test('those who gave up do not pile up in a line', () => {
  const line = new Line();
  const kept = { over: false };
  const dropped = new Set();
  line.push(kept);
  for (let i = 0; i < 1000; i++) {
    line.push({
      get over() {
        dropped.add(i); // it was looked at, and with that taken out
        return true;
      },
    });
  }
  assert.ok(dropped.size >= 900, `${dropped.size} were taken out`);
  assert.equal(line.shift(), kept);
  assert.equal(line.shift(), undefined);
});

test('a full outbox makes a send wait, in order, and loses none', async (t) => {
  const { one, two } = await pair(t, { outboxCount: 8 });
  const sends = numbers(1000).map((i) => one.sendText(two.id, String(i)));
  for (const i of numbers(1000)) assert.equal((await within(two.receive())).text(), String(i));
  await within(Promise.all(sends));
});

test('what waits for room is refused when the client closes, and is not lost in silence', async (t) => {
  const started = await service(t);
  const one = await client(t, started.url, { outboxCount: 2 });
  await started.close();
  if (one.state === 'connected') await state(one, 'disconnected');
  const sends = numbers(10).map((i) => one.sendText(NOBODY, String(i)));
  const ends = Promise.allSettled(sends);
  await one.close();
  for (const end of await within(ends)) assert.equal(end.reason?.code, 'ACURAST_CLOSED');
});

test('a bad recipient among those that wait for room refuses itself alone', async (t) => {
  const { one, two } = await pair(t, { outboxCount: 1 });
  const to = [two.id, two.id, '11', two.id, new Uint8Array(17), two.id];
  const ends = await within(Promise.allSettled(to.map((each, i) => one.sendText(each, String(i)))));
  const codes = ends.map((end) => end.reason?.code);
  const bad = 'ACURAST_BAD_RECIPIENT';
  assert.deepEqual(codes, [undefined, undefined, bad, undefined, bad, undefined]);
  for (const i of [0, 1, 3, 5]) assert.equal((await within(two.receive())).text(), String(i));
});

test('a buffer that was transferred while its send waits is not sent as nothing', async (t) => {
  const { one, two } = await pair(t, { outboxCount: 1 });
  const payload = new Uint8Array(8);
  const first = new Uint8Array(5000); // more than is written within a call
  const ends = Promise.allSettled([one.send(two.id, first), one.send(two.id, payload)]);
  structuredClone(payload.buffer, { transfer: [payload.buffer] });
  const [sent, refused] = await within(ends);
  assert.equal(sent.status, 'fulfilled');
  assert.equal(refused.reason?.code, 'ERR_INVALID_ARG_VALUE');
});

test('a recipient given as bytes is who it was at the call, also where the send waits', async (t) => {
  const { one, two } = await pair(t, { outboxCount: 1 });
  const to = Buffer.from(two.id, 'hex');
  const sends = ['first', 'second'].map((text) => one.sendText(to, text));
  to.write(one.id, 'hex');
  await within(Promise.all(sends));
  for (const text of ['first', 'second']) assert.equal((await within(two.receive())).text(), text);
});

test('a send waits for a connection no longer than its timeout', async (t) => {
  const made = new acurast.Client('ws://127.0.0.1:1', { linger: 0 });
  t.after(() => made.close());
  made.connect().catch(() => {});
  await assert.rejects(within(made.send(NOBODY, new Uint8Array(1), { timeout: 20 })), acurast.ExpiredError);
});

test('an aborted send leaves its neighbours alone', async (t) => {
  const port = await freePort();
  const one = new acurast.Client(`ws://127.0.0.1:${port}`, { backoffMax: 50 });
  t.after(() => one.close());
  const connected = one.connect();
  const stop = new AbortController();
  const sends = numbers(30).map((i) =>
    one.sendText(one.id, String(i), i % 3 === 1 ? { signal: stop.signal } : undefined),
  );
  const ends = Promise.allSettled(sends);
  stop.abort(new Error('enough'));
  await eventually(() => one.stats().outboxCount === 20, 'ten sends to be taken out');
  await service(t, { port });
  await within(connected);
  const found = await within(ends);
  for (const i of numbers(30)) assert.equal(found[i].reason?.message, i % 3 === 1 ? 'enough' : undefined);
  for (const i of numbers(30).filter((each) => each % 3 !== 1)) {
    assert.equal((await within(one.receive())).text(), String(i));
  }
  await assert.rejects(one.sendText(one.id, 'x', { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('a signal that comes when the engine is through, but not yet its events, is no exception', async (t) => {
  const made = new acurast.Client('ws://127.0.0.1:1', { linger: 0 });
  t.after(() => made.close());
  made.connect().catch(() => {});
  const stop = new AbortController();
  const sends = numbers(10).map(() => made.send(NOBODY, new Uint8Array(1), { signal: stop.signal }));
  const ends = Promise.allSettled(sends);
  const closed = made.close();
  // Without a turn of the loop in between: the threads of the engine go on alone.
  for (const end = Date.now() + DEADLINE; made.stats().outboxCount && Date.now() < end; );
  stop.abort();
  for (const { reason } of await within(ends)) assert.equal(reason.name, 'AbortError');
  await within(closed);
});

test('10,000 aborted sends leave nothing behind', async (t) => {
  const made = new acurast.Client('ws://127.0.0.1:1', { linger: 0 });
  t.after(() => made.close());
  made.connect().catch(() => {});
  const before = native.liveObjects();
  for (const round of numbers(10)) {
    const stop = new AbortController();
    const sends = numbers(1000).map(() => made.send(NOBODY, new Uint8Array(64), { signal: stop.signal }));
    assert.equal(getEventListeners(stop.signal, 'abort').length, 1, `round ${round}`);
    const ends = Promise.allSettled(sends);
    stop.abort();
    for (const { reason } of await ends) assert.equal(reason.name, 'AbortError');
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0);
  }
  await eventually(() => made.stats().outboxCount === 0, 'an empty outbox');
  await eventually(() => native.liveObjects() <= before, 'the events to be given back');
  const kept = new AbortController();
  const done = made.send(NOBODY, new Uint8Array(1), { signal: kept.signal, timeout: 1 });
  await assert.rejects(within(done), acurast.ExpiredError);
  assert.equal(getEventListeners(kept.signal, 'abort').length, 0);
});

test('a slow consumer pauses reading, while its own sends go on; then everything comes', async (t) => {
  const started = await service(t, { sendBuffer: '64MiB' });
  const one = await client(t, started.url);
  const slow = await client(t, started.url, { inboxCount: 100 });
  const sends = numbers(20_000).map((i) => one.send(slow.id, Buffer.from(String(i).padEnd(1000))));
  await within(Promise.all(sends), 'the sends');
  const taken = await slow.receive();
  assert.equal(taken.text().trim(), '0');
  await within(slow.sendText(one.id, 'still here'), 'a send of the slow one');
  assert.equal((await within(one.receive())).text(), 'still here');
  assert.ok(slow.stats().payloadsIn < 10_000, `${slow.stats().payloadsIn} were read`);
  for (let i = 1; i < 20_000; i++) assert.equal((await slow.receive()).text().trim(), String(i));
});

test('inboxBytes bounds what waits, also where it is small', async (t) => {
  const started = await service(t);
  const one = await client(t, started.url);
  const slow = await client(t, started.url, { inboxBytes: 1000 });
  await within(Promise.all(numbers(60).map(() => one.send(slow.id, new Uint8Array(500)))), 'the sends');
  for (const _ of numbers(100)) {
    await within(slow.sendText(one.id, 'another turn of the slow one'));
    await within(one.receive());
  }
  assert.ok(slow.stats().payloadsIn < 20, `${slow.stats().payloadsIn} were read`);
  for (const _ of numbers(60)) await within(slow.receive());
});

test('a slow consumer does not hold up another client of the same thread', async (t) => {
  const started = await service(t);
  const [one, slow, quick] = await Promise.all([{}, { inboxCount: 10 }, {}].map((o) => client(t, started.url, o)));
  await Promise.all(numbers(2000).flatMap((i) => [slow, quick].map((to) => one.sendText(to.id, String(i)))));
  for (const i of numbers(2000)) assert.equal((await within(quick.receive())).text(), String(i));
});

test('a flood leaves the loop its turns', async (t) => {
  const { one, two } = await pair(t);
  let seen = 0;
  const all = new Promise((resolve) => two.on('message', () => ++seen === 50_000 && resolve()));
  let most = 0;
  let last = 0;
  let turning = true;
  const turn = () => {
    most = Math.max(most, seen - last);
    last = seen;
    if (turning) setImmediate(turn);
  };
  turn();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let sent = 0; sent < 50_000; sent += 500) {
    await Promise.all(numbers(500).map(() => one.send(two.id, new Uint8Array(64))));
  }
  await within(all, '50,000 messages');
  turning = false;
  delay.disable();
  assert.ok(most <= 256, `${most} messages in one turn of the loop`);
  assert.ok(delay.percentile(99) < 250e6, `p99 of the delay: ${delay.percentile(99) / 1e6} ms`);
});

test('1,000 clients at once, and a storm of closing', async (t) => {
  const started = await service(t);
  const all = await within(Promise.all(numbers(1000).map(() => acurast.connect(started.url))), '1,000 clients');
  const arrived = Promise.all(all.map((each) => each.receive()));
  await Promise.all(all.map((each, i) => each.sendText(all[(i + 1) % 1000].id, String(i))));
  const texts = (await within(arrived, '1,000 messages')).map((message) => message.text());
  assert.deepEqual(texts, numbers(1000).map((i) => String((i + 999) % 1000)));
  const sends = Promise.allSettled(all.map((each, i) => each.sendText(all[(i + 7) % 1000].id, 'late')));
  await within(Promise.all(all.flatMap((each) => [each.close(), each.close()])), '1,000 ends');
  await within(sends, 'the last outcomes');
  assert.ok(all.every((each) => each.state === 'closed'));
});

test('closing in every state, at once after connecting, and in a listener', async (t) => {
  const started = await service(t);
  for (const name of ['connecting', 'authenticating', 'connected', 'disconnected']) {
    const made = new acurast.Client(name === 'disconnected' ? 'ws://127.0.0.1:1' : started.url);
    const seen = [];
    made.on('state', (event) => {
      seen.push(event.state);
      if (event.state === name) made.close();
    });
    await made.connect().catch((error) => assert.equal(error.code, 'ACURAST_CLOSED'));
    await within(made.close());
    assert.equal(seen.at(-1), 'closed');
    assert.equal(seen.filter((each) => each === 'closed').length, 1);
  }
  for (let i = 0; i < 50; i++) {
    const made = new acurast.Client(started.url);
    const connected = made.connect();
    made.close();
    await connected.catch((error) => assert.equal(error.code, 'ACURAST_CLOSED'));
    await within(made.close());
  }
});
