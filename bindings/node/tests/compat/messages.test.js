'use strict';
// The builders and the parser of frames, beside the vendor's own.

const assert = require('node:assert');
const crypto = require('node:crypto');
const { describe, test } = require('node:test');

const { VENDOR, imported } = require('./lib/programs');
const ours = require('../../lib/compat');
const vendors = require(imported(VENDOR, '@acurast/transport-websocket'));

const bytes = (size) => crypto.randomBytes(size);
const [me, you] = [bytes(16), bytes(16)];
const made = {
  init: (of) => of.createInitMessage(me),
  'init with a recipient': (of) => of.createInitMessage(me, you),
  challenge: (of) => of.createChallengeMessage(me, Buffer.alloc(16, 1), Buffer.alloc(16, 255)),
  response: (of) => of.createResponseMessage(me, Buffer.alloc(16, 1), Buffer.alloc(33, 2), Buffer.alloc(16), Buffer.alloc(64, 3)),
  accepted: (of) => of.createAcceptedMessage(me),
  payload: (of) => of.createPayloadMessage(me, you, Buffer.from('ünïcödé')),
  'an empty payload': (of) => of.createPayloadMessage(me, you, new Uint8Array()),
};

test('every export of the vendor’s transport is there, by require and by import', async () => {
  const imported = await import('../../lib/compat/index.js');
  for (const of of [ours, imported]) for (const name of Object.keys(vendors)) assert.strictEqual(typeof of[name], typeof vendors[name], name);
});

describe('the same as the vendor’s', () => {
  for (const [what, make] of Object.entries(made))
    test(what, () => {
      assert.deepStrictEqual(make(ours), make(vendors));
      const frame = ours.forgeMessage(make(ours));
      assert.deepStrictEqual(frame, vendors.forgeMessage(make(vendors)));
      assert.deepStrictEqual(ours.parseMessage(frame), vendors.parseMessage(frame));
      assert.deepStrictEqual(ours.forgeMessage(vendors.parseMessage(frame)), frame);
    });

  test('difficulties', () => {
    for (let round = 0; round < 200; round++) {
      const [hash, limit] = [bytes(32), bytes(round % 2 ? 1 : 2)];
      assert.strictEqual(ours.verifyDifficulty(hash, limit), vendors.verifyDifficulty(hash, limit));
    }
    assert.strictEqual(ours.verifyDifficulty(bytes(1), bytes(2)), false);
  });

  test('what is no message', () => {
    for (const frame of [Buffer.alloc(0), Buffer.from([0x25]), Buffer.from([0x1f])])
      assert.deepStrictEqual([ours.parseMessage(frame), vendors.parseMessage(frame)], [undefined, undefined]);
  });

  test('log', (context) => {
    const lines = [];
    for (const name of ['log', 'groupCollapsed']) context.mock.method(console, name, (...words) => lines.push(words));
    for (const of of [ours, vendors]) {
      of.log('alone');
      of.log('with data', { bytes: Buffer.from([1, 255]), deep: [Uint8Array.of(7)] }, 5, null);
    }
    context.mock.restoreAll();
    assert.deepStrictEqual(lines.slice(0, 3), lines.slice(3));
  });
});

describe('where the vendor’s goes on with rubbish', () => {
  test('a frame that is cut short is none', () => {
    for (const make of Object.values(made)) {
      const frame = ours.forgeMessage(make(ours));
      const least = make(ours).type === 'payload' ? 33 : frame.length;
      for (let size = 0; size < least; size++) assert.strictEqual(ours.parseMessage(frame.subarray(0, size)), undefined);
    }
  });

  test('what follows a challenge or a response is no part of it', () => {
    for (const name of ['init', 'challenge', 'response', 'accepted']) {
      const frame = ours.forgeMessage(made[name](ours));
      assert.deepStrictEqual(ours.parseMessage(Buffer.concat([frame, Buffer.from('ACX1')])), ours.parseMessage(frame));
    }
  });

  test('a message with a part that is missing, or of another size', () => {
    const wrong = { ...made.response(ours), signature: Buffer.alloc(63) };
    assert.throws(() => ours.forgeMessage(wrong), { code: 'ERR_OUT_OF_RANGE', message: /message\.signature\.length/ });
    assert.throws(() => ours.forgeMessage({ ...made.init(ours), sender: 'me' }), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => ours.forgeMessage({ ...made.init(ours), type: 'toString' }), { code: 'ERR_INVALID_ARG_VALUE' });
    for (const none of [undefined, null, {}, { version: 2 }]) assert.throws(() => ours.forgeMessage(none), Error);
    assert.throws(() => ours.parseMessage('10'), { code: 'ERR_INVALID_ARG_TYPE' });
  });
});
