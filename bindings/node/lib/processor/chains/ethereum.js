'use strict';
// `_STD_.chains.ethereum`: the address and signatures of the deployment's secp256k1 key, and values in the ABI of contracts.

const { bytesOf, hexOf, isBytes, kindOf } = require('../hex.js');
const { marked, messageOf, recoverable } = require('./sign.js');
const { sizedOf, wholeOf } = require('./whole.js');

const WORD = 32;
const DEPTH = 32;

function keccak(bytes) {
  return require('@noble/hashes/sha3').keccak_256(bytes);
}

/** The last 20 bytes of the hash of the point. */
function addressOf(uncompressedKey) {
  return hexOf(keccak(Buffer.from(uncompressedKey, 'hex').subarray(1)).subarray(12));
}

/** A number in one word; a negative one as its complement of two. */
function encodeNumeric(value, bitLength, isNatural = true) {
  if (!Number.isInteger(bitLength) || bitLength < 8 || bitLength > 256 || bitLength % 8)
    throw new RangeError(`bitLength must be a multiple of 8 from 8 to 256, not ${typeof bitLength === 'number' ? bitLength : kindOf(bitLength)}`);
  // Documented: a hexadecimal string. Seen: decimal ones. Digits alone are decimal.
  const isHex = typeof value === 'string' && /^[0-9a-f]+$/i.test(value) && /[a-f]/i.test(value);
  const whole = sizedOf(isHex ? `0x${value}` : value, bitLength, !isNatural, 'value');
  return BigInt.asUintN(WORD * 8, whole).toString(16).padStart(WORD * 2, '0');
}

function ofString(value) {
  if (!/^0x([0-9a-f]{2})*$/i.test(value)) return { type: 'string', value };
  const size = value.length / 2 - 1;
  // In lower case: capitals would be a checksum, which what a script reads elsewhere need not have.
  const type = size === 20 ? 'address' : size === WORD ? 'bytes32' : 'bytes';
  return { type, value: value.toLowerCase() };
}

function ofNumber(value) {
  const whole = wholeOf(value, 'value');
  return { type: whole < 0n ? 'int256' : 'uint256', value: sizedOf(whole, 256, whole < 0n, 'value') };
}

function ofArray(value, depth) {
  const items = value.map((one) => typed(one, depth + 1));
  const shape = ({ type, components }) => JSON.stringify([type, components?.map(shape)]);
  if (new Set(items.map(shape)).size > 1)
    throw new TypeError('the values of an array must be of one type: an object takes different ones');
  const { type = 'uint256', components } = items[0] ?? {};
  return { type: `${type}[]`, components, value: items.map((one) => one.value) };
}

function ofObject(value, depth) {
  const components = Object.entries(value).map(([name, one]) => ({ name, ...typed(one, depth + 1) }));
  return { type: 'tuple', components, value: components.map((one) => one.value) };
}

/** A value with the type that it is taken to be of. */
function typed(value, depth = 0) {
  if (depth > DEPTH) throw new RangeError(`a value may be nested ${DEPTH} deep`);
  if (typeof value === 'boolean') return { type: 'bool', value };
  if (typeof value === 'string') return ofString(value);
  if (typeof value === 'number' || typeof value === 'bigint') return ofNumber(value);
  if (isBytes(value)) return ofString(`0x${hexOf(bytesOf(value, 'value'))}`);
  if (Array.isArray(value)) return ofArray(value, depth);
  if (value !== null && typeof value === 'object') return ofObject(value, depth);
  throw new TypeError(`value must be a string, a number, an array or an object, not ${kindOf(value)}`);
}

/** Members in order: those of an object or an array, or a value as the only one. */
function membersOf(value) {
  return (value !== null && typeof value === 'object' && !isBytes(value) ? Object.values(value) : [value]).map((one) => typed(one));
}

function abi(library) {
  const encodeAll = (items, member) =>
    library('viem', member)
      .encodeAbiParameters(
        items,
        items.map((one) => one.value),
      )
      .slice(2);
  return {
    encode: (value) => encodeAll([typed(value)], '_STD_.chains.ethereum.abi.encode'),
    encodeNumeric,
    // The members as arguments, one after the other; as one dynamic argument there is its place in front.
    encodeStruct(value, isDynamic) {
      const member = '_STD_.chains.ethereum.abi.encodeStruct';
      const components = membersOf(value);
      if (isDynamic === undefined)
        return encodeAll([{ type: 'tuple', components, value: components.map((one) => one.value) }], member);
      return (isDynamic ? encodeNumeric(WORD, 256) : '') + encodeAll(components, member);
    },
  };
}

/** @param {{keys: Record<string, Identity>, scriptHash: string, library: Function, submit: Function}} parts */
function ethereum({ keys, scriptHash, library, submit }) {
  return {
    fulfill: (url, destination, payload, extra, success, error) =>
      submit('ethereum.fulfill', { nodes: url, destination, payload, extra }, success, error),
    getAddress: () => addressOf(keys.secp256k1.uncompressedKey),
    signer: {
      sign: (message) =>
        recoverable(
          keys.secp256k1,
          keccak(marked(scriptHash, messageOf(message))),
          library,
          '_STD_.chains.ethereum.signer.sign',
        ),
    },
    abi: abi(library),
  };
}

module.exports = { ethereum };
