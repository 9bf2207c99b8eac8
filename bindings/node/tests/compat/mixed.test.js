'use strict';
// The vendor's clients and ours side by side: through our service, each reaches the other.

const assert = require('node:assert');
const crypto = require('node:crypto');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { INTEROP, Service, eventually, keyPair } = require('./lib/programs');
const { Vendor } = require(path.join(INTEROP, 'lib', 'vendor.js'));
const { AcurastClient } = require('../../lib/compat');
const { connect } = require('../..');

const payloads = {
  'an empty payload': Buffer.alloc(0),
  'a text': Buffer.from('hello, wörld ✓ 🐙'),
  'all bytes': Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  '1 MiB': crypto.randomBytes(1024 * 1024),
};

/** Ours with the interface that the tests of the vendor's client use. */
class Ours extends Vendor {
  static async start(url) {
    const ours = new Ours();
    ours.keys = keyPair();
    ours.id = ours.keys.id;
    ours.received = [];
    ours.client = new AcurastClient([url]);
    ours.client.onMessage((message) => ours.received.push(message));
    await ours.client.start(ours.keys);
    return ours;
  }
}

describe('ours and the vendor’s through one service', () => {
  let service, ours, vendors;

  before(async () => {
    service = await Service.start('--threads', '2');
    ours = await Ours.start(service.url);
    vendors = await Vendor.start(service.url);
  });

  after(async () => {
    await ours?.close();
    await vendors?.close();
    await service?.end();
  });

  const ways = {
    'ours to the vendor’s': () => [ours, vendors],
    'the vendor’s to ours': () => [vendors, ours],
    'ours to itself': () => [ours, ours],
  };
  for (const [way, pick] of Object.entries(ways)) {
    for (const [name, payload] of Object.entries(payloads)) {
      test(`${name} from ${way}`, async () => {
        const [from, to] = pick();
        await from.send(to.id, new Uint8Array(payload));
        assert.deepStrictEqual(await to.next(), { sender: from.id, recipient: to.id, payload });
      });
    }

    test(`a string from ${way}, by compressed key`, async () => {
      const [from, to] = pick();
      await from.send(to.keys.compressed, 'ünïcödé');
      assert.strictEqual((await to.next()).payload.toString(), 'ünïcödé');
    });

    test(`500 messages in order from ${way}`, async () => {
      const [from, to] = pick();
      const texts = Array.from({ length: 500 }, (_, number) => `number ${number}`);
      await Promise.all(texts.map((text) => from.send(to.id, text)));
      for (const text of texts) assert.strictEqual((await to.next()).payload.toString(), text);
    });
  }

  test('the vendor’s client and the modern one', async () => {
    const client = await connect(service.url);
    const received = [];
    client.on('message', (message) => received.push(message));
    await vendors.send(client.id, 'to the modern one');
    await eventually(() => received.length > 0, 'the message');
    assert.deepStrictEqual([received[0].sender, received[0].text()], [vendors.id, 'to the modern one']);
    await client.send(vendors.id, Buffer.from('and back'));
    assert.strictEqual((await vendors.next()).payload.toString(), 'and back');
    await client.close();
  });
});
