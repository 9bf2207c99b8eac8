'use strict';
// Values of scripts as Micheline, the data of Tezos' contracts, and back.
//
// What is Micheline already stays so: { int }, { string }, { bytes } and { prim, args, annots }. Anything else becomes what
// processors make of it: a list a sequence, an object a comb of its values in order, text that begins with 0x its bytes, text that is
// a generic signature (sig…) the signature's bytes, and `undefined` or an object without members Unit.

const { bytesOf, hexOf, isBytes, kindOf } = require('../hex.js');
const { base58checkBytes } = require('./hashes.js');
const { wholeOf } = require('./whole.js');

const DEPTH = 256;
const SIGNATURE = Buffer.from([4, 130, 43]); // "sig" in base58check
const SIGNATURE_SIZE = 96; // characters
const UNIT = { prim: 'Unit' };
const SIMPLE = { True: true, False: false, Unit: undefined };
const LITERALS = { int: /^-?\d+$/, string: /^/, bytes: /^([0-9a-f]{2})*$/i };

function signatureOf(text) {
  if (text.length !== SIGNATURE_SIZE) return undefined;
  try {
    const bytes = base58checkBytes(text);
    if (bytes.length === 67 && bytes.subarray(0, 3).equals(SIGNATURE)) return bytes.subarray(3);
  } catch {
    // a text like any other
  }
  return undefined;
}

function ofText(text) {
  if (text.startsWith('0x')) return { bytes: hexOf(bytesOf(text, 'a text that begins with 0x')) };
  const signature = text.startsWith('sig') ? signatureOf(text) : undefined;
  return signature ? { bytes: hexOf(signature) } : { string: text };
}

/** Whether an object is a node of Micheline. */
function isNode(value) {
  const names = Object.keys(value);
  if (typeof value.prim === 'string') return names.every((name) => ['prim', 'args', 'annots'].includes(name));
  const [name] = names;
  return names.length === 1 && typeof value[name] === 'string' && Boolean(LITERALS[name]?.test(value[name]));
}

function ofNode(value, depth) {
  const { prim, args, annots } = value;
  if (prim === undefined) return value;
  return {
    prim,
    ...(args ? { args: ofList(args, depth) } : {}),
    ...(annots ? { annots } : {}),
  };
}

function ofList(values, depth) {
  if (!Array.isArray(values)) throw new TypeError(`args must be an array, not ${kindOf(values)}`);
  return values.map((one) => micheline(one, depth + 1));
}

function ofObject(value, depth) {
  if (isNode(value)) return ofNode(value, depth);
  const values = Object.values(value).map((one) => micheline(one, depth + 1));
  return values.length === 0 ? UNIT : values.reduceRight((rest, one) => ({ prim: 'Pair', args: [one, rest] }));
}

/**
 * A value of a script as Micheline.
 * @param {unknown} value
 * @returns {object}
 */
function micheline(value, depth = 0) {
  if (depth > DEPTH) throw new RangeError(`a value may be nested ${DEPTH} deep`);
  if (value === undefined) return UNIT;
  if (typeof value === 'string') return ofText(value);
  if (typeof value === 'number' || typeof value === 'bigint') return { int: String(wholeOf(value, 'a number')) };
  if (typeof value === 'boolean') return { prim: value ? 'True' : 'False' };
  if (value === null || typeof value !== 'object') throw new TypeError(`${kindOf(value)} has no form in Micheline`);
  if (isBytes(value)) return { bytes: hexOf(bytesOf(value, 'value')) };
  return Array.isArray(value) ? ofList(value, depth) : ofObject(value, depth);
}

/** Micheline as a value: what micheline() makes the same of again, but for a text that looks like bytes or a signature. */
function valueOf(node) {
  if (Array.isArray(node)) return node.map(valueOf);
  if (node.string !== undefined) return node.string;
  if (node.bytes !== undefined) return `0x${node.bytes}`;
  if (node.int !== undefined) return Number.isSafeInteger(Number(node.int)) ? Number(node.int) : BigInt(node.int);
  if (node.args || node.annots || !Object.hasOwn(SIMPLE, node.prim)) return node;
  return SIMPLE[node.prim];
}

module.exports = { micheline, valueOf };
