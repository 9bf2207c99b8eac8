'use strict';
// Scripts speak hexadecimal: bytes go in and out as strings of digits. Going in, 0x in front is allowed.

/** What a value is, in words for an error message. */
function kindOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
}

/**
 * The bytes of a string of hexadecimal digits.
 * @param {unknown} value what the script passed
 * @param {string} name the argument's name, for the message
 * @param {readonly number[]} [sizes] the sizes allowed, in bytes; without it any
 * @returns {Buffer}
 */
function bytesOf(value, name, sizes) {
  if (typeof value !== 'string')
    throw new TypeError(`${name} must be a string of hexadecimal digits, not ${kindOf(value)}`);
  const digits = /^0x/i.test(value) ? value.slice(2) : value;
  const bytes = Buffer.from(digits, 'hex'); // takes U+0130 for a 0, so that it is no judge of digits
  if (digits.length % 2 || !/^[0-9a-f]*$/i.test(digits)) {
    const fault = digits.length % 2 ? `has ${digits.length} digits, an odd number` : 'has other characters';
    throw new TypeError(`${name} must be hexadecimal digits; this ${fault}`);
  }
  if (sizes && !sizes.includes(bytes.length)) {
    throw new RangeError(`${name} must be ${sizes.join(' or ')} bytes, not ${bytes.length}`);
  }
  return bytes;
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

module.exports = { bytesOf, callbackOf, hexOf, kindOf };
