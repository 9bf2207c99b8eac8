'use strict';
// chains.substrate, against the examples of SCALE's documents, well-known addresses, and a signature of a real processor that public
// contracts take.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { test } = require('node:test');
const { p256 } = require('@noble/curves/p256');
const { secp256k1 } = require('@noble/curves/secp256k1');
const { blake2b } = require('@noble/hashes/blake2b');
const { u128 } = require('scale-ts');
const { table, values } = require('./harness');

const ALICE = 'd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d';
const SS58 = {
  generic: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
  polkadot: '15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5',
  kusama: 'HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F',
};

test('codec: numbers', (t) =>
  table(t, {
    'chains.substrate.codec.encodeUnsignedNumber(69, 8)': '45',
    'chains.substrate.codec.encodeUnsignedNumber(42, 16)': '2a00',
    'chains.substrate.codec.encodeUnsignedNumber(16777215, 32)': 'ffffff00',
    "chains.substrate.codec.encodeUnsignedNumber('1700000000000', 64)": '0068e5cf8b010000',
    'chains.substrate.codec.encodeUnsignedNumber(2, 128)': '02' + '00'.repeat(15),
    "chains.substrate.codec.encodeUnsignedNumber('0x0102', 32)": '02010000',
    'chains.substrate.codec.encodeUnsignedNumber(64.1234 * 10 ** 18, 128)': Buffer.from(u128.enc(BigInt(64.1234 * 10 ** 18))).toString('hex'),
    'chains.substrate.codec.encodeUnsignedNumber(1.9, 8)': '01',
    'chains.substrate.codec.encodeUnsignedNumber(256, 8)': /fit in 8 bits/,
    'chains.substrate.codec.encodeUnsignedNumber(-1, 8)': /not be negative/,
    'chains.substrate.codec.encodeUnsignedNumber(1, 7)': /bitSize must be one of 8, 16, 32, 64, 128, not 7/,
    "chains.substrate.codec.encodeUnsignedNumber(1, Symbol('x'))": /bitSize must be one of 8, 16, 32, 64, 128, not a symbol/,
    'chains.substrate.codec.encodeUnsignedNumber(undefined, 8)': /must be a whole number, not undefined/,
    'chains.substrate.codec.encodeCompactUnsignedNumber(0)': '00',
    'chains.substrate.codec.encodeCompactUnsignedNumber(1)': '04',
    'chains.substrate.codec.encodeCompactUnsignedNumber(42)': 'a8',
    'chains.substrate.codec.encodeCompactUnsignedNumber(63)': 'fc',
    'chains.substrate.codec.encodeCompactUnsignedNumber(64)': '0101',
    'chains.substrate.codec.encodeCompactUnsignedNumber(69)': '1501',
    'chains.substrate.codec.encodeCompactUnsignedNumber(16383)': 'fdff',
    'chains.substrate.codec.encodeCompactUnsignedNumber(65535)': 'feff0300',
    'chains.substrate.codec.encodeCompactUnsignedNumber(1073741824)': '0300000040',
    "chains.substrate.codec.encodeCompactUnsignedNumber('100000000000000')": '0b00407a10f35a',
    'chains.substrate.codec.encodeCompactUnsignedNumber(2n ** 536n - 1n)': 'ff' + 'ff'.repeat(67),
    'chains.substrate.codec.encodeCompactUnsignedNumber(2n ** 536n)': /2\^536/,
    'chains.substrate.codec.encodeCompactUnsignedNumber(-1)': /from 0/,
  }));

test('codec: bytes, booleans and hashes', (t) =>
  table(t, {
    "chains.substrate.codec.encodeBytes('0x0102')": '080102',
    "chains.substrate.codec.encodeBytes('')": '00',
    'chains.substrate.codec.encodeBytes(new Uint8Array([1, 2]).buffer)': '080102',
    "chains.substrate.codec.encodeBytes('ab'.repeat(64))": '0101' + 'ab'.repeat(64),
    "chains.substrate.codec.encodeBytes('text')": /other characters/,
    'chains.substrate.codec.encodeBoolean(true)': '01',
    'chains.substrate.codec.encodeBoolean(false)': '00',
    'chains.substrate.codec.encodeBoolean(1)': /must be a boolean, not a number/,
    // RFC 7693's answer is for 64 bytes; this one is known from the libraries of Substrate
    "chains.substrate.codec.blakeTwo256('')": '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8',
    "chains.substrate.codec.blakeTwo256('abc')": 'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319',
    "chains.substrate.codec.blakeTwo256('0x616263')": 'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319',
    "chains.substrate.codec.blakeTwo256(Buffer.from('abc'))": 'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319',
    'chains.substrate.codec.blakeTwo256(1)': /must be a string or bytes, not a number/,
  }));

