'use strict';
// What the vendor's client makes of strings, in one place: where a string of hexadecimal digits stands for bytes, and what
// is text.

const check = require('../check');
const { Identity, compressKey } = require('../identity');

const HEX = /^(?:0x)?[0-9a-fA-F]*$/;
const SECRET_SIZE = 32;

/** An even number of hexadecimal digits, with or without 0x; none at all is hex too. */
function isHex(text) {
  return text.length % 2 === 0 && HEX.test(text);
}

function fromHex(text) {
  return Buffer.from(text.startsWith('0x') ? text.slice(2) : text, 'hex');
}

/** A key or an id: bytes, or hex. */
function keyBytes(value, name) {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') throw check.wrongType(name, 'an instance of Uint8Array or a hex string', value);
  if (!isHex(value)) throw check.wrongValue(name, 'an even number of hex digits');
  return fromHex(value);
}

/**
 * A payload: bytes, or a string. The vendor's client takes a string that looks like hex for bytes; `strict` never does.
 * An odd number of digits is text here, where the vendor's client drops the last one.
 */
function payloadBytes(value, strict) {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') throw check.wrongType('payload', 'an instance of Uint8Array or a string', value);
  return !strict && isHex(value) ? fromHex(value) : Buffer.from(value, 'utf8');
}

/** 32 bytes: programs that print a key as a number lose its leading zeros. A copy, which the caller wipes. */
function secretBytes(value) {
  const given = keyBytes(value, 'keyPair.secretKey');
  if (given.length === 0 || given.length > SECRET_SIZE) {
    throw check.outOfRange('keyPair.secretKey.length', `>= 1 && <= ${SECRET_SIZE}`, given.length);
  }
  const secret = Buffer.alloc(SECRET_SIZE);
  secret.set(given, SECRET_SIZE - given.length);
  return secret;
}

/** Refuses a public key, compressed or not, that belongs to another secret. */
function checkPublicKey(publicKey, identity) {
  if (compressKey(keyBytes(publicKey, 'keyPair.publicKey')) === identity.publicKey) return;
  throw check.wrongValue('keyPair.publicKey', 'the one of keyPair.secretKey');
}

/** The identity of a P-256 key pair. */
function identityOf(keyPair) {
  const secret = secretBytes(check.object(keyPair, 'keyPair').secretKey);
  try {
    const identity = Identity.fromSecret(secret, 'p256');
    if (keyPair.publicKey !== undefined) checkPublicKey(keyPair.publicKey, identity);
    return identity;
  } finally {
    secret.fill(0);
  }
}

module.exports = { identityOf, keyBytes, payloadBytes };
