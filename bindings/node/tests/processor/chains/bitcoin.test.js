'use strict';
// chains.bitcoin, against the vectors of BIP 32 and of base58, and by deriving keys again with Node's own crypto.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { test } = require('node:test');
const { secp256k1 } = require('@noble/curves/secp256k1');
const { createBase58check } = require('@scure/base');
const { folder } = require('../lib/harness');
const { table, values } = require('./harness');

const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest();
const base58check = createBase58check(sha256);

// BIP 32, test vector 2: the chain m/0.
const XPUB = 'xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB';
const CHILD_XPUB = 'xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH';
const CHILD = base58check.decode(CHILD_XPUB).slice(45);

/** The child key of a serialised extended key by one step that is not hardened (BIP 32, CKDpub). */
function childOf(point, chainCode, step) {
  const data = Buffer.concat([point, Buffer.alloc(4)]);
  data.writeUInt32BE(step, 33);
  const whole = crypto.createHmac('sha512', chainCode).update(data).digest();
  const sum = secp256k1.ProjectivePoint.BASE.multiply(BigInt(`0x${whole.subarray(0, 32).toString('hex')}`)).add(
    secp256k1.ProjectivePoint.fromHex(point.toString('hex')),
  );
  return { point: Buffer.from(sum.toRawBytes(true)), chainCode: whole.subarray(32) };
}

function extended(text) {
  const bytes = Buffer.from(base58check.decode(text));
  return { version: bytes.readUInt32BE(), depth: bytes[4], chainCode: bytes.subarray(13, 45), point: bytes.subarray(45) };
}

test('utils: base58, with and without a checksum', (t) =>
  table(t, {
    "chains.bitcoin.utils.base58Encode('73696d706c792061206c6f6e6720737472696e67')": '2cFupjhnEsSn59qHXstmK2ffpLv2',
    "chains.bitcoin.utils.base58Encode('000000287fb4cd')": '111233QC4',
    "chains.bitcoin.utils.base58Encode('')": '',
    "chains.bitcoin.utils.base58Decode('2cFupjhnEsSn59qHXstmK2ffpLv2')": '73696d706c792061206c6f6e6720737472696e67',
    "chains.bitcoin.utils.base58Decode('111233QC4')": '000000287fb4cd',
    "chains.bitcoin.utils.base58Encode('00'.repeat(1_000_000))": /base58 is for at most 4096 bytes or characters here, not 1000000/,
    "chains.bitcoin.utils.base58Decode('1'.repeat(1_000_000))": /base58 is for at most 4096/,
    "chains.bitcoin.utils.base58CheckEncode('00'.repeat(1_000_000))": /base58 is for at most 4096/,
    "chains.bitcoin.utils.base58CheckDecode('1'.repeat(1_000_000))": /base58 is for at most 4096/,
    "chains.bitcoin.utils.derivePublicKey('x'.repeat(1_000_000), 'm/0')": /base58 is for at most 4096/,
    "chains.substrate.codec.encodeAddress('1'.repeat(1_000_000))": /is no SS58 address/,
    "chains.aeternity.data.account_pubkey('ak_' + '1'.repeat(1_000_000))": /must be an address that begins with ak_/,
    "chains.tezos.encoding.pack('sig' + '1'.repeat(100_000)).length": 200_018,
    "chains.bitcoin.utils.base58Decode('0OIl')": /value is not base58/,
    'chains.bitcoin.utils.base58Decode(1)': /must be a string, not a number/,
    "chains.bitcoin.utils.base58CheckEncode('0062e907b15cbf27d5425399ebf6f0fb50ebb88f18')": '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa',
    "chains.bitcoin.utils.base58CheckDecode('1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa')": '0062e907b15cbf27d5425399ebf6f0fb50ebb88f18',
    "chains.bitcoin.utils.base58CheckDecode('1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb')": /value is not base58 with a checksum/,
    "chains.bitcoin.signer.sha256('616263')": 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    "chains.bitcoin.signer.sha256(chains.bitcoin.signer.sha256(Buffer.from('hello')))":
      '9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50',
  }));

test('utils.derivePublicKey, by the vectors of BIP 32', (t) =>
  table(t, {
    [`chains.bitcoin.utils.derivePublicKey('${XPUB}', 'm/0')`]: Buffer.from(CHILD).toString('hex'),
    [`chains.bitcoin.utils.derivePublicKey('${XPUB}', 'm')`]: Buffer.from(base58check.decode(XPUB).slice(45)).toString('hex'),
    [`chains.bitcoin.utils.derivePublicKey('${XPUB}', "m/0'")`]: /hardened/,
    [`chains.bitcoin.utils.derivePublicKey('${XPUB}', '0/1')`]: /derivationPath must be like "m\/0\/1", not "0\/1"/,
    [`chains.bitcoin.utils.derivePublicKey('${XPUB}', 'm/2147483648')`]: /derivationPath must be like/,
    "chains.bitcoin.utils.derivePublicKey('1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'm/0')": /xpub must have 78 bytes, not 21/,
    "chains.bitcoin.utils.derivePublicKey('x', 'm/0')": /xpub is not base58 with a checksum/,
    "chains.bitcoin.utils.derivePublicKey(1, 'm/0')": /xpub must be a string/,
  }));

