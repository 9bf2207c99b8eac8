'use strict';
// `_STD_.chains`: each chain is loaded when a script looks at it first.

const { lazily } = require('../lazily.js');
const { named } = require('../members.js');
const { libraries } = require('./library.js');
const { submitter } = require('./transactions.js');

const CHAINS = ['substrate', 'tezos', 'ethereum', 'bitcoin', 'aeternity'];

/**
 * @param {{keys: Record<string, Identity>, script: string, scriptHash: string, tell: Function, call: Function,
 *          fulfill: 'success' | 'fail', chainRpc?: string[]}} parts
 */
function chains({ keys, script, scriptHash, ...told }) {
  const parts = { keys, scriptHash, library: libraries(script), submit: submitter(told) };
  const make = (name) => () => named(require(`./${name}.js`)[name](parts), `_STD_.chains.${name}`);
  return named(lazily({}, Object.fromEntries(CHAINS.map((name) => [name, make(name)]))), '_STD_.chains');
}

module.exports = { chains };
