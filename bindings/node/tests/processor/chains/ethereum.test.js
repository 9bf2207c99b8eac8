'use strict';
// chains.ethereum, against the examples of the ABI's specification, against words written by hand, and against a signature of a real
// processor that a public contract takes.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { secp256k1 } = require('@noble/curves/secp256k1');
const { keccak_256 } = require('@noble/hashes/sha3');
const { decodeAbiParameters, recoverAddress } = require('viem');
const { publicKeyToAddress } = require('viem/accounts');
const { marked } = require('../../../lib/processor/chains/sign.js');
const { table, values } = require('./harness');

const word = (hex) => hex.padStart(64, '0');
const left = (hex) => hex.padEnd(64, '0');

test('getAddress is that of the secp256k1 key, without 0x', async (t) => {
  const [keys, address] = await values(t, ['_STD_.job.getPublicKeys()', 'chains.ethereum.getAddress()']);
  const point = `0x${secp256k1.ProjectivePoint.fromHex(keys.secp256k1).toHex(false)}`;
  assert.equal(`0x${address}`, publicKeyToAddress(point).toLowerCase());
});

test('signer.sign signs the Keccak-256 of acusig, the hash of the script and the message, so that the address is found by it', async (t) => {
  const scriptHash = 'ipfs://QmVHRimsTBSEASEcnbd5MYLKzphBu1MfZqajKqtWrC3Zbm';
  const messages = Array.from({ length: 16 }, (_, i) => Buffer.from([i]).toString('hex').repeat(i));
  const [address, ...signatures] = await values(
    t,
    ['chains.ethereum.getAddress()', ...messages.map((one) => `chains.ethereum.signer.sign('${one}')`)],
    { scriptHash },
  );
  for (const [i, one] of signatures.entries()) {
    assert.match(one, /^[0-9a-f]{128}1[bc]$/);
    assert.ok(!secp256k1.Signature.fromCompact(one.slice(0, 128)).hasHighS());
    const bytes = Buffer.concat([Buffer.from(`acusig${scriptHash}`), Buffer.from(messages[i], 'hex')]);
    const digest = `0x${Buffer.from(keccak_256(bytes)).toString('hex')}`;
    assert.equal((await recoverAddress({ hash: digest, signature: `0x${one}` })).toLowerCase(), `0x${address}`);
  }
});

test('abi.encodeNumeric is one word', (t) =>
  table(t, {
    'chains.ethereum.abi.encodeNumeric(69, 256, true)': word('45'),
    "chains.ethereum.abi.encodeNumeric('69', 256, true)": word('45'),
    "chains.ethereum.abi.encodeNumeric('0x45', 8, true)": word('45'),
    "chains.ethereum.abi.encodeNumeric('ff', 8, true)": word('ff'),
    'chains.ethereum.abi.encodeNumeric(10n ** 30n, 256, true)': word((10n ** 30n).toString(16)),
    'chains.ethereum.abi.encodeNumeric(1.5e20, 256, true)': word((15n * 10n ** 19n).toString(16)),
    'chains.ethereum.abi.encodeNumeric(7.9, 8, true)': word('7'),
    'chains.ethereum.abi.encodeNumeric(-1, 256, false)': 'f'.repeat(64),
    'chains.ethereum.abi.encodeNumeric(-128, 8, false)': 'f'.repeat(62) + '80',
    'chains.ethereum.abi.encodeNumeric(-1, 256, true)': /256 bits and not be negative/,
    'chains.ethereum.abi.encodeNumeric(256, 8, true)': /fit in 8 bits/,
    'chains.ethereum.abi.encodeNumeric(128, 8, false)': /fit in 8 bits/,
    "chains.ethereum.abi.encodeNumeric('x', 8, true)": /must be a whole number; "x" is none/,
    "chains.ethereum.abi.encodeNumeric('', 8, true)": /must be a whole number/,
    'chains.ethereum.abi.encodeNumeric(Infinity, 8, true)': /must be a whole number/,
    'chains.ethereum.abi.encodeNumeric(1, 7, true)': /bitLength must be a multiple of 8/,
    "chains.ethereum.abi.encodeNumeric(1, '8', true)": /from 8 to 256, not a string/,
    'chains.ethereum.abi.encodeNumeric({}, 8, true)': /must be a whole number, not an object/,
  }));

const ADDRESS = '0x5efea821ca12634eef34ad9074086f3db8ef2e95';

