'use strict';
// Hashes, and base58 with a checksum, as Bitcoin, Tezos and Aeternity write addresses. Loaded when first used.

function blake2b256(bytes) {
  return require('@noble/hashes/blake2b').blake2b(bytes, { dkLen: 32 });
}

function sha256(bytes) {
  return require('@noble/hashes/sha2').sha256(bytes);
}

let coder;
function checked() {
  coder ??= require('@scure/base').createBase58check(sha256);
  return coder;
}

/** The bytes as text, with a checksum. */
function base58check(...parts) {
  return checked().encode(Buffer.concat(parts));
}

/** The bytes of such a text; throws where the checksum is another one. */
function base58checkBytes(text) {
  return Buffer.from(checked().decode(text));
}

module.exports = { base58check, base58checkBytes, blake2b256, sha256 };
