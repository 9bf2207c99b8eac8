'use strict';
// Libraries are loaded when they are first used, found beside the script too, and named with what installs them where they are missing.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { peerDependencies } = require('../../../package.json');
const { libraries } = require('../../../lib/processor/chains/library.js');
const { evaluate, folder } = require('../lib/harness');

const LOADED = `Object.keys(require.cache).map((file) => file.split('/node_modules/').at(-1)).filter((file) => file.includes('/') && !file.startsWith('/'))`;

test('a script that uses no chain loads none, and one that signs loads what signs', async (t) => {
  const { printed } = await evaluate(
    t,
    `const loaded = () => [...new Set(${LOADED}.map((file) => file.split('/').slice(0, file[0] === '@' ? 2 : 1).join('/')))].sort();
     const before = loaded();
     void (_STD_.signers.secp256k1.sign('00'.repeat(32)), _STD_.device.getAddress(), Object.keys(_STD_));
     const idle = loaded();
     _STD_.chains.bitcoin.signer.sign('00');
     const signed = loaded();
     _STD_.chains.tezos.encoding.pack('x');
     print(JSON.stringify({ before, idle, signed, packed: loaded() }))`,
  );
  const { before, idle, signed, packed } = printed[0];
  for (const one of [before, idle, signed]) assert.deepEqual(one.filter((name) => Object.hasOwn(peerDependencies, name)), []);
  assert.deepEqual(packed.filter((name) => Object.hasOwn(peerDependencies, name)), ['@taquito/michel-codec']);
});

test('a library beside the script is found where there is none beside the package; its own faults are told as they are', (t) => {
  const there = folder(t);
  const write = (name, code) => {
    fs.mkdirSync(path.join(there, 'node_modules', name), { recursive: true });
    fs.writeFileSync(path.join(there, 'node_modules', name, 'index.js'), code);
  };
  write('only-there', 'module.exports = 42;');
  write('in-need', "require('nothing-of-the-kind');");
  const library = libraries(path.join(there, 'script.js'));
  assert.equal(library('only-there', 'x'), 42);
  assert.throws(() => library('in-need', 'x'), /Cannot find module 'nothing-of-the-kind'/);
});

test('a missing library is an error that names the member and what installs it', async (t) => {
  const { printed } = await evaluate(
    t,
    `const Module = require('node:module');
     const resolve = Module._resolveFilename;
     Module._resolveFilename = function (name, ...rest) {
       if (name !== 'viem') return resolve.call(this, name, ...rest);
       throw Object.assign(new Error("Cannot find module 'viem'"), { code: 'MODULE_NOT_FOUND' });
     };
     try { _STD_.chains.ethereum.abi.encode('x') } catch ({ name, code, message }) { print(JSON.stringify([name, code, message])) }`,
  );
  assert.deepEqual(printed[0], [
    'MissingLibraryError',
    'ACURAST_MISSING_LIBRARY',
    `_STD_.chains.ethereum.abi.encode needs the package viem: npm install --save-dev 'viem@${peerDependencies.viem}' beside the script`,
  ]);
});
