'use strict';
// Key pairs, ids and signatures.

const check = require('./check');
const native = require('./native');

const KINDS = { p256: 1, ed25519: 2, secp256k1: 3 };
const DIGEST_SIZE = 32;
const SIGNATURE_SIZE = 64;
const LARGEST_SALT = 65536;
const LARGEST_PEM = 65536;
const LONGEST_ID = 34; // 16 bytes as hex, with 0x
const KNOWN_KEYS = 1024;
const OWN = Symbol('made here');

function kindNumber(kind) {
  check.string(kind, 'kind');
  if (!Object.hasOwn(KINDS, kind)) throw check.wrongValue('kind', `one of ${Object.keys(KINDS).join(', ')}`);
  return KINDS[kind];
}

/** Where a key may tell its kind itself; one of secp256k1 cannot. */
function optionalKind(kind) {
  return kind === undefined ? 0 : kindNumber(kind);
}

function saltOf(value) {
  const salt = check.bytes(value, 'salt');
  if (salt.length > LARGEST_SALT) throw check.outOfRange('salt.length', `<= ${LARGEST_SALT}`, salt.length);
  return salt;
}

/** A secret or a PEM: text or bytes. */
function textOrBytes(value, name) {
  return typeof value === 'string' ? value.trim() : check.bytes(value, name);
}

/** A public key or an id, as the addon takes it. */
function keyOf(value, name) {
  if (typeof value === 'string') return value.trim();
  if (value instanceof Identity) return value.publicKey;
  try {
    return check.bytes(value, name);
  } catch {
    throw check.wrongType(name, 'of type string or an instance of Uint8Array, ArrayBuffer or Identity', value);
  }
}

// For this package alone: the addon's handle of an identity, and whether a value is one.
let handleOf;
let isIdentity;

class Identity {
  #handle;
  #id;
  #publicKey;

  /** Not for users: see generate(), fromPem() and fromSecret(). */
  constructor(token, handle) {
    if (token !== OWN) throw new TypeError('use Identity.generate(), Identity.fromPem() or Identity.fromSecret()');
    this.#handle = handle;
    this.#id = native.identityId(handle);
    this.#publicKey = native.identityPublicKey(handle);
  }

  static generate(kind = 'p256') {
    return new Identity(OWN, native.identityGenerate(kindNumber(kind)));
  }

  static fromPem(pem) {
    const given = textOrBytes(pem, 'pem');
    if (given.length > LARGEST_PEM) throw check.outOfRange('pem.length', `<= ${LARGEST_PEM}`, given.length);
    return new Identity(OWN, native.identityFromPem(given));
  }

  static fromSecret(secret, kind = 'p256') {
    return new Identity(OWN, native.identityFromSecret(kindNumber(kind), textOrBytes(secret, 'secret')));
  }

  static {
    handleOf = (identity) => identity.#handle;
    isIdentity = (value) => value !== null && typeof value === 'object' && #handle in value;
  }

  get id() {
    return this.#id;
  }

  get publicKey() {
    return this.#publicKey;
  }

  get uncompressedKey() {
    return native.identityUncompressedKey(this.#handle);
  }

  get kind() {
    const number = native.identityKind(this.#handle);
    return Object.keys(KINDS).find((name) => KINDS[name] === number);
  }

  toPem() {
    return native.identityToPem(this.#handle);
  }

  secret() {
    return native.identitySecret(this.#handle);
  }

  sign(message) {
    return native.identitySign(this.#handle, check.bytes(message, 'message'));
  }

  signDigest(digest) {
    return native.identitySignDigest(this.#handle, check.sizedBytes(digest, 'digest', DIGEST_SIZE));
  }

  seal(peerKey, salt, plaintext) {
    const peer = keyOf(peerKey, 'peerKey');
    return native.identitySeal(this.#handle, peer, saltOf(salt), check.bytes(plaintext, 'plaintext'));
  }

  open(peerKey, salt, sealed) {
    const peer = keyOf(peerKey, 'peerKey');
    return native.identityOpen(this.#handle, peer, saltOf(salt), check.bytes(sealed, 'sealed'));
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Identity { ${this.#id} }`;
  }

  toJSON() {
    return { id: this.#id, publicKey: this.#publicKey };
  }
}

function idOf(key) {
  return native.idOf(keyOf(key, 'key'));
}

function compressKey(key, kind) {
  return native.compressKey(optionalKind(kind), keyOf(key, 'key'));
}

function verify(key, message, signature, kind) {
  const signed = check.sizedBytes(signature, 'signature', SIGNATURE_SIZE);
  return native.verify(optionalKind(kind), keyOf(key, 'key'), check.bytes(message, 'message'), signed);
}

function verifyDigest(key, digest, signature, kind) {
  const signed = check.sizedBytes(signature, 'signature', SIGNATURE_SIZE);
  const said = check.sizedBytes(digest, 'digest', DIGEST_SIZE);
  return native.verifyDigest(optionalKind(kind), keyOf(key, 'key'), said, signed);
}

// To learn the id of a public key costs more than to send: a point has to be found on the curve. So it is kept.
const known = new Map();

/** A recipient as the addon takes it. */
function recipient(to) {
  if (to instanceof Identity) return to.id;
  const key = keyOf(to, 'to');
  if (typeof key !== 'string' || key.length <= LONGEST_ID) return key;
  let id = known.get(key);
  if (id === undefined) {
    id = native.idOf(key);
    if (known.size >= KNOWN_KEYS) known.clear();
    known.set(key, id);
  }
  return id;
}

module.exports = { Identity, compressKey, handleOf, idOf, isIdentity, recipient, verify, verifyDigest };
