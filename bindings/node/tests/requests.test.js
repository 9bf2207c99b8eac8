'use strict';
// Requests and answers: what comes back, in every case.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { raw } = require('../lib/serving');
const { acurast, client, eventually, freePort, run, service, within } = require('./lib/harness');

const NOBODY = '00'.repeat(16);
const OLD = { extensions: false }; // as the vendor's client or service
const LONG = { timeout: 60_000 }; // what ends sooner, ends for another reason
const numbers = (count) => Array.from({ length: count }, (_, i) => i);
const never = () => new Promise(() => {});

const METHODS = {
  echo: (params) => params,
  later: async (params) => {
    await new Promise((resolve) => setImmediate(resolve));
    return { later: params };
  },
  nothing() {},
  wrong() {
    throw new acurast.RpcError(-32602, 'pair must be a string\0', { got: [1] });
  },
  never,
  async steps(_, request) {
    for (const i of numbers(3)) await request.progress({ done: i });
    return 'steps';
  },
};

/** A service, who serves METHODS, and who asks: { service, server, asker }. */
async function asking(t, { serviceOptions, serverOptions, askerOptions, methods = METHODS } = {}) {
  const started = await service(t, serviceOptions);
  const [server, asker] = await Promise.all([client(t, started.url, serverOptions), client(t, started.url, askerOptions)]);
  server.serve(methods);
  return { service: started, server, asker };
}

test('an answer is the value that the handler returned', async (t) => {
  const { server, asker } = await asking(t);
  const params = { pair: 'EUR/CHF', deep: [{ é: ['\u2028', null, true, 1.5, '"\\'] }] };
  const ask = (to, ...values) => within(asker.request(to, ...values));
  assert.deepEqual(await ask(server.id, 'echo', params, LONG), params);
  assert.deepEqual(await ask(server.publicKey, 'echo', [1, 2]), [1, 2]);
  assert.deepEqual(await ask(server.identity, 'later', []), { later: [] });
  assert.equal(await ask(Buffer.from(server.id, 'hex'), 'nothing'), null);
  assert.deepEqual(await ask(server.id, 'later'), {}); // no params are undefined, which JSON leaves out
  const large = { text: 'x'.repeat(300_000) };
  assert.deepEqual(await ask(server.id, 'echo', large), large);
});

test('whoever serves learns who asks, and may answer itself', async (t) => {
  const { asker, server } = await asking(t);
  asker.serve({
    who(params, request) {
      assert.ok(request.signal instanceof AbortSignal && !request.signal.aborted);
      return [request.sender, request.method];
    },
  });
  assert.deepEqual(await within(server.request(asker.id, 'who')), [server.id, 'who']);
  assert.deepEqual(await within(asker.request(asker.id, 'who')), [asker.id, 'who']);
});

