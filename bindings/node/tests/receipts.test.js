'use strict';
// Sends that tell what became of them, who is here, and who has left.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const { DEADLINE, acurast, client, eventually, freePort, pair, run, service, within } = require('./lib/harness');

const NOBODY = '00'.repeat(16);
const OLD = { extensions: false }; // as the vendor's client or service
const numbers = (count) => Array.from({ length: count }, (_, i) => i);
const until = (level) => ({ until: level, timeout: 20_000 });

/** One who was here and left, and has a mailbox: its identity. */
async function absent(t, url) {
  const identity = acurast.Identity.generate();
  const left = await client(t, url, { identity });
  await left.close();
  return identity;
}

/** Asks until `one` sees it so. */
async function seen(one, id, presence) {
  for (const end = Date.now() + DEADLINE; Date.now() < end; ) {
    const [found] = await within(one.look([id]), 'what a look has found');
    if (found.presence === presence) return;
  }
  throw new Error(`${id} was never ${presence}`);
}

test('a send resolves with the level that it reached', async (t) => {
  const { one, two } = await pair(t);
  assert.equal(await one.sendText(two.id, 'a'), 'written');
  assert.equal(await within(one.sendText(two.id, 'b', until('written'))), 'written');
  assert.equal(await within(one.sendText(two.publicKey, 'c', until('relayed'))), 'relayed');
  assert.equal(await within(one.sendJson(two.identity, 'd', until('delivered'))), 'delivered');
  for (const text of ['a', 'b', 'c', '"d"']) assert.equal((await within(two.receive())).text(), text);
  assert.deepEqual([one.stats().foreignReceipts, two.stats().repeats], [0, 0]);
});

test('many that are delivered arrive once and in order', async (t) => {
  const { one, two } = await pair(t);
  const levels = Promise.all(numbers(2000).map((i) => one.sendText(two.id, String(i), until('delivered'))));
  for (const i of numbers(2000)) assert.equal((await within(two.receive())).text(), String(i));
  assert.deepEqual(new Set(await within(levels)), new Set(['delivered']));
});

test('to one that cannot tell it, relayed is the most there is', async (t) => {
  const started = await service(t);
  const [one, old] = await Promise.all([client(t, started.url), client(t, started.url, OLD)]);
  assert.equal(await within(one.sendText(old.id, 'x', until('delivered'))), 'relayed');
  assert.equal((await within(old.receive())).text(), 'x');
});

test('what was not delivered says why', async (t) => {
  const started = await service(t, { mailboxCount: 1, mailboxSeconds: 1 });
  const one = await client(t, started.url);
  for (const level of ['relayed', 'delivered']) {
    await assert.rejects(within(one.sendText(NOBODY, 'x', until(level))), { code: 'ACURAST_NOT_HERE', retriable: true });
  }
  const { id } = await absent(t, started.url);
  await seen(one, id, 'away');
  const [first, second] = numbers(2).map((i) => one.sendText(id, String(i), until('delivered')));
  await assert.rejects(within(second), acurast.MailboxFullError);
  await assert.rejects(within(first), acurast.MailboxExpiredError);
});

test('whoever asks is told that it waits in a mailbox, and later what became of it', async (t) => {
  const started = await service(t);
  const one = await client(t, started.url);
  const identity = await absent(t, started.url);
  await seen(one, identity.id, 'away');
  let told = 0;
  let kept;
  const waits = new Promise((resolve) => (kept = resolve));
  const onKept = () => {
    told += 1;
    kept();
  };
  const sent = one.sendText(identity.id, 'x', { ...until('delivered'), onKept });
  await within(waits, 'onKept');
  const back = await client(t, started.url, { identity });
  assert.equal(await within(sent), 'delivered');
  assert.equal((await within(back.receive())).text(), 'x');
  assert.equal(told, 1);
  assert.equal(await within(one.sendText(back.id, 'y', { ...until('delivered'), onKept })), 'delivered');
  assert.equal(told, 1);
});

test('what onKept throws is an uncaught exception, and the send goes on', async () => {
  const { out, code, err } = await run(`
    process.on('uncaughtException', (error) => console.log(error.message));
    const service = await acurast.Service.start();
    const [one, two] = await Promise.all([acurast.connect(service.url), acurast.connect(service.url)]);
    await two.close();
    while ((await one.look([two.id]))[0].presence !== 'away');
    const onKept = () => { throw new Error('of the listener'); };
    await one.sendText(two.id, 'x', { until: 'delivered', timeout: 500, onKept }).catch((error) => console.log(error.code));
    await one.close();
    await service.close();
  `);
  assert.deepEqual([code, out], [0, 'of the listener\nACURAST_UNDETERMINED\n'], err);
});

