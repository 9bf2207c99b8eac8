'use strict';
// What a client does on a good day: connect, send, receive, states, close.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { acurast, client, pair, service, state, within } = require('./lib/harness');

test('a payload arrives with its sender, its recipient and its bytes', async (t) => {
  const { one, two } = await pair(t);
  await one.send(two.publicKey, Uint8Array.of(0, 1, 255));
  const message = await within(two.receive());
  assert.ok(message instanceof acurast.Message);
  assert.equal(message.sender, one.id);
  assert.equal(message.recipient, two.id);
  assert.deepEqual(message.payload, Uint8Array.of(0, 1, 255));
  assert.equal(message.payload.buffer.byteLength, 3); // a copy of its own, not a view of something larger
});

test('payloads of every size arrive whole and in order', async (t) => {
  const { one, two } = await pair(t);
  const sizes = [0, 1, 63, 64, 65, 2047, 2048, 2049, 70_000, 1 << 20];
  const bytes = (size) => new Uint8Array(size).map((_, i) => (i * 7 + size) & 255);
  await Promise.all(sizes.map((size) => one.send(two.id, bytes(size))));
  for (const size of sizes) assert.deepEqual((await within(two.receive())).payload, bytes(size));
});

test('a recipient is an id, a key or an identity, as bytes or hex', async (t) => {
  const { one, two } = await pair(t);
  const { id, publicKey, uncompressedKey } = two.identity;
  const forms = [id, publicKey, uncompressedKey].flatMap((hex) => {
    const bytes = Buffer.from(hex, 'hex');
    return [hex, `0x${hex.toUpperCase()}`, ` ${hex}\n`, bytes, new Uint8Array(bytes), new Uint8Array(bytes).buffer];
  });
  for (const form of [...forms, two.identity]) await one.send(form, new Uint8Array(1));
  for (let i = 0; i <= forms.length; i++) assert.equal((await within(two.receive())).sender, one.id);
});

