'use strict';
// `_STD_.chains.substrate`: SCALE, and signatures with the deployment's keys.

const { accountIn } = require('../address.js');
const { bytesOf, hexOf, isBytes, kindOf } = require('../hex.js');
const { blake2b256 } = require('./hashes.js');
const { messageOf, recoverable } = require('./sign.js');
const { sizedOf, wholeOf } = require('./whole.js');

const BITS = [8, 16, 32, 64, 128];
const BY_ID = Buffer.of(0); // MultiAddress::Id
const CURVES = { SECP256K1: 'secp256k1', SECP256R1: 'p256' };

// Documented: "the given string". 0x in front says that it is hexadecimal, as it does in the libraries of the field.
function hashed(value) {
  const isHex = typeof value === 'string' && /^0x([0-9a-f]{2})*$/i.test(value);
  if (typeof value !== 'string' && !isBytes(value)) throw new TypeError(`value must be a string or bytes, not ${kindOf(value)}`);
  return blake2b256(isHex || isBytes(value) ? bytesOf(value, 'value') : Buffer.from(value));
}

/** Little-endian, in so many bits. */
function fixed(value, bitSize) {
  if (!BITS.includes(bitSize)) throw new RangeError(`bitSize must be one of ${BITS.join(', ')}, not ${typeof bitSize === 'number' ? bitSize : kindOf(bitSize)}`);
  const digits = sizedOf(value, bitSize, false, 'value').toString(16);
  return hexOf(Buffer.from(digits.padStart(bitSize / 4, '0'), 'hex').reverse());
}

function codec(library) {
  const scale = (member) => library('scale-ts', `_STD_.chains.substrate.codec.${member}`);
  return {
    blakeTwo256: (value) => hexOf(hashed(value)),
    encodeUnsignedNumber: fixed,
    encodeCompactUnsignedNumber(value) {
      const whole = wholeOf(value, 'value');
      if (whole < 0n || whole >= 1n << 536n) throw new RangeError('value must be from 0 to 2^536 - 1');
      return hexOf(scale('encodeCompactUnsignedNumber').compact.enc(whole));
    },
    encodeBytes: (value) => hexOf(scale('encodeBytes').Bytes().enc(bytesOf(value, 'value'))),
    encodeBoolean(value) {
      if (typeof value !== 'boolean') throw new TypeError(`value must be a boolean, not ${kindOf(value)}`);
      return value ? '01' : '00';
    },
    encodeAddress: (value) => hexOf(accountIn(value)),
    encodeMultiAddress: (value) => hexOf(Buffer.concat([BY_ID, accountIn(value)])),
  };
}

function signer(keys, library) {
  let curve = CURVES.SECP256R1;
  return {
    setSigner(curveType) {
      if (!Object.hasOwn(CURVES, curveType))
        throw new TypeError(`curveType must be 'SECP256K1' or 'SECP256R1', not ${JSON.stringify(curveType)}`);
      curve = CURVES[curveType];
    },
    sign: (payload) =>
      recoverable(keys[curve], blake2b256(messageOf(payload)), library, '_STD_.chains.substrate.signer.sign'),
  };
}

/** @param {{keys: Record<string, Identity>, library: Function, submit: Function}} parts */
function substrate({ keys, library, submit }) {
  return {
    fulfill: (nodes, payload, extra, success, error) =>
      submit('substrate.fulfill', { nodes, payload, extra, needed: ['callIndex'] }, success, error),
    signer: signer(keys, library),
    codec: codec(library),
    contract: {
      fulfill: (nodes, callIndex, destination, data, extra, success, error) =>
        submit(
          'substrate.contract.fulfill',
          { nodes, callIndex, destination, payload: data, extra, needed: ['refTime', 'proofSize'] },
          success,
          error,
        ),
      callView: (nodes, method, destination, data, extra, success, error) =>
        submit('substrate.contract.callView', { nodes, method, destination, payload: data, extra }, success, error),
    },
    gear: {
      sendMessage: (nodes, callIndex, destination, data, extra, success, error) =>
        submit(
          'substrate.gear.sendMessage',
          { nodes, callIndex, destination, payload: data, extra, needed: ['gasLimit', 'value', 'keepAlive'] },
          success,
          error,
        ),
    },
  };
}

module.exports = { substrate };