test('an error has its code, its words and its data', async (t) => {
  const { server, asker } = await asking(t);
  const wrong = await within(asker.request(server.id, 'wrong').catch((error) => error));
  assert.ok(wrong instanceof acurast.RemoteError && wrong instanceof acurast.AcurastError);
  assert.deepEqual([wrong.code, wrong.remoteCode, wrong.data], ['ACURAST_REMOTE_ERROR', -32602, { got: [1] }]);
  assert.equal(wrong.remoteMessage, 'pair must be a string\ufffd');
  assert.match(wrong.message, /\(-32602: pair must be a string/);
  const unknown = await within(asker.request(server.id, 'constructor').catch((error) => error));
  assert.deepEqual([unknown.remoteCode, unknown.data], [-32601, undefined]);
  assert.deepEqual(await within(asker.request(server.id, 'echo', [1])), [1]);
});

test('words of a stranger cannot steer a terminal', async (t) => {
  const methods = { x: () => Promise.reject(new acurast.RpcError(1, `\x1b[2J\u202e${'y'.repeat(9999)}`)) };
  const { server, asker } = await asking(t, { methods });
  const error = await within(asker.request(server.id, 'x').catch((reason) => reason));
  assert.ok(error.message.includes('1: \\x1b[2J\\u{202e}yyy') && error.message.length < 1000, error.message);
  assert.equal(error.remoteMessage.length, 9999 + 5);
});

test('what a handler throws is told to its own program, and not to the asker', async (t) => {
  const bug = new TypeError('the password is 1234');
  const methods = {
    bug() {
      throw bug;
    },
    rejected: () => Promise.reject(undefined),
    cyclic() {
      const value = {};
      return (value.value = value);
    },
    half: () => '\ud800',
    data() {
      throw new acurast.RpcError(5, 'five', { big: 1n });
    },
  };
  const { server, asker } = await asking(t, { methods });
  const told = [];
  server.on('handlerError', (error, { method, sender }) => told.push([error?.name, method, sender]));
  for (const [method, code] of [['bug', -32000], ['rejected', -32000], ['cyclic', -32000], ['half', -32000], ['data', -32603]]) {
    const error = await within(asker.request(server.id, method).catch((reason) => reason));
    assert.equal(error.remoteCode, code, method);
    assert.ok(!/1234/.test(error.message + error.remoteMessage + JSON.stringify(error.data)));
  }
  const names = [['TypeError', 'bug'], [undefined, 'rejected'], ['TypeError', 'cyclic'], ['InvalidError', 'half']];
  assert.deepEqual(told, names.map((each) => [...each, asker.id]));
});

test('without a listener a handler that throws is a warning, once for each method', async () => {
  const { out, code, err } = await run(`
    process.on('warning', ({ code, message }) => console.log(code, message.split('\\n')[0]));
    const service = await acurast.Service.start();
    const client = await acurast.connect(service.url);
    client.serve({ bug: () => null.x, other() { throw 'x\\x1b' } });
    for (const method of ['bug', 'bug', 'other', 'bug']) await client.request(client.id, method).catch(({ remoteCode }) => console.log(remoteCode));
    await client.close();
    await service.close();
  `);
  const lines = out.trim().split('\n');
  assert.deepEqual([code, lines.filter((line) => line === '-32000').length], [0, 4], err);
  const warnings = lines.filter((line) => line.startsWith('ACURAST_HANDLER')).sort();
  assert.equal(warnings.length, 2, out);
  assert.match(warnings[0], /the handler of "bug" has thrown: TypeError/);
  assert.match(warnings[1], /"other" has thrown: x\\x1b$/);
});

test('where nobody is there, it is told at once', async (t) => {
  const { server, asker } = await asking(t);
  await assert.rejects(within(asker.request(NOBODY, 'echo', [], LONG)), acurast.NotHereError);
  await within(asker.request(server.id, 'echo', []));
  const slow = asker.request(server.id, 'never', undefined, LONG);
  slow.catch(() => {});
  await within(asker.request(server.id, 'echo', [])); // the receipt of the one before has come
  await server.close();
  await assert.rejects(within(slow), acurast.UndeterminedError);
});

test('no answer in time', async (t) => {
  const { server, asker } = await asking(t);
  await assert.rejects(within(asker.request(server.id, 'never', [], { timeout: 50 })), { code: 'ACURAST_TIMEOUT' });
  const small = await client(t, asker.url, { outboxCount: 1 });
  const asked = numbers(3).map(() => small.request(server.id, 'never', [], { timeout: 50 }));
  for (const { reason } of await within(Promise.allSettled(asked))) assert.ok(reason instanceof acurast.TimeoutError, reason);
});

test('a signal ends its request, and no other', async (t) => {
  const { server, asker } = await asking(t);
  const stop = new AbortController();
  let go;
  const held = new Promise((resolve) => (go = resolve));
  server.serve({
    async slow(params, request) {
      await request.progress(1);
      await held;
      return 'late';
    },
  });
  let told;
  const progress = new Promise((resolve) => (told = resolve));
  const slow = asker.request(server.id, 'slow', [], { signal: stop.signal, onProgress: told });
  const other = asker.request(server.id, 'slow', [], LONG);
  await within(progress);
  stop.abort(new Error('enough'));
  await assert.rejects(within(slow), { message: 'enough' });
  await assert.rejects(asker.request(server.id, 'echo', [], { signal: stop.signal }), { message: 'enough' });
  go();
  assert.equal(await within(other), 'late');
  assert.equal(await within(asker.request(server.id, 'nothing')), null);
  await eventually(() => asker.stats().strayAnswers === 1, 'the late answer');
});

test('progress comes in order, before the answer', async (t) => {
  const { server, asker } = await asking(t);
  const told = [];
  assert.equal(await within(asker.request(server.id, 'steps', [], { onProgress: (value) => told.push(value) })), 'steps');
  assert.deepEqual(told, [{ done: 0 }, { done: 1 }, { done: 2 }]);
  assert.equal(await within(asker.request(server.id, 'steps')), 'steps');
});

test('progress of what is over goes nowhere, and is no failure', async (t) => {
  let kept;
  const { server, asker } = await asking(t, { methods: { keep: (_, request) => void (kept = request) } });
  await within(asker.request(server.id, 'keep'));
  await within(kept.progress(1));
  await assert.rejects(kept.progress(undefined), { code: 'ERR_INVALID_ARG_TYPE' });
  await server.close();
  await within(kept.progress(1));
});

test('a client that closes ends what it serves and what it asked', async (t) => {
  const { server, asker } = await asking(t, { methods: {} });
  const begun = new Promise((resolve) => {
    server.serve({
      ping: () => null,
      async slow(params, request) {
        resolve(request);
        await once(request.signal, 'abort');
        throw request.signal.reason;
      },
    });
  });
  const reported = [];
  server.on('handlerError', (error) => reported.push(error));
  const asked = asker.request(server.id, 'slow', undefined, LONG);
  asked.catch(() => {});
  const request = await within(begun);
  assert.equal(await within(asker.request(server.id, 'ping')), null); // the receipt of the one before has come
  const aborted = once(request.signal, 'abort');
  const own = server.request(asker.id, 'nobody serves this', undefined, LONG);
  own.catch(() => {});
  await server.close();
  await within(aborted);
  assert.ok(request.signal.reason instanceof acurast.ClosedError);
  await assert.rejects(within(own), acurast.ClosedError);
  await assert.rejects(server.request(asker.id, 'x'), acurast.ClosedError);
  assert.throws(() => server.serve({ x: never }), acurast.ClosedError);
  await assert.rejects(within(asked), acurast.UndeterminedError);
  assert.deepEqual(reported, []);
});

test('a notification reaches its handler, and what it returns goes nowhere', async (t) => {
  const { server, asker } = await asking(t, { methods: {} });
  const told = new Promise((resolve) => {
    server.serve({
      tell(params, request) {
        resolve([params, request.sender]);
        return 'nobody reads this';
      },
    });
  });
  await asker.sendJson(server.id, { jsonrpc: '2.0', method: 'tell', params: ['x'] });
  assert.deepEqual(await within(told), [['x'], asker.id]);
  await server.sendText(asker.id, 'next');
  assert.equal((await within(asker.receive())).text(), 'next');
});

test('peers that know nothing of this library ask and are asked', async (t) => {
  for (const serviceOptions of [OLD, undefined]) {
    const { service: started, server, asker } = await asking(t, { serviceOptions, serverOptions: OLD, askerOptions: OLD });
    assert.deepEqual(await within(asker.request(server.id, 'echo', ['x'])), ['x']);
    assert.equal(await within(asker.request(server.id, 'steps')), 'steps');
    const plain = await client(t, started.url, OLD);
    await plain.sendText(server.id, '{"jsonrpc":"2.0","id":"a","method":"echo","params":[1]}');
    assert.deepEqual((await within(plain.receive())).json(), { jsonrpc: '2.0', id: 'a', result: [1] });
    const message = once(plain, 'message');
    const asked = asker.request(plain.id, 'by hand', { a: 1 });
    const [{ sender, payload }] = await within(message);
    const request = JSON.parse(Buffer.from(payload));
    assert.deepEqual({ ...request, id: 0 }, { jsonrpc: '2.0', id: 0, method: 'by hand', params: { a: 1 } });
    await plain.sendJson(sender, { jsonrpc: '2.0', id: request.id, error: { code: 7, message: 'no' } });
    await assert.rejects(within(asked), { remoteCode: 7, remoteMessage: 'no' });
  }
});

test('many in flight, from many, each with its own answer', async (t) => {
  const { service: started, server, asker } = await asking(t);
  const more = await Promise.all(numbers(7).map(() => client(t, started.url)));
  const asked = [asker, ...more].flatMap((one, who) =>
    numbers(100).map(async (i) => assert.deepEqual(await one.request(server.id, i % 2 ? 'echo' : 'later', [who, i]), i % 2 ? [who, i] : { later: [who, i] })),
  );
  await within(Promise.all(asked));
});

test('answers and requests find their turn in full outboxes', async (t) => {
  const small = { outboxCount: 2 };
  const { server, asker } = await asking(t, { serverOptions: small, askerOptions: small });
  const asked = numbers(200).map((i) => asker.request(server.id, 'steps', [i], LONG));
  const sends = numbers(50).map((i) => server.sendText(asker.id, String(i), { until: 'delivered' }));
  assert.deepEqual(new Set(await within(Promise.all(asked))), new Set(['steps']));
  assert.deepEqual(new Set(await within(Promise.all(sends))), new Set(['delivered']));
});

test('beyond its bounds a server is busy', async (t) => {
  const { server, asker } = await asking(t, { serverOptions: { serveRunning: 1, serveWaiting: 1 } });
  const asked = numbers(3).map(() => asker.request(server.id, 'never', undefined, LONG));
  for (const each of asked) each.catch(() => {});
  await assert.rejects(within(asked[2]), { remoteCode: -32001 });
});

test('the messages that nobody takes stop no answer', async (t) => {
  const { service: started, server, asker } = await asking(t, { askerOptions: { inboxCount: 8 }, serverOptions: { inboxCount: 8 } });
  await within(asker.request(server.id, 'nothing'));
  const stranger = await client(t, started.url);
  for (const { id } of [server, asker]) {
    const sends = numbers(100).map((i) => stranger.sendText(id, String(i), { until: 'delivered' }));
    await within(Promise.all(sends), 'what the stranger hears');
  }
  assert.equal(await within(asker.request(server.id, 'nothing', undefined, LONG)), null);
  assert.equal((await within(asker.receive())).text(), '98'); // the oldest made room
});

test('a method may be served anew, and before connect', async (t) => {
  const started = await service(t);
  const server = new acurast.Client(started.url, { linger: 0 }).serve({ a: () => 1, b: () => 2 });
  t.after(() => server.close());
  await server.connect({ timeout: 10_000 });
  const asker = await client(t, started.url);
  const answers = () => within(Promise.all(['a', 'b'].map((method) => asker.request(server.id, method))));
  assert.deepEqual(await answers(), [1, 2]);
  server.serve({ b: () => 3 });
  assert.deepEqual(await answers(), [1, 3]);
});

test('a request goes on after the service has started again', async (t) => {
  const port = await freePort();
  const options = { backoffMin: 10, backoffMax: 50 };
  const first = await service(t, { port });
  const [server, asker] = await Promise.all([client(t, first.url, options), client(t, first.url, options)]);
  server.serve(METHODS);
  assert.deepEqual(await within(asker.request(server.id, 'echo', [1])), [1]);
  await first.close();
  await eventually(() => asker.state !== 'connected', 'the end of the connection');
  await service(t, { port });
  await eventually(() => server.state === 'connected', 'the new connection');
  assert.deepEqual(await within(asker.request(server.id, 'echo', [2])), [2]);
});

test('a client that serves stays, although its program forgets it', async () => {
  const { out, code, err } = await run(
    `
    const service = await acurast.Service.start();
    const serve = async () => (await acurast.connect(service.url)).serve({ ping: () => 'pong' }).id;
    const id = await serve();
    const asker = await acurast.connect(service.url);
    for (let i = 0; i < 5; i++) {
      global.gc();
      await new Promise((resolve) => setTimeout(resolve, 1));
      console.log(await asker.request(id, 'ping'));
    }
    process.exit(0);
  `,
    { flags: ['--expose-gc'] },
  );
  assert.deepEqual([code, out], [0, 'pong\n'.repeat(5)], err);
});

test('arguments are checked', async (t) => {
  const { asker } = await asking(t);
  const ask = (...values) => asker.request(asker.id, ...values);
  for (const method of ['', 'a\0b']) await assert.rejects(ask(method), { code: 'ERR_INVALID_ARG_VALUE' });
  for (const method of [undefined, 1]) await assert.rejects(ask(method), { code: 'ERR_INVALID_ARG_TYPE' });
  for (const params of [1, 'x', null, () => {}, new Date(0)]) await assert.rejects(ask('a', params), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(ask('a'.repeat(256)), acurast.InvalidError);
  await assert.rejects(ask('a', { x: 1n }), TypeError);
  await assert.rejects(ask('a', ['\ud800']), acurast.InvalidError);
  await assert.rejects(ask('a', [], { timeout: 0 }), { code: 'ERR_OUT_OF_RANGE' });
  await assert.rejects(ask('a', [], { retry: 1 }), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(ask('a', [], { onProgress: 1 }), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(asker.request('12', 'a'), acurast.BadRecipientError);
  await assert.rejects(new acurast.Client('ws://127.0.0.1:1').request(NOBODY, 'a'), acurast.BadStateError);
  assert.throws(() => asker.serve({ a: 1 }), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => asker.serve({ '': never }), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.throws(() => asker.serve({ 'rpc.a': never }), acurast.InvalidError);
  assert.throws(() => new acurast.RpcError('1', 'x'), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => new acurast.RpcError(1), { code: 'ERR_INVALID_ARG_TYPE' });
});

/** So many who give these values; one that throws has no such method. */
async function council(t, values) {
  const started = await service(t);
  const asker = await client(t, started.url);
  const servers = await Promise.all(values.map(() => client(t, started.url)));
  servers.forEach((one, i) => one.serve(values[i] === undefined ? { other: never } : { price: () => values[i] }));
  const poll = (options) => within(asker.requestMany(servers.map(({ id }) => id), 'price', [], { ...LONG, ...options }));
  return { asker, servers, poll };
}

test('many are asked: all of them, or as many as are needed', async (t) => {
  const { poll, servers } = await council(t, [1, 2, 3]);
  const { answers, failures, value } = await poll();
  assert.deepEqual(new Set(answers.map((each) => each.value)), new Set([1, 2, 3]));
  assert.deepEqual([failures, value], [[], answers[0].value]);
  const byId = Object.fromEntries(answers.map((each) => [each.id, each.value]));
  assert.deepEqual(byId, Object.fromEntries(servers.map(({ id }, i) => [id, i + 1])));
});

test('the rest is cancelled once there are enough', async (t) => {
  const { poll, asker } = await council(t, [1, new Promise(() => {}), 2]);
  const { answers } = await poll({ need: 2 });
  assert.deepEqual(answers.map(({ value }) => value).sort(), [1, 2]);
  await eventually(() => asker.stats().outboxCount === 0, 'the end of the third');
});

test('many agree where so many give the same value', async (t) => {
  const same = [{ a: 1, b: [{ c: null, d: 'x' }] }, { b: [{ d: 'x', c: null }], a: 1.0 }];
  const { poll } = await council(t, [same[0], { a: 2 }, undefined, same[1]]);
  const { value, failures } = await poll({ need: 2, agree: true });
  assert.deepEqual(value, same[0]);
  for (const { error } of failures) assert.equal(error.remoteCode, -32601);
});

test('numbers agree by their value, however they are written, and exactly', async (t) => {
  const { asker, servers } = await council(t, [undefined, undefined, undefined]);
  const written = ['1e2', '100.0', '100.00000000000000001'];
  servers.forEach((one, i) => one.serve({ price: raw(async (params, request, answer) => answer(written[i])) }));
  const names = servers.map(({ id }) => id);
  const poll = (need) => within(asker.requestMany(names, 'price', [], { ...LONG, agree: true, need }));
  assert.equal((await poll(2)).value, 100);
  await assert.rejects(poll(3), acurast.NotEnoughAnswersError);
});

test('what many have not said in time is a failure of theirs, and fewer than half of the outbox can be asked', async (t) => {
  const { poll, asker, servers } = await council(t, [1, new Promise(() => {})]);
  const { answers, failures } = await poll({ timeout: 50 }).catch((reason) => reason);
  assert.deepEqual(answers, [{ id: servers[0].id, value: 1 }]);
  assert.deepEqual(failures.map(({ id, error }) => [id, error.code]), [[servers[1].id, 'ACURAST_TIMEOUT']]);
  const small = await client(t, asker.url, { outboxCount: 4 });
  await assert.rejects(small.requestMany([NOBODY, ...servers.map(({ id }) => id)], 'price'), acurast.TooLargeError);
  const told = [];
  servers[1].serve({ price: async (_, request) => void (await request.progress('soon')) });
  await poll({ onProgress: (value) => told.push(value) });
  assert.deepEqual(told, ['soon']);
});

test('requests to many wait for room in a full outbox', async (t) => {
  const { asker, servers } = await council(t, [1]);
  const small = await client(t, asker.url, { outboxCount: 6 });
  const polls = numbers(20).map(() => small.requestMany([servers[0].id], 'price', [], LONG));
  for (const { value } of await within(Promise.all(polls))) assert.equal(value, 1);
});

test('it ends as soon as it is impossible, and keeps what was said', async (t) => {
  const { poll } = await council(t, [1, 2, undefined, new Promise(() => {})]);
  const error = await poll({ need: 3, agree: true }).catch((reason) => reason);
  assert.ok(error instanceof acurast.NotEnoughAnswersError && error instanceof acurast.AcurastError, error);
  assert.equal(error.code, 'ACURAST_NOT_ENOUGH_ANSWERS');
  const said = error.answers.length + error.failures.length;
  assert.ok(said === 2 || said === 3, error.message);
  const few = await poll({ need: 4 }).catch((reason) => reason);
  assert.equal(few.failures.length, 1);
  assert.match(few.message, /4 needed/);
});

test('whoever is named twice has one voice, and a signal ends it all', async (t) => {
  const { asker, servers } = await council(t, [1, new Promise(() => {})]);
  const [{ id, publicKey }, other] = servers;
  const names = [id, publicKey, Buffer.from(id, 'hex')];
  assert.equal((await within(asker.requestMany(names, 'price'))).answers.length, 1);
  await assert.rejects(asker.requestMany(names, 'price', [], { need: 2 }), { code: 'ERR_OUT_OF_RANGE' });
  const stop = new AbortController();
  const asked = asker.requestMany([id, other.id], 'price', [], { ...LONG, signal: stop.signal });
  await within(asker.request(id, 'price'));
  stop.abort(new Error('enough'));
  await assert.rejects(within(asked), { message: 'enough' });
  await eventually(() => asker.stats().outboxCount === 0, 'the end of the requests');
  await assert.rejects(asker.requestMany([], 'price'), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(asker.requestMany(id, 'price'), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(asker.requestMany([id], 'price', 1), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(asker.requestMany([id], 'price', [], { agree: 1 }), { code: 'ERR_INVALID_ARG_TYPE' });
  await asker.close();
  await assert.rejects(asker.requestMany([id], 'price'), acurast.ClosedError);
});