test('a service or a client without the extension says so at once', async (t) => {
  const [old, known] = await Promise.all([service(t, OLD), service(t)]);
  const clients = await Promise.all([client(t, old.url), client(t, known.url, OLD)]);
  for (const one of clients) {
    const unsupported = { code: 'ACURAST_UNSUPPORTED' };
    await assert.rejects(within(one.sendText(one.id, 'x', { until: 'relayed' }), 'the refusal', 5000), unsupported);
    await assert.rejects(within(one.sendText(one.id, 'x', { until: 'delivered' }), 'the refusal', 5000), unsupported);
    await assert.rejects(within(one.look([one.id]), 'the refusal', 5000), unsupported);
    await assert.rejects(within(one.keyOf(one.id), 'the refusal', 5000), unsupported);
    assert.equal(await one.sendText(one.id, 'plain'), 'written');
    assert.equal((await within(one.receive())).text(), 'plain');
  }
});

test('a service that hides who is here tells no reason', async (t) => {
  const started = await service(t, { presence: false });
  const [one, two] = await Promise.all([client(t, started.url), client(t, started.url)]);
  await assert.rejects(within(one.sendText(NOBODY, 'x', until('delivered'))), acurast.NotDeliveredError);
  await assert.rejects(within(one.look([two.id])), acurast.UnsupportedError);
  assert.equal(await within(one.sendText(two.id, 'x', until('delivered'))), 'delivered');
});

test('what nobody answered in time is undetermined', async (t) => {
  const started = await service(t);
  const one = await client(t, started.url);
  const { id } = await absent(t, started.url);
  await seen(one, id, 'away');
  await assert.rejects(within(one.sendText(id, 'x', { until: 'delivered', timeout: 50 })), acurast.UndeterminedError);
});

test('an aborted signal ends its send or look, and no other', async (t) => {
  const started = await service(t);
  const one = await client(t, started.url);
  const identity = await absent(t, started.url);
  await seen(one, identity.id, 'away');
  const stop = new AbortController();
  const { signal } = stop;
  const sends = [];
  for (const more of [{ signal }, {}]) {
    const kept = new Promise((onKept) => {
      sends.push(one.sendText(identity.id, 'x', { ...until('delivered'), ...more, onKept }));
    });
    await within(kept, 'onKept');
  }
  stop.abort(new Error('enough'));
  await assert.rejects(within(sends[0]), { message: 'enough' });
  await assert.rejects(within(one.look([NOBODY], { signal })), { message: 'enough' });
  await client(t, started.url, { identity });
  assert.equal(await within(sends[1]), 'delivered');

  await started.close();
  await eventually(() => one.state !== 'connected', 'the end of the connection');
  const later = new AbortController();
  const look = one.look([NOBODY], { signal: later.signal });
  later.abort();
  await assert.rejects(within(look), { name: 'AbortError' });
  await assert.rejects(within(one.look([NOBODY], { timeout: 20 })), acurast.ExpiredError);
  const last = one.look([NOBODY]);
  one.close();
  await assert.rejects(within(last), acurast.ClosedError);
  await eventually(() => one.state === 'closed', 'the end of the client');
  await assert.rejects(one.look([NOBODY]), acurast.ClosedError);
});

test('what is under way when the service starts again arrives once, and nobody is told a lie', async (t) => {
  const port = await freePort();
  const first = await service(t, { port });
  const options = { backoffMin: 10, backoffMax: 50 };
  const [one, two] = await Promise.all([client(t, first.url, options), client(t, first.url, options)]);
  const texts = [];
  two.on('message', (message) => texts.push(message.text()));
  const early = numbers(200).map((i) => one.sendText(two.id, String(i), until('delivered')));
  await first.close();
  const late = numbers(200).map((i) => one.sendText(two.id, String(200 + i), until('delivered')));
  await service(t, { port });
  const ends = await within(Promise.allSettled([...early, ...late]));
  // The sender may be there before the recipient: then it was told so, truly.
  const reached = numbers(400).filter((i) => ends[i].value === 'delivered');
  const reasons = new Set(ends.filter(({ reason }) => reason).map(({ reason }) => reason.code));
  for (const code of reasons) assert.ok(['ACURAST_NOT_HERE', 'ACURAST_UNDETERMINED'].includes(code), code);
  assert.deepEqual(texts, [...new Set(texts)].sort((a, b) => a - b));
  for (const i of reached) assert.ok(texts.includes(String(i)), `${i} is said to be delivered`);
  const refused = numbers(400).filter((i) => ends[i].reason?.code === 'ACURAST_NOT_HERE');
  for (const i of refused) assert.ok(!texts.includes(String(i)), `${i} is said not to be delivered`);
  await seen(one, two.id, 'here');
  assert.equal(await within(one.sendText(two.id, 'last', until('delivered'))), 'delivered');
  assert.equal(texts.at(-1), 'last');
});