test('codec: addresses of every network', (t) =>
  table(t, {
    ...Object.fromEntries(Object.values(SS58).map((one) => [`chains.substrate.codec.encodeAddress('${one}')`, ALICE])),
    "chains.substrate.codec.encodeAddress('XTj3CLB3G6WnwPMgYo1PM2xi9BkDegtGw5WPd7X36G515La').length": 64, // of a public example
    [`chains.substrate.codec.encodeAddress('0x${ALICE}')`]: ALICE,
    [`chains.substrate.codec.encodeMultiAddress('${SS58.generic}')`]: `00${ALICE}`,
    'chains.substrate.codec.encodeAddress(_STD_.device.getAddress()) === _STD_.job.getId().origin.source': true,
    [`chains.substrate.codec.encodeAddress('${SS58.generic.slice(0, -1)}Z')`]: /is no SS58 address/,
    "chains.substrate.codec.encodeAddress('0OIl')": /is no SS58 address/,
    "chains.substrate.codec.encodeAddress('')": /is no SS58 address/,
    "chains.substrate.codec.encodeAddress('0x00')": /must be 32 bytes, not 1/,
    'chains.substrate.codec.encodeAddress({})': /must be a string/,
  }));

const digestOf = (bytes) => Buffer.from(blake2b(bytes, { dkLen: 32 }));

function recover(curve, signature, digest) {
  const { Signature } = curve;
  const raw = Buffer.from(signature, 'hex');
  return Signature.fromCompact(raw.subarray(0, 64)).addRecoveryBit(raw[64] - 27).recoverPublicKey(digest).toHex(true);
}

test('signer: the key is found by the signature, on the curve that is set', async (t) => {
  const messages = Array.from({ length: 8 }, () => crypto.randomBytes(80).toString('hex'));
  const sign = messages.map((one) => `chains.substrate.signer.sign('${one}')`);
  const [keys, before, , ofK1, , ofR1] = await values(t, [
    '_STD_.job.getPublicKeys()',
    `[${sign}]`,
    "chains.substrate.signer.setSigner('SECP256K1')",
    `[${sign}]`,
    "chains.substrate.signer.setSigner('SECP256R1')",
    `[${sign}]`,
  ]);
  for (const [i, message] of messages.entries()) {
    const digest = digestOf(Buffer.from(message, 'hex'));
    assert.equal(recover(secp256k1, ofK1[i], digest), keys.secp256k1);
    assert.equal(recover(p256, ofR1[i], digest), keys.p256);
    assert.equal(recover(p256, before[i], digest), keys.p256);
    assert.ok(!secp256k1.Signature.fromCompact(ofK1[i].slice(0, 128)).hasHighS());
  }
});

test('signer: what is no curve is named', (t) =>
  table(t, {
    "chains.substrate.signer.setSigner('ED25519')": /curveType must be 'SECP256K1' or 'SECP256R1', not "ED25519"/,
    'chains.substrate.signer.setSigner()': /curveType must be/,
    "chains.substrate.signer.setSigner('constructor')": /curveType must be/,
  }));

// A price that a processor signed, from the public tests of contracts on Gear, ink! and a pallet: they hash it with BLAKE2b-256, find the
// key by the 65 bytes, and trust its hash. This is what the assumptions on the page are made of.
test('a real processor signs in this form', () => {
  const price =
    '0440cf669e0e0000000000000000000000b3285d6c920100000cef27778d3c1f3546d7c49fe18aa7c2559a11171df720b9b4230dc2758bb2603e4795062d13e1ed971c6b6e5699764681e4d090bad39a7ef367cc9cb705652384b75b095dc5d2a59f082ef17d0c64104aaeab321bb0a49a26b9b27a59792fce80dd450ee6601d873d2d381d738d87a131f5605ec30c6adbc9138b79f2dfd6f3dc';
  const signature =
    '147124904bd67756d1b5efecd302e01c87639cab15a6b05f5913877c0d55c5787b676599461f0da5fe4c3fd02981a1216cd226b767c2f0ef464bbed26c72fa221b';
  const key = recover(secp256k1, signature, digestOf(Buffer.from(price, 'hex')));
  assert.equal(key, '03b689085552418111b9c8a6683e470c83f16f79a96c8f5fe35df1a3ab0e24d020');
});
