'use strict';
// Hashes, and base58 with a checksum, as Bitcoin, Tezos and Aeternity write addresses. Loaded when first used.

function blake2b256(bytes) {
  return require('@noble/hashes/blake2b').blake2b(bytes, { dkLen: 32 });
}

function sha256(bytes) {
  return require('@noble/hashes/sha2').sha256(bytes);
}

const LIMIT = 4096; // bytes or characters in base58, whose time grows with the square

function within(value) {
  if (value.length > LIMIT) throw new RangeError(`base58 is for at most ${LIMIT} bytes or characters here, not ${value.length}`);
  return value;
}

function base58() {
  return require('@scure/base').base58;
}

let coder;
function checked() {
  coder ??= require('@scure/base').createBase58check(sha256);
  return coder;
}

/** The bytes as text. */
function base58Text(bytes) {
  return base58().encode(within(bytes));
}

/** The bytes of such a text; throws for what is none. */
function base58Bytes(text) {
  return Buffer.from(base58().decode(within(text)));
}

/** The bytes as text, with a checksum. */
function base58check(...parts) {
  return checked().encode(within(Buffer.concat(parts)));
}

/** The bytes of such a text; throws where the checksum is another one. */
function base58checkBytes(text) {
  return Buffer.from(checked().decode(within(text)));
}

module.exports = { base58Bytes, base58Text, base58check, base58checkBytes, blake2b256, sha256 };