test('a look tells one value for each, in order, with the key of who is here', async (t) => {
  const { service: started, one, two } = await pair(t);
  const { id } = await absent(t, started.url);
  await seen(one, id, 'away');
  const asked = [NOBODY, two.publicKey, Buffer.from(id, 'hex'), one.identity, `0x${two.id.toUpperCase()}`];
  const found = await within(one.look(asked));
  assert.deepEqual(found, [
    { id: NOBODY, presence: 'not here', publicKey: undefined },
    { id: two.id, presence: 'here', publicKey: two.publicKey },
    { id, presence: 'away', publicKey: undefined },
    { id: one.id, presence: 'here', publicKey: one.publicKey },
    { id: two.id, presence: 'here', publicKey: two.publicKey },
  ]);
  assert.throws(() => (found[0].presence = 'here'), TypeError);
  assert.deepEqual(await one.look([]), []);
  const nobody = (i) => i.toString(16).padStart(32, '0');
  const many = await within(one.look(numbers(200).map((i) => (i % 100 === 99 ? two.id : nobody(i)))));
  assert.deepEqual(numbers(200).filter((i) => many[i].presence === 'here'), [99, 199]);
  assert.equal(many[150].id, nobody(150));
});

test('the key of who is here, else who is not', async (t) => {
  const { service: started, one, two } = await pair(t);
  assert.equal(await within(one.keyOf(two.id)), two.publicKey);
  const { id } = await absent(t, started.url);
  await seen(one, id, 'away');
  await assert.rejects(within(one.keyOf(NOBODY)), { code: 'ACURAST_NOT_HERE', detail: `${NOBODY}: not here` });
  await assert.rejects(within(one.keyOf(id)), { code: 'ACURAST_NOT_HERE', detail: `${id}: away` });
});

test('looks find their turn in a full outbox', async (t) => {
  const { one, two } = await pair(t, { outboxCount: 2 });
  const sends = numbers(50).map((i) => one.sendText(two.id, String(i), until('delivered')));
  const looks = numbers(50).map(() => one.look([two.id]));
  for (const [{ presence }] of await within(Promise.all(looks))) assert.equal(presence, 'here');
  assert.deepEqual(new Set(await within(Promise.all(sends))), new Set(['delivered']));
});

test('whoever was asked for is told once when it leaves', async (t) => {
  const { service: started, one, two } = await pair(t);
  const three = await client(t, started.url);
  const left = [];
  one.on('gone', (gone) => left.push(gone));
  await within(one.look([two.id]));
  await within(one.sendText(three.id, 'x', until('delivered')));
  await two.close();
  await eventually(() => left.length === 1, 'the first event');
  await three.close();
  await eventually(() => left.length === 2, 'the second event');
  assert.deepEqual(left, [{ id: two.id, presence: 'away' }, { id: three.id, presence: 'away' }]);

  const again = await client(t, started.url, { identity: two.identity });
  await again.close();
  const back = await client(t, started.url, { identity: two.identity });
  await within(one.look([back.id]));
  assert.equal(left.length, 2); // nobody had asked
  const gone = once(one, 'gone');
  await back.close();
  assert.equal((await within(gone))[0].id, two.id);
});

test('one whose key has connected anew has left, and is here', async (t) => {
  const { service: started, one, two } = await pair(t);
  await within(one.look([two.id]));
  const gone = once(one, 'gone');
  await client(t, started.url, { identity: two.identity });
  assert.deepEqual((await within(gone))[0], { id: two.id, presence: 'here' });
});

test('arguments are checked', async (t) => {
  const { one, two } = await pair(t);
  const send = (options) => one.sendText(two.id, 'x', options);
  await assert.rejects(send({ until: 'read' }), { code: 'ERR_INVALID_ARG_VALUE', message: /written, relayed, delivered/ });
  await assert.rejects(send({ until: 2 }), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(send({ until: 'constructor' }), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(send({ until: 'relayed', onKept: 1 }), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(send({ onKept: () => {} }), { code: 'ERR_INVALID_ARG_VALUE', message: /until/ });
  await assert.rejects(one.look(two.id), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(one.look([1]), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(one.look([two.id, '12']), { code: 'ACURAST_BAD_RECIPIENT' });
  await assert.rejects(one.look([two.id], { timeout: 0 }), { code: 'ERR_OUT_OF_RANGE' });
  await assert.rejects(one.keyOf('zz'.repeat(16)), { code: 'ACURAST_BAD_HEX' });
  await assert.rejects(new acurast.Client('ws://127.0.0.1:1').look([two.id]), { code: 'ACURAST_BAD_STATE' });
});

test('events of a type that is not known are left out', async () => {
  const { out, code, err } = await run(`
    const path = require('node:path');
    const lib = path.join(path.dirname(require.resolve(process.argv[1])), 'lib');
    for (const name of Object.keys(require.cache)) if (name.startsWith(lib + path.sep + 'events')) delete require.cache[name];
    const native = require(path.join(lib, 'native.js'));
    let dispatch, cells;
    native.setup = (...values) => ([dispatch, , cells] = values);
    const events = require(path.join(lib, 'events.js'));
    const slot = events.enter();
    events.hold(slot, { onLog: (level, text) => console.log(level, text), onGone: (id, presence) => console.log(id, presence) });
    cells.set([99, slot, 1, 2, 8, slot, 2, 0, 5, slot, 1, 0]);
    dispatch(3, ['who', 'said']);
  `, { values: [path.join(__dirname, '..')] });
  assert.deepEqual([code, out], [0, 'who away\nerror said\n'], err);
});
