'use strict';
// `_STD_.chains.aeternity`: the address of the deployment's ed25519 key, and arguments of calls. Those are objects that only `fulfill`
// reads; here they are { type, value }.

const { bytesOf, hexOf, kindOf } = require('../hex.js');
const { base58check, base58checkBytes } = require('./hashes.js');
const { wholeOf } = require('./whole.js');

function argument(type, value) {
  return Object.freeze({ type, value });
}

/** A list of what the functions of `data` make. */
function argumentsOf(values, name) {
  if (!Array.isArray(values)) throw new TypeError(`${name} must be an array, not ${kindOf(values)}`);
  const at = values.findIndex((one) => !Object.hasOwn(data, one?.type ?? ''));
  if (at >= 0) throw new TypeError(`${name}[${at}] must be made by _STD_.chains.aeternity.data`);
  return [...values];
}

function pairsOf(values) {
  if (!Array.isArray(values)) throw new TypeError(`values must be an array, not ${kindOf(values)}`);
  return values.map((pair, i) => {
    const both = argumentsOf(pair, `values[${i}]`);
    if (both.length !== 2) throw new TypeError(`values[${i}] must be a key and a value`);
    return both;
  });
}

function account(value) {
  const text = typeof value === 'string' ? value : '';
  try {
    if (text.length < 64 && text.startsWith('ak_') && base58checkBytes(text.slice(3)).length === 32) return text;
  } catch {
    // said below
  }
  throw new TypeError(`value must be an address that begins with ak_, not ${text ? JSON.stringify(text.slice(0, 64)) : kindOf(value)}`);
}

function text(value) {
  if (typeof value !== 'string') throw new TypeError(`value must be a string, not ${kindOf(value)}`);
  return value;
}

const data = {
  int: (value) => argument('int', String(wholeOf(value, 'value'))),
  string: (value) => argument('string', text(value)),
  bytes: (value) => argument('bytes', hexOf(bytesOf(value, 'value'))),
  list: (values) => argument('list', argumentsOf(values, 'values')),
  // Documented with a list; seen with one argument after the other.
  tuple: (...values) => argument('tuple', argumentsOf(Array.isArray(values[0]) ? values[0] : values, 'values')),
  map: (values) => argument('map', pairsOf(values)),
  account_pubkey: (value) => argument('account_pubkey', account(value)),
};

/** @param {{keys: Record<string, Identity>, submit: Function}} parts */
function aeternity({ keys, submit }) {
  const call = (name, reads) => (url, destination, payload, extra, success, error) =>
    submit(
      `aeternity.${name}`,
      { nodes: url, destination, payload: argumentsOf(payload, 'payload'), extra, reads },
      success,
      error,
    );
  return {
    fulfill: call('fulfill', false),
    staticCall: call('staticCall', true), // seen; its answer could only be made up
    getAddress: () => `ak_${base58check(Buffer.from(keys.ed25519.publicKey.slice(2), 'hex'))}`,
    data,
  };
}

module.exports = { aeternity };
