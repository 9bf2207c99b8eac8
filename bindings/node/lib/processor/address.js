'use strict';
// The address of an account on Acurast's chain: SS58 over the BLAKE2b-256 hash of its compressed public key.

const { blake2b } = require('@noble/hashes/blake2b');
const { base58 } = require('@scure/base');
const { bytesOf } = require('./hex.js');

const LONGEST = 64; // characters of an address
const PREFIX = 42; // "generic Substrate"
const CONTEXT = Buffer.from('SS58PRE');

function checksum(body) {
  return blake2b(Buffer.concat([CONTEXT, body]), { dkLen: 64 }).subarray(0, 2);
}

/** The account of a compressed public key, 32 bytes. */
function accountOf(publicKey) {
  return blake2b(publicKey, { dkLen: 32 });
}

/** The SS58 address of an account. */
function addressOf(account) {
  const body = Buffer.concat([Buffer.of(PREFIX), account]);
  return base58.encode(Buffer.concat([body, checksum(body)]));
}

// SS58: a prefix of one byte or, from 64 on, of two; an account of 32 bytes; two bytes of the hash.
function decoded(address) {
  const bytes = Buffer.from(base58.decode(address));
  const start = bytes[0] < 64 ? 1 : 2;
  const body = bytes.subarray(0, -2);
  if (body.length !== start + 32 || !bytes.subarray(-2).equals(checksum(body))) throw new Error('another checksum');
  return body.subarray(start);
}

/** The account of an SS58 address of any network, or of the 32 bytes themselves (hexadecimal or bytes). */
function accountIn(value) {
  if (typeof value !== 'string' || /^0x/i.test(value)) return bytesOf(value, 'address', [32]);
  try {
    if (value.length > LONGEST) throw new RangeError('too long');
    return decoded(value);
  } catch (cause) {
    throw new TypeError(`${JSON.stringify(value.slice(0, 60))} is no SS58 address`, { cause });
  }
}

module.exports = { accountIn, accountOf, addressOf };
