'use strict';
// What the drop-in adds to the vendor's interface, and what it refuses.

const assert = require('node:assert');
const { EventEmitter, once } = require('node:events');
const { after, before, describe, test } = require('node:test');

const { Service, VENDOR, eventually, imported, keyPair } = require('./lib/programs');
const { Nobody } = require('./lib/nobody');
const root = require('../..');
const { AcurastClient, WebSocketTransportClient } = require('../../lib/compat');

let service;

before(async () => {
  service = await Service.start();
});

after(() => service?.end());

async function withClient(options, act, keys = keyPair()) {
  const client = new AcurastClient([service.url], options);
  await client.start(keys);
  try {
    await act(client, keys);
  } finally {
    await client.close();
  }
}

/** Collects what a client gets; `take(n)` waits for so many. */
function collected(client) {
  const messages = [];
  client.onMessage(({ payload }) => messages.push(payload.toString()));
  return async (number) => {
    await eventually(() => messages.length >= number, `${number} messages`);
    return messages;
  };
}

test('the package has both at its root', () => {
  assert.strictEqual(root.AcurastClient, AcurastClient);
  assert.strictEqual(root.WebSocketTransportClient, WebSocketTransportClient);
});

describe('what it adds', () => {
  test('strict: a string is text, whatever it looks like', () =>
    withClient({ strict: true }, async (client, { id }) => {
      const take = collected(client);
      const texts = ['deadbeef', '0xdeadbeef', '00', '', '0x', '123'];
      for (const text of texts) await client.send(id, text);
      assert.deepStrictEqual(await take(texts.length), texts);
    }));

  test('one URL as a string, as the vendor’s README has it, with blanks around it', async () => {
    const { AcurastClient: Vendors } = require(imported(VENDOR, '@acurast/dapp'));
    const keys = keyPair();
    await assert.rejects(new Vendors(service.url).start(keys), TypeError);
    const client = new AcurastClient(` ${service.url}\n`);
    await client.start(keys);
    await client.close();
  });

  test('a secret key whose leading zeros are gone, without the public key', async () => {
    const { id } = root.Identity.fromSecret('07'.padStart(64, '0'), 'p256');
    for (const secretKey of ['07', '0x0007', Uint8Array.of(7)]) {
      await withClient({}, async (client) => {
        const take = collected(client);
        await client.send(id, 'to myself');
        assert.deepStrictEqual(await take(1), ['to myself']);
      }, { secretKey });
    }
  });

  test('ids without a connection', () => {
    const { id, publicKey, compressed } = keyPair();
    const client = new AcurastClient('ws://127.0.0.1:9');
    for (const key of [id, publicKey, compressed, `0x${compressed}`]) assert.strictEqual(client.idFromPublicKey(key), id);
    assert.deepStrictEqual(new WebSocketTransportClient([]).idFromPublicKey(Buffer.from(publicKey, 'hex')), Buffer.from(id, 'hex'));
  });

  test('messages that come before the first listener wait for it', async (context) => {
    const log = context.mock.method(console, 'log', () => {});
    const received = () => log.mock.calls.filter(({ arguments: [line] }) => line.includes(' received ')).length;
    await withClient({ enableLogging: true }, async (client, { id }) => {
      for (const text of ['one', 'two']) await client.send(id, text);
      await eventually(() => received() === 2, 'both to be received');
      log.mock.restore();
      const takes = [collected(client), collected(client)];
      for (const take of takes) assert.deepStrictEqual(await take(2), ['one', 'two']);
    });
  });

  test('states, and options of the engine by name', async () => {
    const states = [];
    await withClient({ onState: ({ state }) => states.push(state), maxPayload: 1024 }, async (client, { id }) => {
      await assert.rejects(client.send(id, Buffer.alloc(1025)), { code: 'ACURAST_TOO_LARGE' });
    });
    assert.deepStrictEqual(states, ['connecting', 'authenticating', 'connected', 'closed']);
    assert.throws(() => new AcurastClient(service.url, 'soon'), { code: 'ERR_INVALID_ARG_TYPE' });
    await assert.rejects(new AcurastClient(service.url, { maxPayloads: 1 }).start(keyPair()));
  });

  test('logs show no more than asked', async (context) => {
    const log = context.mock.method(console, 'log', () => {});
    const client = new AcurastClient([service.url], 1000, 2, true);
    const keys = keyPair();
    await client.start(keys);
    const take = collected(client);
    await client.send(keys.id, 'secret');
    await take(1);
    await client.close();
    const lines = log.mock.calls.map(({ arguments: [line] }) => line);
    log.mock.restore();
    assert.ok(lines.includes('acurast: sent 7365') && lines.includes('acurast: received 7365'), lines.join('\n'));
  });
});