test('text and JSON', async (t) => {
  const { one, two } = await pair(t);
  await one.sendText(two.id, 'deadbeef ✓');
  await one.sendJson(two.id, { list: [1, null] });
  await one.send(two.id, Uint8Array.of(0xff));
  assert.equal((await two.receive()).text(), 'deadbeef ✓');
  assert.deepEqual((await two.receive()).json(), { list: [1, null] });
  const odd = await two.receive();
  assert.throws(() => odd.text(), TypeError);
  await assert.rejects(one.sendJson(two.id, undefined), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('messages by listener, also those that came before it', async (t) => {
  const { one, two } = await pair(t);
  for (let i = 0; i < 1000; i++) await one.sendText(two.id, String(i));
  const seen = [];
  const all = new Promise((resolve) => {
    two.on('message', (message) => {
      seen.push(Number(message.text()));
      if (seen.length === 2000) resolve();
    });
  });
  for (let i = 1000; i < 2000; i++) await one.sendText(two.id, String(i));
  await within(all, '2,000 messages');
  assert.deepEqual(seen, Array.from({ length: 2000 }, (_, i) => i));
  await assert.rejects(two.receive(), { code: 'ACURAST_BAD_STATE' });
});

test('what had come before the end still reaches a listener', async (t) => {
  const { one, two } = await pair(t);
  await Promise.all(Array.from({ length: 1000 }, (_, i) => one.sendText(two.id, String(i))));
  while (two.stats().payloadsIn < 1000) await new Promise(setImmediate);
  let seen = 0;
  const all = new Promise((resolve) => two.on('message', () => ++seen === 1000 && resolve()));
  await two.close();
  await within(all, '1,000 messages');
});

test('two consumers share the messages', async (t) => {
  const { one, two } = await pair(t);
  const seen = [];
  const consume = async () => {
    for await (const message of two) {
      if (message.payload.length === 0) return;
      seen.push(message.text());
    }
  };
  const consumers = [consume(), consume()];
  for (let i = 0; i < 100; i++) await one.sendText(two.id, `${i}`);
  for (let i = 0; i < 2; i++) await one.send(two.id, new Uint8Array());
  await within(Promise.all(consumers), 'the end of both');
  assert.equal(new Set(seen).size, 100);
  assert.equal(seen.length, 100);
});

test('states are told in order, with the service and the end', async (t) => {
  const started = await service(t);
  const made = new acurast.Client([started.url]);
  const seen = [];
  made.on('state', (event) => seen.push(event.state));
  assert.equal(made.state, 'idle');
  await made.connect();
  assert.equal(made.state, 'connected');
  assert.equal(made.url, started.url);
  assert.equal(made.stats().connections, 1);
  await made.close();
  await made.close();
  assert.equal(made.state, 'closed');
  assert.deepEqual(seen, ['connecting', 'authenticating', 'connected', 'closed']);
});

test('a client that was never connected closes too', async () => {
  const made = new acurast.Client('ws://127.0.0.1:1');
  const closed = state(made, 'closed');
  await assert.rejects(made.send(made.id, new Uint8Array()), { code: 'ACURAST_BAD_STATE' });
  await made.close();
  await closed;
  await assert.rejects(made.connect(), acurast.ClosedError);
});

test('closing ends iteration and refuses what comes later', async (t) => {
  const { one, two } = await pair(t);
  await one.sendText(two.id, 'kept');
  const seen = [];
  const consumer = (async () => {
    for await (const message of two) {
      seen.push(message.text());
      two.close();
    }
  })();
  await within(consumer, 'the end of the iteration');
  assert.deepEqual(seen, ['kept']);
  await within(two.close());
  for (const call of [() => two.send(one.id, new Uint8Array()), () => two.receive(), () => two.connect()]) {
    await assert.rejects(call(), { code: 'ACURAST_CLOSED', retriable: false });
  }
  assert.throws(() => two.stats(), acurast.ClosedError);
});

test('connect gives up in time, on a signal, and where it is denied', async (t) => {
  const nobody = 'ws://127.0.0.1:1';
  await assert.rejects(acurast.connect(nobody, { timeout: 1000 }), (error) => {
    assert.ok(error instanceof acurast.TimeoutError && error instanceof acurast.AcurastError);
    return /1000 ms: the service could not be reached/.test(error.message);
  });
  const stop = new AbortController();
  const stopped = acurast.connect(nobody, { signal: stop.signal });
  stop.abort(new Error('enough'));
  await assert.rejects(stopped, { message: 'enough' });
  await assert.rejects(acurast.connect(nobody, { signal: AbortSignal.abort() }), { name: 'AbortError' });

  const identity = acurast.Identity.generate();
  const started = await service(t, { deny: [identity.id] });
  await assert.rejects(acurast.connect(started.url, { identity }), { code: 'ACURAST_DENIED' });
  await client(t, started.url);
});

test('an Ed25519 identity connects to our service', async (t) => {
  const started = await service(t);
  const one = await client(t, started.url, { identity: acurast.Identity.generate('ed25519') });
  await one.sendText(one.publicKey, 'to myself');
  assert.equal((await within(one.receive())).sender, one.id);
  assert.match(one.publicKey, /^ed/);
});

test('events.once and await using work as elsewhere', async (t) => {
  const { one, two } = await pair(t);
  const next = once(two, 'message');
  await one.sendText(two.id, 'once');
  assert.equal((await within(next))[0].text(), 'once');
  assert.equal(two.listenerCount('message'), 0);
  await one.sendText(two.id, 'then by iteration');
  for await (const message of two) {
    assert.equal(message.text(), 'then by iteration');
    break; // leaves the client open
  }
  assert.equal(two.state, 'connected');
  await two[Symbol.asyncDispose]();
  assert.equal(two.state, 'closed');
});
