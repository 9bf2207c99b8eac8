'use strict';
// What a script would send to a chain. Nothing is sent: it is told as an event, and the script hears success, or failure where
// the deployment is run so.

const { createHash } = require('node:crypto');
const { callbackOf, hexOf, isBytes, bytesOf, kindOf } = require('../hex.js');
const { base58check } = require('./hashes.js');

const OPERATION = Buffer.from([5, 116]); // "o" of Tezos' operation hashes
const REASON = 'acurast-processor runs with --fulfill fail';
const UNREAD = 'acurast-processor reads no chain; a --prelude can put a stand-in there';

/** How a chain writes the hash of an operation. */
const HASHES = {
  tezos: (hash) => base58check(OPERATION, hash),
  aeternity: (hash) => `th_${base58check(hash)}`,
};

// As a program can read it: bytes become hexadecimal, large numbers decimal. `this` has the value as toJSON() has not seen it.
function plain(key, value) {
  const own = this[key];
  if (typeof own === 'bigint') return String(own);
  return isBytes(own) ? hexOf(bytesOf(own, key)) : value;
}

function jsonOf(value) {
  const text = JSON.stringify(value, plain);
  return text === undefined ? undefined : JSON.parse(text);
}

function nodesOf(value) {
  const list = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every((one) => typeof one === 'string' && one !== '')) return [...list];
  throw new TypeError(`nodes must be a URL or a list of them, not ${Array.isArray(value) ? 'such a list' : kindOf(value)}`);
}

function extraOf(value, needed, call) {
  if (value !== undefined && (value === null || typeof value !== 'object')) throw new TypeError(`extra must be an object, not ${kindOf(value)}`);
  const missing = needed.filter((name) => value?.[name] === undefined);
  if (missing.length > 0) throw new TypeError(`extra must have ${missing.join(' and ')} for _STD_.chains.${call}`);
  return value;
}

/**
 * @param {{tell: (event: string, more: object) => void, call: Function, fulfill: 'success' | 'fail', chainRpc?: string[]}} parts
 *   chainRpc: told as the nodes instead of those of the script
 */
function submitter({ tell, call, fulfill, chainRpc }) {
  let count = 0;
  return function submit(name, { nodes, extra, needed = [], reads = false, ...rest }, success, error) {
    const usage = `_STD_.chains.${name}(…, extra, (operationHash) => {…}, (messages) => {…})`;
    const ok = callbackOf(success, 'success', usage);
    const failed = callbackOf(error, 'error', usage);
    if ('destination' in rest && typeof rest.destination !== 'string')
      throw new TypeError(`destination must be a string, not ${kindOf(rest.destination)}`);
    const asked = nodesOf(nodes);
    const told = jsonOf({ nodes: chainRpc ?? asked, ...rest, extra: extraOf(extra, needed, name) });
    const hash = hashOf(name, [++count, told]);
    const reason = reads ? UNREAD : fulfill === 'fail' ? REASON : undefined;
    const outcome = reason ? { outcome: 'fail', reason } : { outcome: 'success', hash };
    tell('transaction', { call: name, ...told, ...outcome });
    setImmediate(() => answer(name, outcome, ok, failed));
  };

  function answer(name, { hash, reason }, ok, failed) {
    if (hash) call(`success callback of chains.${name}`, ok, hash);
    else if (failed) call(`error callback of chains.${name}`, failed, [reason]);
    else tell('error', { where: `chains.${name}`, name: 'Error', message: reason });
  }
}

/** A hash that no chain knows, another for each transaction. */
function hashOf(name, value) {
  const hash = createHash('sha256').update(JSON.stringify([name, value])).digest();
  const [chain] = name.split('.');
  return HASHES[chain]?.(hash) ?? `0x${hexOf(hash)}`;
}

module.exports = { submitter };