describe('what ends it', () => {
  test('replaced by a newer one of its key: a warning, then an error, and it can start again', async () => {
    const keys = keyPair();
    const [first, second] = [new AcurastClient(service.url), new AcurastClient(service.url, { shared: false })];
    await first.start(keys);
    const warned = once(process, 'warning');
    await second.start(keys);
    const [warning] = await warned;
    assert.strictEqual(warning.name, 'AcurastWarning');
    await assert.rejects(first.send(keys.id, 'deaf'), { code: 'ACURAST_BAD_STATE' });
    await second.close();
    await first.start(keys);
    const take = collected(first);
    await first.send(keys.id, 'here again');
    assert.deepStrictEqual(await take(1), ['here again']);
    await first.close();
  });

  test('a send that waits for too long is rejected', async () => {
    const own = await Service.start();
    const states = new EventEmitter();
    const client = new AcurastClient(own.url, { sendTimeout: 50, onState: ({ state }) => states.emit(state) });
    const keys = keyPair();
    await client.start(keys);
    const away = once(states, 'disconnected');
    await own.kill();
    await away;
    await assert.rejects(client.send(keys.id, 'never'), { code: 'ACURAST_EXPIRED' });
    await client.close();
  });

  test('closed while it starts: the start is rejected', async () => {
    const silent = await Nobody.on(0, { silent: true });
    const client = new AcurastClient(silent.url);
    const start = assert.rejects(client.start(keyPair()), { code: 'ACURAST_CLOSED' });
    await silent.wasTried(1);
    await client.close();
    await start;
    await silent.close();
  });

  test('a time that is over: the start is rejected, and can be tried again', async () => {
    const silent = await Nobody.on(0, { silent: true });
    const client = new AcurastClient(silent.url, 20);
    for (let i = 0; i < 2; i++) await assert.rejects(client.start(keyPair()), { code: 'ACURAST_TIMEOUT' });
    await silent.close();
  });

  test('a URL that is none: the start is rejected, and so is the next', async () => {
    for (const urls of ['http://127.0.0.1', [], '']) {
      const client = new AcurastClient(urls);
      for (let i = 0; i < 2; i++) await assert.rejects(client.start(keyPair()), Error, String(urls));
    }
    for (const urls of [undefined, null, 7, [7]]) assert.throws(() => new AcurastClient(urls), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  test('two starts at once are one', async () => {
    const client = new AcurastClient(service.url);
    const keys = keyPair();
    await Promise.all([client.start(keys), client.start(keys)]);
    await client.close();
  });
});

describe('what it refuses', () => {
  const type = { code: 'ERR_INVALID_ARG_TYPE' };
  const value = { code: 'ERR_INVALID_ARG_VALUE' };
  const range = { code: 'ERR_OUT_OF_RANGE' };
  const good = keyPair();
  const wrong = {
    'no key pair': [undefined, type, /keyPair/],
    'no secret key': [{ publicKey: good.publicKey }, type, /keyPair\.secretKey/],
    'a secret key of text': [{ ...good, secretKey: 'my secret' }, value, /keyPair\.secretKey/],
    'an empty secret key': [{ ...good, secretKey: '' }, range, /keyPair\.secretKey/],
    'a secret key that is too long': [{ ...good, secretKey: `00${good.secretKey}` }, range, /keyPair\.secretKey/],
    'a public key of another pair': [{ ...good, publicKey: keyPair().publicKey }, value, /keyPair\.publicKey/],
    'a public key that is a number': [{ ...good, publicKey: 4 }, type, /keyPair\.publicKey/],
  };
  for (const [what, [keys, { code }, message]] of Object.entries(wrong))
    test(`start: ${what}`, () => assert.rejects(new AcurastClient(service.url).start(keys), { code, message }));

  test('secrets of zero and beyond the order are no keys', async () => {
    for (const secretKey of ['00', 'ff'.repeat(32)]) await assert.rejects(new AcurastClient(service.url).start({ secretKey }), Error);
  });

  test('send: what is no recipient, and what is no payload', () =>
    withClient({}, async (client, { id }) => {
      await assert.rejects(client.send('the processor', 'x'), { ...value, message: /publicKeyOrSenderId/ });
      await assert.rejects(client.send(7, 'x'), { ...type, message: /publicKeyOrSenderId/ });
      await assert.rejects(client.send(Buffer.alloc(17), 'x'), Error);
      await assert.rejects(client.send(id, { json: 1 }), { ...type, message: /payload/ });
      await assert.rejects(client.send(id), { ...type, message: /payload/ });
    }));

  test('a listener that is none', () => {
    assert.throws(() => new AcurastClient(service.url).onMessage('log'), { ...type, message: /listener/ });
  });

  test('the transport before connect', async () => {
    const client = new WebSocketTransportClient(service.url);
    await assert.rejects(client.send(Buffer.alloc(16), Buffer.alloc(0)), { code: 'ACURAST_BAD_STATE' });
    await client.close();
  });
});
