'use strict';
// Scripts speak hexadecimal: bytes come out as strings of digits. Going in, 0x in front is allowed, and so are bytes themselves: a
// Buffer, a Uint8Array or another view, an ArrayBuffer.

const { types } = require('node:util');

/** What a value is, in words for an error message. */
function kindOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
}

/** Whether a value is bytes itself. */
function isBytes(value) {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);
}

/** A copy of bytes, so that nobody changes them later. */
function copyOf(value) {
  return Buffer.from(ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value));
}

function digitsOf(value, name) {
  if (typeof value !== 'string')
    throw new TypeError(`${name} must be a string of hexadecimal digits, or bytes, not ${kindOf(value)}`);
  const digits = /^0x/i.test(value) ? value.slice(2) : value;
  const wrong = (fault) => new TypeError(`${name} must be hexadecimal digits; this has ${fault}`);
  // Buffer takes U+0130 for a 0, so that it is no judge of digits.
  if (!/^[0-9a-f]*$/i.test(digits))
    throw wrong("other characters. Buffer.from(text).toString('hex') makes such digits of a text");
  if (digits.length % 2) throw wrong(`${digits.length} digits, an odd number`);
  return Buffer.from(digits, 'hex');
}

/**
 * The bytes of a string of hexadecimal digits, or of bytes.
 * @param {unknown} value what the script passed
 * @param {string} name the argument's name, for the message
 * @param {readonly number[]} [sizes] the sizes allowed, in bytes; without it any
 * @returns {Buffer}
 */
function bytesOf(value, name, sizes) {
  const bytes = isBytes(value) ? copyOf(value) : digitsOf(value, name);
  if (sizes && !sizes.includes(bytes.length)) {
    throw new RangeError(`${name} must be ${sizes.join(' or ')} bytes, not ${bytes.length}`);
  }
  return bytes;
}

/** A public key of a curve, with the byte in front that 64 bytes of coordinates lack. */
function pointOf(value, name) {
  const bytes = bytesOf(value, name, [33, 64, 65]);
  return bytes.length === 64 ? Buffer.concat([Buffer.of(4), bytes]) : bytes;
}

/** Bytes as a script gets them: lower case, nothing in front. */
function hexOf(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** A callback that a script may leave out. `usage` shows how the call is meant. */
function callbackOf(value, name, usage) {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'function') return value;
  throw new TypeError(`${name} must be a function, not ${kindOf(value)}. This is how it is meant: ${usage}`);
}

module.exports = { bytesOf, callbackOf, hexOf, isBytes, kindOf, pointOf };
