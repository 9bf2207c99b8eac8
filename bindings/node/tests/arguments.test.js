'use strict';
// Every wrong argument: what is thrown, and that it names the argument.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const native = require('../lib/native');
const { acurast, client, service } = require('./lib/harness');

const { Client, Identity, Service } = acurast;
const URL = 'ws://127.0.0.1:1';
const KEY = Identity.generate().publicKey;
const BYTES = new Uint8Array(1);

function refused(call, name, code) {
  assert.throws(call, (error) => {
    assert.equal(error.code, code, `${error.stack}`);
    assert.ok(error.message.includes(name), `${error.message} names ${name}`);
    return true;
  });
}

const TYPE = 'ERR_INVALID_ARG_TYPE';
const VALUE = 'ERR_INVALID_ARG_VALUE';
const RANGE = 'ERR_OUT_OF_RANGE';

test('a client is not made from wrong arguments', () => {
  for (const urls of [undefined, null, 1, {}, [1], [URL, null]]) refused(() => new Client(urls), 'urls', TYPE);
  refused(() => new Client([]), 'urls', VALUE);
  refused(() => new Client(`${URL}\0`), 'urls', VALUE);
  for (const url of ['', 'http://x', 'ws://']) refused(() => new Client(url), 'url', 'ACURAST_BAD_OPTION');
  for (const options of [null, 1, 'x']) refused(() => new Client(URL, options), 'options', TYPE);
  for (const identity of [null, {}, 'key', Identity.prototype]) {
    refused(() => new Client(URL, { identity }), 'options.identity', TYPE);
  }
  refused(() => new Client(URL, { inboxCount: 0 }), 'options.inboxCount', RANGE);
  refused(() => new Client(URL, { inboxBytes: '1' }), 'options.inboxBytes', TYPE);
});

test('an option has to exist, to have the right type, and a value in its range', () => {
  refused(() => new Client(URL, { nonsense: 1 }), 'nonsense', 'ACURAST_UNKNOWN_OPTION');
  refused(() => new Client(URL, { toString: 1 }), 'toString', 'ACURAST_UNKNOWN_OPTION');
  refused(() => new Client(URL, { url: URL }), 'url', 'ACURAST_UNKNOWN_OPTION');
  refused(() => new Client(URL, { linger: true }), 'options.linger', TYPE);
  refused(() => new Client(URL, { linger: NaN }), 'options.linger', RANGE);
  refused(() => new Client(URL, { linger: 1.5 }), 'options.linger', RANGE);
  refused(() => new Client(URL, { linger: -1 }), 'linger', 'ACURAST_BAD_OPTION');
  refused(() => new Client(URL, { linger: 'soon' }), 'linger', 'ACURAST_BAD_OPTION');
  refused(() => new Client(URL, { failover: 'never' }), 'failover', 'ACURAST_BAD_OPTION');
  refused(() => new Client(URL, { extensions: 1 }), 'options.extensions', TYPE);
  refused(() => new Client(URL, { caPem: 'a\0b' }), 'options.caPem', RANGE);
  new Client(URL, { linger: '2s', failover: 'sticky', extensions: false, pingInterval: undefined });
});

test('what is wrong with a send is told by its promise', async (t) => {
  const started = await service(t);
  const one = await client(t, started.url, { maxPayload: 1000 });
  const cases = [
    [[undefined, BYTES], TypeError, TYPE, 'to'],
    [[{}, BYTES], TypeError, TYPE, 'to'],
    [[new Uint16Array(8), BYTES], TypeError, TYPE, 'to'],
    [['', BYTES], acurast.BadRecipientError, 'ACURAST_BAD_RECIPIENT', ''],
    [['00', BYTES], acurast.BadRecipientError, 'ACURAST_BAD_RECIPIENT', ''],
    [['z'.repeat(32), BYTES], acurast.BadHexError, 'ACURAST_BAD_HEX', ''],
    [['Ł'.repeat(32), BYTES], acurast.AcurastError, 'ACURAST_BAD_RECIPIENT', ''],
    [['0'.repeat(1000), BYTES], acurast.BadRecipientError, 'ACURAST_BAD_RECIPIENT', ''],
    [[`02${'ff'.repeat(32)}`, BYTES], acurast.BadKeyError, 'ACURAST_BAD_KEY', ''],
    [[new Uint8Array(17), BYTES], acurast.BadRecipientError, 'ACURAST_BAD_RECIPIENT', ''],
    [[KEY], TypeError, TYPE, 'payload'],
    [[KEY, 'text'], TypeError, TYPE, 'payload'],
    [[KEY, [1]], TypeError, TYPE, 'payload'],
    [[KEY, new Uint8Array(1001)], acurast.TooLargeError, 'ACURAST_TOO_LARGE', ''],
    [[KEY, BYTES, null], TypeError, TYPE, 'options'],
    [[KEY, BYTES, { signal: {} }], TypeError, TYPE, 'options.signal'],
    [[KEY, BYTES, { signal: { aborted: false } }], TypeError, TYPE, 'options.signal'],
    [[KEY, BYTES, { timeout: '1' }], TypeError, TYPE, 'options.timeout'],
    [[KEY, BYTES, { timeout: 0 }], RangeError, RANGE, 'options.timeout'],
    [[KEY, BYTES, { timeout: 1e12 }], RangeError, RANGE, 'options.timeout'],
  ];
  for (const [values, kind, code, name] of cases) {
    await assert.rejects(one.send(...values), (error) => {
      assert.ok(error instanceof kind, error.stack);
      assert.equal(error.code, code);
      assert.ok(error.message.includes(name));
      return true;
    });
  }
  await assert.rejects(one.sendText(KEY, BYTES), { code: TYPE });
  await assert.rejects(one.receive({ timeout: -1 }), { code: RANGE });
  await assert.rejects(one.connect({ timeout: NaN }), { code: RANGE });
});

