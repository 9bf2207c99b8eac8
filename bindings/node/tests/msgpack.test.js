'use strict';
// Requests in MessagePack: values both ways, what is refused, and what happens without the package that reads and writes them.

const assert = require('node:assert/strict');
const { describe, it, test } = require('node:test');
const { decode, encode } = require('../lib/msgpack');
const { acurast, client, pair, run, within } = require('./lib/harness');

const MSGPACK = { encoding: 'msgpack', timeout: 60_000 }; // what ends sooner, ends for another reason
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const bytes = (text) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const textOf = (text) => `${(0xa0 + text.length).toString(16)}${hex(Buffer.from(text))}`;

describe('values', () => {
  // The value, and how it is written in its shortest form.
  const values = [
    [null, 'c0'],
    [true, 'c3'],
    [-1, 'ff'],
    [200, 'cc c8'],
    [-2147483648, 'd2 80000000'],
    [4294967296, 'cf 0000000100000000'],
    [Number.MAX_SAFE_INTEGER, 'cf 001fffffffffffff'],
    [-Number.MAX_SAFE_INTEGER, 'd3 ffe0000000000001'],
    [2n ** 64n - 1n, 'cf ffffffffffffffff'],
    [-(2n ** 63n), 'd3 8000000000000000'],
    [1.5, 'cb 3ff8000000000000'],
    ['é', 'a2 c3a9'],
    [Uint8Array.of(0, 255), 'c4 02 00ff'],
    [[1, [2, []]], '92 01 92 02 90'],
    [{ a: [2n ** 60n], '': {} }, `82 a161 91 cf1000000000000000 a0 80`],
  ];
  for (const [value, written] of values) {
    it(`${hex(bytes(written))} both ways`, () => {
      assert.equal(hex(encode(value)), hex(bytes(written)));
      assert.deepEqual(decode(bytes(written)), value);
    });
  }

  it('are written as JSON writes them, where that is no loss', () => {
    const written = (value) => decode(encode(value));
    const when = new Date(0);
    assert.deepEqual(written({ when, u: undefined, list: [undefined] }), { when: when.toJSON(), list: [null] });
    assert.deepEqual(written(new (class Point { x = 1 })()), { x: 1 });
    assert.deepEqual(written(Buffer.from('x')), Uint8Array.of(0x78));
    assert.deepEqual(written(new ArrayBuffer(2)), new Uint8Array(2));
    assert.equal(written(5n), 5);
    assert.equal(encode(undefined), '');
  });

  it('are read in whatever form', () => {
    for (const form of ['05', 'cc 05', 'cd 0005', 'ce 00000005', 'cf 0000000000000005', 'd3 0000000000000005', 'ca 40a00000']) {
      assert.equal(decode(bytes(form)), 5, form);
    }
    const long = 'x'.repeat(70_000);
    for (const value of [long, Buffer.from(long), Array(70_000).fill(1), Object.fromEntries([...long].map((_, i) => [`${i}`, i]))]) {
      assert.deepEqual(decode(encode(value)), Buffer.isBuffer(value) ? new Uint8Array(value) : value);
    }
    assert.equal(decode(bytes(`db 00000001 78`)), 'x');
  });

  it('that would come out as something else are not read', () => {
    const wrong = {
      'd6 ff 00000000': /an extension/,
      'c7 00 05': /an extension/,
      '92 01 a1 ff': /no UTF-8/,
      'a3 eda080': /no UTF-8/, // half a pair of surrogates
      '81 01 02': /a key that is no text/,
      '82 a161 01 c0 02': /a key that is no text/,
      [`81 ${textOf('__proto__')} 80`]: /__proto__/,
      'c1': /begins nothing/,
      '': /too early/,
      '92 01': /too early/,
      'a5 61': /too early/,
      'cb 00': /too early/,
      'dd ffffffff 01': /too early/,
      'c6 ffffffff 01': /too early/,
      '01 02': /behind the value/,
      [`${'91'.repeat(65)}01`]: /within each other/,
    };
    for (const [form, words] of Object.entries(wrong)) assert.throws(() => decode(bytes(form)), words, form);
    assert.equal(JSON.stringify(decode(bytes(`${'91'.repeat(64)}01`))).length, 129);
  });

  it('that would be written as something else are not', () => {
    const cyclic = [];
    cyclic.push(cyclic);
    for (const value of [() => {}, Symbol('x'), new Map(), new Set(), new Error('x'), new Float32Array(1), cyclic, { a: [new Map()] }]) {
      assert.throws(() => encode(value), TypeError);
    }
    for (const value of [2n ** 64n, -(2n ** 63n) - 1n]) assert.throws(() => encode([value]), RangeError);
    for (const value of ['\ud800', { '\udc00': 1 }]) assert.throws(() => encode(value), acurast.InvalidError);
  });
});

