'use strict';
// Values of MessagePack, by the package @msgpack/msgpack, which is loaded when one is there to be read or written.
//
// What JSON.stringify() takes travels in the same form, and bytes and integers beyond 2^53 (BigInt) as what they are. What would come out
// as something else is refused: extensions, texts that are no UTF-8, keys that are no texts; and on the way out maps, sets and functions.

const { isUtf8 } = require('node:buffer');
const { isAnyArrayBuffer, isUint8Array } = require('node:util/types');
const check = require('./check');
const { errors } = require('./errors');

const PACKAGE = '@msgpack/msgpack';
const DEEPEST = 64; // as the core has it

let loaded; // the package, or why it is not there

/** Loads the package. UnsupportedError without it. */
function load() {
  try {
    loaded ??= require(PACKAGE);
  } catch (cause) {
    loaded = new errors.UnsupportedError(`MessagePack needs the package ${PACKAGE}: npm install ${PACKAGE}`, { cause });
  }
  if (loaded instanceof Error) throw loaded;
  return loaded;
}

// ---- reading ----

const PLAIN = 0;
const WIDE = 1; // an integer of 64 bits
const TEXT = 2;
const LIST = 3;
const MAP = 4;
const EXTENSION = 5;
const NEVER = 6;

/** What the bytes 0xc0 to 0xdf begin: a kind, how many bytes tell its size, and its size where none do. */
const FORMATS = [
  ...[[PLAIN, 0, 0], [NEVER, 0, 0], [PLAIN, 0, 0], [PLAIN, 0, 0]],
  ...[[PLAIN, 1], [PLAIN, 2], [PLAIN, 4]], // bytes
  ...[[EXTENSION, 1], [EXTENSION, 2], [EXTENSION, 4]],
  ...[[PLAIN, 0, 4], [PLAIN, 0, 8]], // floating point
  ...[[PLAIN, 0, 1], [PLAIN, 0, 2], [PLAIN, 0, 4], [WIDE, 0, 8]],
  ...[[PLAIN, 0, 1], [PLAIN, 0, 2], [PLAIN, 0, 4], [WIDE, 0, 8]],
  ...Array(5).fill([EXTENSION, 0, 0]),
  ...[[TEXT, 1], [TEXT, 2], [TEXT, 4]],
  ...[[LIST, 2], [LIST, 4], [MAP, 2], [MAP, 4]],
];

/** One whole value, looked at byte by byte: its structure, its texts, and whether it has integers of 64 bits. */
class Inspection {
  wide = false;
  #bytes;
  #at = 0;
  #open = []; // lists and maps around: how many values of each are still to come
  #maps = []; // which of them are maps, where each second value is a key

  constructor(bytes) {
    this.#bytes = bytes;
    do this.#value();
    while (this.#more());
    if (this.#at !== bytes.length) throw new RangeError('bytes behind the value');
  }

  /** Whether a value is to come; leaves the lists that are complete. */
  #more() {
    while (this.#open.length && this.#open.at(-1) === 0) {
      this.#open.pop();
      this.#maps.pop();
    }
    return this.#open.length > 0;
  }

  #value() {
    const last = this.#open.length - 1;
    const isKey = last >= 0 && this.#maps[last] && this.#open[last] % 2 === 0;
    if (last >= 0) this.#open[last] -= 1;
    const { kind, size } = this.#head();
    if (isKey && kind !== TEXT) throw new TypeError('a key that is no text');
    if (kind === LIST || kind === MAP) this.#enter(kind === MAP, size);
    else this.#skip(kind, size);
  }

  #head() {
    const first = this.#byte();
    if (first < 0x80 || first >= 0xe0) return { kind: PLAIN, size: 0 };
    if (first < 0x90) return { kind: MAP, size: first & 15 };
    if (first < 0xa0) return { kind: LIST, size: first & 15 };
    if (first < 0xc0) return { kind: TEXT, size: first & 31 };
    const [kind, told, fixed] = FORMATS[first - 0xc0];
    if (kind === EXTENSION) throw new TypeError('an extension');
    if (kind === NEVER) throw new TypeError('a byte that begins nothing');
    return { kind, size: told ? this.#number(told) : fixed };
  }

  #byte() {
    if (this.#at >= this.#bytes.length) throw new RangeError('a value that ends too early');
    return this.#bytes[this.#at++];
  }

  #number(count) {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 256 + this.#byte();
    return value;
  }

  #enter(isMap, size) {
    if (this.#open.length >= DEEPEST) throw new RangeError(`more than ${DEEPEST} lists and maps within each other`);
    this.#open.push(isMap ? 2 * size : size);
    this.#maps.push(isMap);
  }

  #skip(kind, size) {
    const end = this.#at + size;
    if (end > this.#bytes.length) throw new RangeError('a value that ends too early');
    if (kind === TEXT && !isUtf8(this.#bytes.subarray(this.#at, end))) throw new TypeError('a text that is no UTF-8');
    if (kind === WIDE) this.wide = true;
    this.#at = end;
  }
}

const isSafe = (value) => value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;

/** Integers as numbers where these are exact. */
function narrowed(value) {
  if (typeof value === 'bigint') return isSafe(value) ? Number(value) : value;
  if (value === null || typeof value !== 'object' || isUint8Array(value)) return value;
  for (const key of Object.keys(value)) value[key] = narrowed(value[key]);
  return value;
}

/** @param {Uint8Array} bytes */
function decode(bytes) {
  const { wide } = new Inspection(bytes);
  const value = load().decode(bytes, { useBigInt64: wide });
  return wide ? narrowed(value) : value;
}

// ---- writing ----

const REFUSED = 'what MessagePack can say';

function integer(value) {
  if (value < -(2n ** 63n) || value >= 2n ** 64n) throw check.outOfRange('value', 'an integer of 64 bits', value);
  return value;
}

/** A copy that the package writes without loss: it makes floating point of large integers unless they are BigInt. */
function plain(value, depth = 0) {
  switch (typeof value) {
    case 'undefined':
    case 'boolean':
      return value;
    case 'number':
      return Number.isSafeInteger(value) && (value > 0xffff_ffff || value < -0x8000_0000) ? BigInt(value) : value;
    case 'bigint':
      return isSafe(value) ? plain(Number(value)) : integer(value);
    case 'string':
      if (!value.isWellFormed()) throw new errors.InvalidError('half a pair of surrogates');
      return value;
    case 'object':
      return value === null ? null : plainObject(value, depth);
    default:
      throw check.wrongType('value', REFUSED, value);
  }
}

function plainObject(value, depth) {
  if (isUint8Array(value)) return value;
  if (isAnyArrayBuffer(value)) return new Uint8Array(value);
  if (depth >= DEEPEST) throw check.wrongValue('value', `of at most ${DEEPEST} arrays and objects within each other`);
  if (typeof value.toJSON === 'function') return plain(value.toJSON(), depth + 1);
  if (Array.isArray(value)) return Array.from(value, (each) => plain(each, depth + 1));
  if (Object.prototype.toString.call(value) !== '[object Object]') throw check.wrongType('value', REFUSED, value);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [plain(key), plain(each, depth + 1)]));
}

/** '' for undefined. */
function encode(value) {
  if (value === undefined) return '';
  return load().encode(plain(value), { useBigInt64: true, ignoreUndefined: true });
}

/** Whether what travels is a list or a map. */
const says = ([first]) => (first >= 0x80 && first < 0xa0) || first >= 0xdc && first < 0xe0;

module.exports = { name: 'msgpack', number: 1, decode, encode, load, says };