test('bytes that were transferred to another thread are refused, not taken for nothing', async (t) => {
  const one = await client(t, (await service(t)).url);
  const bytes = new Uint8Array(8);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  for (const gone of [bytes, bytes.buffer]) {
    await assert.rejects(one.send(KEY, gone), { code: VALUE });
    refused(() => one.identity.sign(gone), 'message', VALUE);
  }
  await one.send(KEY, new Uint8Array()); // that there is nothing to say may be said
});

test('keys and signatures', () => {
  const identity = Identity.generate();
  refused(() => new Identity(), 'Identity.generate', undefined);
  refused(() => Identity.generate('rsa'), 'kind', VALUE);
  refused(() => Identity.generate(1), 'kind', TYPE);
  refused(() => Identity.generate('toString'), 'kind', VALUE);
  refused(() => Identity.fromPem(1), 'pem', TYPE);
  refused(() => Identity.fromPem('x'.repeat(65537)), 'pem.length', RANGE);
  refused(() => Identity.fromPem('nothing'), 'pem', 'ACURAST_BAD_KEY');
  refused(() => Identity.fromSecret(1), 'secret', TYPE);
  refused(() => Identity.fromSecret('00'), 'secret', 'ACURAST_BAD_KEY');
  refused(() => Identity.fromSecret('x'.repeat(64)), 'secret', 'ACURAST_BAD_HEX');
  refused(() => Identity.fromSecret(new Uint8Array(32)), 'secret', 'ACURAST_BAD_KEY');
  refused(() => identity.sign('text'), 'message', TYPE);
  refused(() => identity.signDigest(new Uint8Array(31)), 'digest.length', RANGE);
  refused(() => acurast.verify(KEY, BYTES, new Uint8Array(63)), 'signature.length', RANGE);
  refused(() => acurast.verify(KEY, 'x', new Uint8Array(64)), 'message', TYPE);
  refused(() => acurast.verify(identity.id, BYTES, new Uint8Array(64)), 'key', 'ACURAST_BAD_KEY');
  refused(() => acurast.verifyDigest(KEY, BYTES, new Uint8Array(64)), 'digest.length', RANGE);
  refused(() => acurast.idOf(null), 'key', TYPE);
  refused(() => acurast.compressKey('12'), '', 'ACURAST_BAD_RECIPIENT');
  assert.throws(() => Identity.prototype.toPem.call({}), TypeError);
  assert.throws(() => Client.prototype.close.call({}), TypeError);
});

test('a wrong secret is never shown', () => {
  const secret = 'a5'.repeat(31);
  for (const call of [() => Identity.fromSecret(secret), () => Identity.fromPem({ secret })]) {
    assert.throws(call, (error) => !`${error.stack}${JSON.stringify(error)}`.includes('a5a5'));
  }
});

test('a service', async () => {
  const cases = [
    [null, TYPE, 'options'],
    [{ port: 65536 }, RANGE, 'options.port'],
    [{ port: '1' }, TYPE, 'options.port'],
    [{ host: 1 }, TYPE, 'options.host'],
    [{ threads: 257 }, RANGE, 'options.threads'],
    [{ listen: '127.0.0.1:0', port: 0 }, VALUE, 'options.listen'],
    [{ nonsense: 1 }, 'ACURAST_UNKNOWN_OPTION', 'nonsense'],
    [{ host: 'nowhere.invalid' }, /^ACURAST_/, ''],
    [{ tlsCert: '/nonexistent', tlsKey: '/nonexistent' }, 'ACURAST_TLS', ''],
  ];
  for (const [options, code, name] of cases) {
    await assert.rejects(Service.start(options), (error) => {
      assert.match(error.code, typeof code === 'string' ? new RegExp(`^${code}$`) : code, error.stack);
      assert.ok(error.message.includes(name));
      return true;
    });
  }
  const first = await Service.start();
  await assert.rejects(Service.start({ port: first.port }), acurast.AddressInUseError);
  await first.close();
  assert.throws(() => first.metrics(), acurast.ClosedError);
});

test('the addon itself bears any argument', () => {
  const handle = native.identityGenerate(1);
  const others = [undefined, null, 0, -1, NaN, 1e300, 'x', {}, [], BYTES, Symbol('s'), () => {}, handle, 10n];
  const dangerous = new Set(['setup', 'end', 'configure']); // once for each environment: seen by the other tests
  for (const [name, call] of Object.entries(native)) {
    if (dangerous.has(name)) continue;
    for (const first of others) {
      for (const second of others) {
        try {
          call(first, second, first, second, first);
        } catch (error) {
          assert.ok(error instanceof Error, `${name}: ${String(error)}`);
        }
      }
    }
  }
  assert.throws(() => native.setup(() => {}, () => {}, new Float64Array(1024), new Uint8Array(1 << 18)), TypeError);
});
