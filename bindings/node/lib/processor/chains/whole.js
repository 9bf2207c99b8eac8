'use strict';
// Whole numbers as scripts have them: a number, a bigint, or a string of decimal digits or, after 0x, of hexadecimal ones.

const { kindOf } = require('../hex.js');

const DIGITS = 10_000; // reading more takes long

function fromString(text, name) {
  const [, sign, digits] = /^(-?)(\d+|0x[0-9a-f]+)$/i.exec(text.trim()) ?? [];
  if (digits === undefined || digits.length > DIGITS)
    throw new TypeError(`${name} must be a whole number; ${JSON.stringify(text.slice(0, 40))} is none`);
  return sign ? -BigInt(digits) : BigInt(digits);
}

/**
 * A whole number. What a number has behind its point is cut off, as processors do: prices are often products of fractions.
 * @param {unknown} value @param {string} name the argument's name, for the message
 * @returns {bigint}
 */
function wholeOf(value, name) {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'string') return fromString(value, name);
  if (typeof value !== 'number') throw new TypeError(`${name} must be a whole number, not ${kindOf(value)}`);
  if (!Number.isFinite(value)) throw new RangeError(`${name} must be a whole number, not ${value}`);
  return BigInt(Math.trunc(value));
}

/** The same, of so many bits: from 0 on, or with a sign. */
function sizedOf(value, bits, signed, name) {
  const whole = wholeOf(value, name);
  const fits = signed ? BigInt.asIntN(bits, whole) : BigInt.asUintN(bits, whole);
  if (fits !== whole) throw new RangeError(`${name} must fit in ${bits} bits${signed ? '' : ' and not be negative'}, unlike ${whole}`);
  return whole;
}

module.exports = { sizedOf, wholeOf };
