'use strict';
// Keys, ids, signatures and seals: against the known answers, and against Node's own crypto in the same process.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { inspect } = require('node:util');
const { HERE, acurast } = require('./lib/harness');

const { Identity, compressKey, idOf, verify, verifyDigest } = acurast;
const known = (name) => JSON.parse(fs.readFileSync(path.join(HERE, '..', '..', 'tests', 'vectors', name)));
const hex = (text) => Buffer.from(text, 'hex');
const KINDS = ['p256', 'ed25519', 'secp256k1'];
const CURVES = { p256: 'prime256v1', secp256k1: 'secp256k1' };

test('a key pair goes out and comes in again, as PEM and as its secret', () => {
  for (const kind of KINDS) {
    const identity = Identity.generate(kind);
    assert.equal(identity.kind, kind);
    assert.match(identity.id, /^[0-9a-f]{32}$/);
    assert.match(identity.publicKey, /^[0-9a-f]{66}$/);
    const secret = identity.secret();
    const copies = [
      Identity.fromPem(identity.toPem()),
      Identity.fromPem(Buffer.from(`\n${identity.toPem()}\n`)),
      Identity.fromSecret(secret, kind),
      Identity.fromSecret(Buffer.from(secret).toString('hex'), kind),
      Identity.fromSecret(` 0x${Buffer.from(secret).toString('hex').toUpperCase()}\n`, kind),
    ];
    for (const copy of copies) assert.deepEqual([copy.publicKey, copy.kind], [identity.publicKey, kind]);
  }
});

test('known keys have known ids', () => {
  const { handshake } = known('v1.json');
  const first = [handshake].flat()[0];
  assert.equal(idOf(first.public_key), first.id);
  assert.equal(idOf(hex(first.id)), first.id);
});

test("what we sign, Node's crypto verifies, and the other way round", () => {
  const message = Buffer.from('a message');
  for (const kind of KINDS) {
    const identity = Identity.generate(kind);
    const theirs = crypto.createPrivateKey(identity.toPem());
    const options = { key: theirs, dsaEncoding: 'ieee-p1363' };
    const digest = kind === 'ed25519' ? null : 'sha256';
    assert.ok(crypto.verify(digest, message, { ...options, key: crypto.createPublicKey(theirs) }, identity.sign(message)));
    const signature = crypto.sign(digest, message, options);
    assert.equal(verify(identity, message, signature, kind), true);
    assert.equal(verify(identity.publicKey, message, signature, kind), true);
    assert.equal(verify(identity.publicKey, Buffer.from('another'), signature, kind), false);
  }
});

test('a kind that is named counts', () => {
  const [r1, ed, k1] = KINDS.map((kind) => Identity.generate(kind));
  const message = new Uint8Array(3);
  assert.equal(verify(r1.publicKey, message, r1.sign(message)), true);
  assert.equal(verify(ed.publicKey, message, ed.sign(message)), true);
  assert.throws(() => verify(ed.publicKey, message, ed.sign(message), 'p256'), acurast.BadKeyError);
  assert.throws(() => verify(k1.uncompressedKey, message, k1.sign(message)), acurast.BadKeyError);
  const digest = crypto.createHash('sha256').update(message).digest();
  assert.equal(verifyDigest(k1.publicKey, digest, k1.signDigest(digest), 'secp256k1'), true);
  assert.equal(verifyDigest(r1.publicKey, digest, r1.sign(message)), true);
  assert.throws(() => ed.signDigest(digest), acurast.UnsupportedError);
  assert.throws(() => ed.uncompressedKey, acurast.UnsupportedError);
  assert.equal(compressKey(k1.uncompressedKey, 'secp256k1'), k1.publicKey);
  assert.equal(compressKey(hex(r1.uncompressedKey)), r1.publicKey);
});

test('a secp256k1 key is not who a client is', () => {
  const identity = Identity.generate('secp256k1');
  assert.throws(() => new acurast.Client('ws://127.0.0.1:1', { identity }), acurast.UnsupportedError);
});

test('known seals open, whoever made them', () => {
  const curves = { secp256r1: 'p256', p256: 'p256', secp256k1: 'secp256k1' };
  const seals = known('seal.json').seals ?? Object.values(known('seal.json')).find(Array.isArray);
  assert.ok(seals.length >= 20);
  for (const one of seals) {
    const opener = Identity.fromSecret(one.opener_secret, curves[one.curve]);
    const plain = opener.open(one.sealer_key, hex(one.salt), hex(one.sealed));
    assert.equal(Buffer.from(plain).toString('hex'), one.plaintext, one.name);
  }
});

test('a seal opens for both sides, and for nobody else', () => {
  for (const kind of Object.keys(CURVES)) {
    const [one, two, other] = [0, 1, 2].map(() => Identity.generate(kind));
    const salt = crypto.randomBytes(16);
    for (const size of [0, 1, 1 << 20]) {
      const plain = new Uint8Array(crypto.randomBytes(size));
      const sealed = one.seal(two.publicKey, salt, plain);
      assert.equal(sealed.length, size + 28);
      assert.deepEqual(two.open(one, salt, sealed), plain);
      assert.deepEqual(one.open(two, salt, sealed), plain);
      assert.throws(() => other.open(one, salt, sealed), { code: 'ACURAST_BAD_SEAL' });
      assert.throws(() => two.open(one, Buffer.alloc(16), sealed), acurast.BadSealError);
      assert.throws(() => two.open(one, salt, sealed.with(size + 27, sealed[size + 27] ^ 1)), acurast.BadSealError);
    }
    assert.throws(() => two.open(one, salt, new Uint8Array(27)), acurast.BadSealError);
  }
  const ed = Identity.generate('ed25519');
  assert.throws(() => ed.seal(ed.publicKey, new Uint8Array(), new Uint8Array()), acurast.UnsupportedError);
  const one = Identity.generate();
  const peer = one.publicKey;
  assert.throws(() => one.seal(peer, 'salt', new Uint8Array()), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => one.seal(peer, new Uint8Array(65537), new Uint8Array()), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => one.seal(one.id, new Uint8Array(), new Uint8Array()), acurast.BadKeyError);
  assert.throws(() => one.seal(1, new Uint8Array(), new Uint8Array()), /"peerKey"/);
});

test('an identity shows its id, and its secret only when asked', () => {
  const identity = Identity.generate();
  const secret = Buffer.from(identity.secret()).toString('hex');
  assert.equal(inspect(identity), `Identity { ${identity.id} }`);
  assert.deepEqual(JSON.parse(JSON.stringify(identity)), { id: identity.id, publicKey: identity.publicKey });
  assert.ok(!inspect(identity, { showHidden: true, depth: 9 }).includes(secret.slice(0, 8)));
});
