'use strict';
// chains.tezos, against answers that were made by hand from the binary format of Micheline, and by Node's own crypto.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { test } = require('node:test');
const { p256 } = require('@noble/curves/p256');
const { blake2b } = require('@noble/hashes/blake2b');
const { createBase58check } = require('@scure/base');
const { Parser, packDataBytes } = require('@taquito/michel-codec');
const { table, values } = require('./harness');

const base58check = createBase58check((bytes) => crypto.createHash('sha256').update(bytes).digest());
const hash = (bytes) => Buffer.from(blake2b(bytes, { dkLen: 32 }));
const SIGNATURE = 'sigvujh2JL8y7vLR9Zgpy4dP8UvSMNJNKL6vDxNzwZBdYxWJAce9dSkiMBEDJESadikJK7N1EZECDcuaUbd9f1GdFrDVmaqW';
const SIGNED = 'fba3530af9adcc7a8716e7d9dbbd50154db7f87fe93000d342b9191a9dcd8d43729cc02066591afa7ba0d1eddf044d4582ac70a455781c0005dc4f33d7c858b0';

test('pack: plain values as processors read them', (t) =>
  table(t, {
    "chains.tezos.encoding.pack('hello')": '05010000000568656c6c6f',
    "chains.tezos.encoding.pack('')": '050100000000',
    "chains.tezos.encoding.pack('ä')": '050100000002c3a4',
    'chains.tezos.encoding.pack(0)': '050000',
    'chains.tezos.encoding.pack(63)': '05003f',
    'chains.tezos.encoding.pack(64)': '05008001',
    'chains.tezos.encoding.pack(-1)': '050041',
    'chains.tezos.encoding.pack(1700000000.9)': '050080c49fd50c',
    'chains.tezos.encoding.pack(2n ** 64n)': '050080808080808080808004',
    'chains.tezos.encoding.pack(true)': '05030a',
    'chains.tezos.encoding.pack(false)': '050303',
    'chains.tezos.encoding.pack(undefined)': '05030b',
    'chains.tezos.encoding.pack({})': '05030b',
    'chains.tezos.encoding.pack([])': '050200000000',
    "chains.tezos.encoding.pack('0x00ff')": '050a0000000200ff',
    "chains.tezos.encoding.pack(Buffer.from('00ff', 'hex'))": '050a0000000200ff',
    [`chains.tezos.encoding.pack('${SIGNATURE}')`]: `050a00000040${SIGNED}`,
    "chains.tezos.encoding.pack('signal')": '0501000000067369676e616c',
    'chains.tezos.encoding.pack({ only: 1 })': '050001',
    'chains.tezos.encoding.pack({ a: 1, b: 2, c: 3 })': '0507070001070700020003',
    'chains.tezos.encoding.pack([1, 2])': '05020000000400010002',
    'chains.tezos.encoding.pack(null)': /null has no form/,
    'chains.tezos.encoding.pack(() => 1)': /a function has no form/,
    'chains.tezos.encoding.pack(NaN)': /must be a whole number, not NaN/,
    "chains.tezos.encoding.pack('0xabc')": /odd number/,
    "chains.tezos.encoding.pack('0xyz')": /other characters/,
    'chains.tezos.encoding.pack((() => { const a = []; a.push(a); return a })())': /256 deep/,
  }));

test('pack: Micheline stays what it is', async (t) => {
  const sources = ['(Pair 1 "x")', '(Left (Some 0x00ff))', '{ Elt "a" 1 ; Elt "b" 2 }', '{ 1 ; -5 }', 'None', 'Unit', '{ PUSH int 1 ; DROP }'];
  const nodes = sources.map((source) => new Parser().parseMichelineExpression(source));
  const got = await values(t, nodes.map((node) => `chains.tezos.encoding.pack(${JSON.stringify(node)})`));
  assert.deepEqual(
    got,
    nodes.map((node) => packDataBytes(node).bytes),
  );
  assert.equal(got[0], '0507070001010000000178');
});

test('pack: a price as oracles pack it', (t) =>
  table(t, {
    "chains.tezos.encoding.pack([{ prices: ['64000', '1'], timestamp: 1700000000, certificates: ['ab'], requestHash: 'cd' }])":
      '05' + '0200000034' +
      '0707' + '0200000010' + '01000000053634303030' + '010000000131' +
      '0707' + '0080c49fd50c' +
      '0707' + '0200000007' + '01000000026162' + '01000000026364',
  }));

test('unpack gives back what was packed, and says what is no such thing', (t) =>
  table(t, {
    "chains.tezos.encoding.unpack('05010000000568656c6c6f')": 'hello',
    "chains.tezos.encoding.unpack(Buffer.from('05010000000568656c6c6f', 'hex'))": 'hello',
    "chains.tezos.encoding.unpack(chains.tezos.encoding.pack([1, -2, 'x', true, false, [], '0x00']))": [1, -2, 'x', true, false, [], '0x00'],
    'chains.tezos.encoding.unpack(chains.tezos.encoding.pack(2n ** 70n))': '1180591620717411303424n',
    "chains.tezos.encoding.unpack(chains.tezos.encoding.pack({ a: 1, b: 'x' }))": { prim: 'Pair', args: [{ int: '1' }, { string: 'x' }] },
    "typeof chains.tezos.encoding.unpack('05030b')": 'undefined',
    "chains.tezos.encoding.unpack('01')": /./,
    "chains.tezos.encoding.unpack('05')": /./,
    "chains.tezos.encoding.unpack('0501ffffffff')": /./,
    "chains.tezos.encoding.unpack('05' + '0200000005'.repeat(1000))": /./,
    "chains.tezos.encoding.unpack('text')": /other characters/,
  }));

test('encodeExpr is the key of a big map', async (t) => {
  const [text, number] = await values(t, ["chains.tezos.encoding.encodeExpr('hello')", 'chains.tezos.encoding.encodeExpr(12)']);
  const key = (packed) => base58check.encode(Buffer.concat([Buffer.from([13, 44, 64, 27]), hash(Buffer.from(packed, 'hex'))]));
  assert.deepEqual([text, number], [key('05010000000568656c6c6f'), key('05000c')]);
  assert.match(text, /^expr/);
});

for (const [scriptHash, bytes] of Object.entries({ 'ipfs://Qmä': Buffer.from('ipfs://Qmä'), '0x00ff': Buffer.from([0, 255]) })) {
  test(`signer.sign signs acusig, the hash ${scriptHash} and the message with the P-256 key`, async (t) => {
    const [keys, ...signatures] = await values(
      t,
      ['_STD_.job.getPublicKeys()', "chains.tezos.signer.sign('0x0102')", 'chains.tezos.signer.sign(new Uint8Array([1, 2]))'],
      { scriptHash },
    );
    const digest = hash(Buffer.concat([Buffer.from('acusig'), bytes, Buffer.from([1, 2])]));
    for (const one of signatures) {
      assert.match(one, /^[0-9a-f]{128}$/);
      assert.ok(p256.verify(one, digest, keys.p256, { lowS: false }));
    }
  });
}

test('ownAddress is the address of the P-256 key', async (t) => {
  const [keys, address, same] = await values(t, ['_STD_.job.getPublicKeys()', 'ownAddress()', '_STD_.ownAddress()']);
  const body = blake2b(Buffer.from(keys.p256, 'hex'), { dkLen: 20 });
  assert.equal(address, base58check.encode(Buffer.concat([Buffer.from([6, 161, 164]), body])));
  assert.match(address, /^tz3/);
  assert.equal(same, address);
});