test('a request in MessagePack', async (t) => {
  const { one: server, two: asker } = await pair(t);
  server.serve({
    echo: (params, request) => [request.encoding, params],
    nothing() {},
    async fails(_, request) {
      await request.progress(Uint8Array.of(1));
      throw new acurast.RpcError(7, 'no', { big: 2n ** 60n });
    },
    map: () => new Map(),
    data() {
      throw new acurast.RpcError(5, 'five', { map: new Map() });
    },
  });
  const told = [];
  server.on('handlerError', (error, { method }) => told.push([method, error.message]));
  const ask = (method, params, options) => within(asker.request(server.id, method, params, { ...MSGPACK, ...options }));
  const error = (...values) => ask(...values).catch((reason) => reason);
  const params = { bytes: Uint8Array.of(0, 255), big: 2n ** 63n, text: 'é', list: [1.5, null] };
  assert.deepEqual(await ask('echo', params), ['msgpack', params]);
  assert.deepEqual(await ask('echo', [1]), ['msgpack', [1]]);
  assert.equal(await ask('nothing'), null);
  assert.deepEqual(await within(asker.request(server.id, 'echo', [1])), ['json', [1]]);

  const progress = [];
  const failed = await error('fails', [], { onProgress: (value) => progress.push(value) });
  assert.ok(failed instanceof acurast.RemoteError);
  assert.deepEqual([failed.remoteCode, failed.remoteMessage, failed.data], [7, 'no', { big: 2n ** 60n }]);
  assert.deepEqual(progress, [Uint8Array.of(1)]);
  assert.equal((await error('unknown')).remoteCode, -32601);
  assert.equal((await error('map')).remoteCode, -32000);
  assert.equal((await error('data')).remoteCode, -32603);
  assert.deepEqual(told.map(([method]) => method), ['map']);
  assert.match(told[0][1], /what MessagePack can say.*Map/);

  for (const wrong of [Uint8Array.of(1), new Map(), 1, null]) {
    await assert.rejects(ask('echo', wrong), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  await assert.rejects(ask('echo', [2n ** 64n]), { code: 'ERR_OUT_OF_RANGE' });
  await assert.rejects(ask('echo', [], { encoding: 'cbor' }), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(ask('echo', [], { encoding: 1 }), { code: 'ERR_INVALID_ARG_TYPE' });
});

/** Answers the next request, which has this method and no params, with an error and a result as bytes. */
async function replyByHand(stranger, method, tail) {
  const { sender, payload } = await within(stranger.receive());
  const id = hex(payload.subarray(2, payload.length - 2 - method.length)); // before the method's name and the empty list
  await stranger.send(sender, bytes(`94 01 ${id} ${tail}`));
}

test('what a stranger writes by hand', async (t) => {
  const { one, two: stranger } = await pair(t);
  one.serve({ echo: (params) => params });
  const say = async (form) => {
    await stranger.send(one.id, bytes(form));
    return hex((await within(stranger.receive())).payload);
  };
  assert.equal(await say(`94 00 09 ${textOf('echo')} 91 c4 01 ff`), hex(bytes('94 01 09 c0 91 c4 01 ff')));
  const refused = await say(`94 00 09 ${textOf('echo')} 91 d4 01 00`);
  assert.match(Buffer.from(refused, 'hex').toString('latin1'), /Invalid params: an extension/);
  assert.match(refused, /d180a6/); // -32602

  const answer = async (tail) => {
    const asked = one.request(stranger.id, 'by hand', [], MSGPACK).catch((reason) => reason);
    await replyByHand(stranger, 'by hand', tail);
    return within(asked);
  };
  assert.equal(await answer(`c0 ${textOf('yes')}`), 'yes');
  const unsayable = await answer('c0 d4 01 00');
  assert.ok(unsayable instanceof acurast.UnsupportedError && /the result: an extension/.test(unsayable.message), unsayable);
  const odd = await answer(`${textOf('broken')} c0`); // an error of a form of its own
  assert.deepEqual([odd instanceof acurast.RemoteError, odd.remoteMessage, odd.data], [true, '', 'broken']);
  const worse = await answer('d4 01 00 c0');
  assert.deepEqual([worse instanceof acurast.RemoteError, worse.data], [true, undefined]);
});

test('many are asked in MessagePack', async (t) => {
  const { service, one, two } = await pair(t);
  const asker = await client(t, service.url);
  for (const each of [one, two]) each.serve({ key: () => ({ a: Uint8Array.of(1), b: 2n ** 60n }) });
  const { value, answers } = await within(asker.requestMany([one.id, two.id], 'key', [], { ...MSGPACK, agree: true }));
  assert.deepEqual([value, answers.length], [{ a: Uint8Array.of(1), b: 2n ** 60n }, 2]);

  const stranger = await client(t, service.url);
  const asked = asker.requestMany([one.id, stranger.id], 'key', [], MSGPACK).catch((reason) => reason);
  await replyByHand(stranger, 'key', 'c0 d4 01 00');
  const error = await within(asked);
  assert.ok(error instanceof acurast.NotEnoughAnswersError, error);
  assert.equal(error.answers.length, 1);
  assert.ok(error.failures[0].error instanceof acurast.UnsupportedError);
});

test('without the package, who asks is told what to install, and who serves answers an error', async () => {
  const { out, code, err } = await run(`
    const Module = require('node:module');
    const resolve = Module._resolveFilename;
    Module._resolveFilename = (name, ...rest) => {
      if (name === '@msgpack/msgpack') throw Object.assign(new Error(name + ' is hidden'), { code: 'MODULE_NOT_FOUND' });
      return resolve(name, ...rest);
    };
    const service = await acurast.Service.start();
    const [server, asker] = await Promise.all([acurast.connect(service.url), acurast.connect(service.url)]);
    server.serve({ echo: (params) => params });
    await asker.request(server.id, 'echo', [], { encoding: 'msgpack' }).catch((error) => console.log(error.code, error.message));
    await asker.send(server.id, Buffer.from('940009a46563686f90', 'hex'));
    console.log(Buffer.from((await asker.receive()).payload).toString('latin1'));
    console.log(await asker.request(server.id, 'echo', ['json']));
    await Promise.all([server.close(), asker.close()]);
    await service.close();
  `);
  assert.equal(code, 0, err);
  assert.match(out, /^ACURAST_UNSUPPORTED .*npm install @msgpack\/msgpack/);
  assert.match(out, /MessagePack is not spoken here/);
  assert.match(out, /\[ 'json' \]/);
});
