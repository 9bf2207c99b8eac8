'use strict';
// The address of an account on Acurast's chain: SS58 over the BLAKE2b-256 hash of its compressed public key.

const { blake2b } = require('@noble/hashes/blake2b');
const { base58 } = require('@scure/base');

const PREFIX = 42; // "generic Substrate"
const CONTEXT = Buffer.from('SS58PRE');

/** The account of a compressed public key, 32 bytes. */
function accountOf(publicKey) {
  return blake2b(publicKey, { dkLen: 32 });
}

/** The SS58 address of an account. */
function addressOf(account) {
  const body = Buffer.concat([Buffer.of(PREFIX), account]);
  const checksum = blake2b(Buffer.concat([CONTEXT, body]), { dkLen: 64 }).subarray(0, 2);
  return base58.encode(Buffer.concat([body, checksum]));
}

module.exports = { accountOf, addressOf };