test('an extended key that a script puts together, as a bridge does it for its deposits', async (t) => {
  const backup = Buffer.from(secp256k1.getPublicKey(Buffer.alloc(32, 7)));
  const chainCode = sha256(Buffer.from('0001aabb', 'hex'));
  const [derived] = await values(t, [
    `chains.bitcoin.utils.derivePublicKey(chains.bitcoin.utils.base58CheckEncode(
       '0488B21E' + '00' + '00000000' + '00000000' + chains.bitcoin.signer.sha256('0001aabb') + '${backup.toString('hex')}'), 'm/0/1')`,
  ]);
  const first = childOf(backup, chainCode, 0);
  assert.equal(derived, childOf(first.point, first.chainCode, 1).point.toString('hex'));
});

test('getPublicKey and getExtendedPublicKey: a tree of keys below the key of the deployment', async (t) => {
  const state = folder(t);
  const asked = [
    '_STD_.job.getPublicKeys().secp256k1',
    'chains.bitcoin.getPublicKey()',
    "chains.bitcoin.getPublicKey('m/0/1')",
    "chains.bitcoin.getExtendedPublicKey('0488b21e', 'm')",
    "chains.bitcoin.getExtendedPublicKey('0488b21e', 'm/0/1')",
    "chains.bitcoin.getExtendedPublicKey('043587CF', 'm/0/1')", // tpub
    "chains.bitcoin.utils.derivePublicKey(chains.bitcoin.getExtendedPublicKey('0488b21e', 'm/0/1'), 'm/5')",
    'chains.bitcoin.getPublicKey("m/44\'/0\'/0\'/0/7")',
  ];
  const got = await values(t, asked, { state });
  const [own, bare, at01, root, xpub, tpub, below, hardened] = got;
  assert.equal(bare, own);
  const top = extended(root);
  assert.equal(top.point.toString('hex'), own);
  const first = childOf(top.point, top.chainCode, 0);
  const second = childOf(first.point, first.chainCode, 1);
  assert.equal(second.point.toString('hex'), at01);
  assert.deepEqual(extended(xpub), { version: 0x0488b21e, depth: 2, ...second });
  assert.deepEqual(extended(tpub), { version: 0x043587cf, depth: 2, ...second });
  assert.match(tpub, /^tpub/);
  assert.equal(below, childOf(second.point, second.chainCode, 5).point.toString('hex'));
  assert.match(hardened, /^0[23][0-9a-f]{64}$/);
  assert.deepEqual(await values(t, asked, { state }), got); // kept with the state
});

test('signer: sign and signHD mark the message, rawSign and rawSignHD do not', async (t) => {
  const digest = 'ab'.repeat(32);
  const [own, at01, sign, raw, signHD, rawHD] = await values(
    t,
    [
      'chains.bitcoin.getPublicKey()',
      "chains.bitcoin.getPublicKey('m/0/1')",
      "Array.from({ length: 16 }, () => chains.bitcoin.signer.sign('0102'))",
      `Array.from({ length: 16 }, () => chains.bitcoin.signer.rawSign('${digest}'))`,
      "chains.bitcoin.signer.signHD(Buffer.from([1, 2]), 'm/0/1')",
      `chains.bitcoin.signer.rawSignHD('${digest}', 'm/0/1')`,
    ],
    { scriptHash: 'Qm123' },
  );
  const marked = sha256(Buffer.concat([Buffer.from('acusigQm123'), Buffer.from([1, 2])]));
  for (const one of sign) assert.ok(secp256k1.verify(one, marked, own)); // which refuses a high s
  for (const one of raw) assert.ok(secp256k1.verify(one, digest, own));
  assert.ok(secp256k1.verify(signHD, marked, at01));
  assert.ok(secp256k1.verify(rawHD, digest, at01));
});

test('wrong arguments are named', (t) =>
  table(t, {
    "chains.bitcoin.signer.rawSign('00')": /message \(a digest\) must be 32 bytes, not 1/,
    "chains.bitcoin.signer.rawSignHD('00'.repeat(32))": /derivationPath must be like "m\/0\/1", not undefined/,
    "chains.bitcoin.signer.rawSignHD('00'.repeat(32), 'm/x')": /derivationPath must be like "m\/0\/1", not "m\/x"/,
    "chains.bitcoin.signer.sign('text')": /message must be hexadecimal digits/,
    "chains.bitcoin.getExtendedPublicKey('00', 'm')": /version must be 4 bytes, not 1/,
    "chains.bitcoin.getPublicKey('m' + '/0'.repeat(256))": /derivationPath must be like/,
  }));