test('abi.encode takes the type from the value', (t) =>
  table(t, {
    'chains.ethereum.abi.encode(69)': word('45'),
    'chains.ethereum.abi.encode(-2)': 'f'.repeat(63) + 'e',
    'chains.ethereum.abi.encode(true)': word('1'),
    [`chains.ethereum.abi.encode('${ADDRESS}')`]: word(ADDRESS.slice(2)),
    [`chains.ethereum.abi.encode('${ADDRESS.toUpperCase().replace('X', 'x')}')`]: word(ADDRESS.slice(2)),
    [`chains.ethereum.abi.encode('0x${'ab'.repeat(32)}')`]: 'ab'.repeat(32),
    "chains.ethereum.abi.encode('0x1234')": word('20') + word('2') + left('1234'),
    "chains.ethereum.abi.encode(Buffer.from('1234', 'hex'))": word('20') + word('2') + left('1234'),
    "chains.ethereum.abi.encode('dave')": word('20') + word('4') + left('64617665'),
    'chains.ethereum.abi.encode([1, 2, 3])': word('20') + word('3') + word('1') + word('2') + word('3'),
    'chains.ethereum.abi.encode([])': word('20') + word('0'),
    'chains.ethereum.abi.encode({ a: 1, b: true })': word('1') + word('1'),
    "chains.ethereum.abi.encode({ a: 1, b: 'dave' })": word('20') + word('1') + word('40') + word('4') + left('64617665'),
    "chains.ethereum.abi.encode([1, 'x'])": /must be of one type/,
    'chains.ethereum.abi.encode(null)': /not null/,
    'chains.ethereum.abi.encode((() => { const a = {}; a.a = a; return a })())': /32 deep/,
  }));

test('abi.encodeStruct: the members as arguments, or as one dynamic argument', (t) =>
  table(t, {
    [`chains.ethereum.abi.encodeStruct({ nonce: 1, asset: '${ADDRESS}', amount: 5 })`]: word('1') + word(ADDRESS.slice(2)) + word('5'),
    'chains.ethereum.abi.encodeStruct({ a: 1 }, false)': word('1'),
    // the example of the specification: f(0x123, [0x456, 0x789], "Hello, world!") without its bytes10
    "chains.ethereum.abi.encodeStruct([0x123, [0x456, 0x789], 'Hello, world!'], false)":
      word('123') + word('60') + word('c0') + word('2') + word('456') + word('789') + word('d') + left('48656c6c6f2c20776f726c6421'),
    "chains.ethereum.abi.encodeStruct({ a: 'dave' }, true)": word('20') + word('20') + word('4') + left('64617665'),
    "chains.ethereum.abi.encodeStruct({ a: 'dave' })": word('20') + word('20') + word('4') + left('64617665'),
  }));

test('what is encoded decodes as that type', async (t) => {
  const [hex] = await values(t, ["chains.ethereum.abi.encode({ prices: [1, 2], at: { time: 5, by: 'x' } })"]);
  const components = [
    { name: 'prices', type: 'uint256[]' },
    { name: 'at', type: 'tuple', components: [{ name: 'time', type: 'uint256' }, { name: 'by', type: 'string' }] },
  ];
  const [decoded] = decodeAbiParameters([{ type: 'tuple', components }], `0x${hex}`);
  assert.deepEqual(decoded, { prices: [1n, 2n], at: { time: 5n, by: 'x' } });
});

// A price that a processor signed, with the contract that takes it: public test data of an oracle on Ethereum. It says how the message is
// marked, and that the signature has 65 bytes.
test('a message is marked as a real processor does it', async () => {
  const data = PRICE.join('');
  const digest = keccak_256(marked('ipfs://QmVHRimsTBSEASEcnbd5MYLKzphBu1MfZqajKqtWrC3Zbm', Buffer.from(data, 'hex')));
  const signature =
    '0x738af8986729d1f9dfe8c3f91c8ba75110b18d5d9ffd9c636d3f8cb9e9774120700082fdd0b84ab189dffded60eef761bf4b7b6604b10c48d0b832722152d2a11b';
  const signer = await recoverAddress({ hash: `0x${Buffer.from(digest).toString('hex')}`, signature });
  assert.equal(signer.toLowerCase(), ADDRESS);
});

const PRICE = [
  '20',
  '80',
  '192479be2e5',
  'c0',
  'c55623dc6bf3806a9e3e11ba957aa37335e154d37dacc702a9ac09f243e7bc8a',
  '1',
  'edd3db170',
  'c',
  'ef27778d3c1f3546d7c49fe18aa7c2559a11171df720b9b4230dc2758bb2603e',
  '4795062d13e1ed971c6b6e5699764681e4d090bad39a7ef367cc9cb705652384',
  '31257bd5a35d7b4a753f46248c77f4018d7c4192587899ad588ed13529d49484',
  '9f828f8e197e0cd081a38be3f5ac5ed91e50a6a676ac2a818ca81c3d0d1aeddd',
  'b9b254d396ed5fda09cd28b30e340d5d0af74027ade9c100a23dd2bb1662407b',
  'f48b930f6a5dbad1072bef0d81658ca67019069ed04d2d2feccef4ec90cdf998',
  '875f2ab6d013049784ebdca33e5182d8885d81fa9d01ceb44f94175c44a824c1',
  '7f09db6060e6ab8c7cc96eda8cd93cf629c619e3c522dadc61130530a3681140',
  'e949e682ce8ecc2e438b0118f7705377c1297e7a680d352ad98dc2f8d05e1571',
  '74741668a181b5567f47b82d8a4cd718bd46ae53cd094e049a00cf67db0ae794',
  'ff3d152df65fe4b4188e59797e58d0f2c5cf40d7e2eb1dbd48f1dcd97a182550',
  'd76729dc646f89f9cf0c4e90d0cc6d9acbd0874304b518da65698edb6d6be65d',
].map(word);
