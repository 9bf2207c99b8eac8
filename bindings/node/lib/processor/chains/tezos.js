'use strict';
// `_STD_.chains.tezos`: data as Micheline, and the address and signatures of the deployment's P-256 key.

const { bytesOf, hexOf } = require('../hex.js');
const { blake2b256, base58check } = require('./hashes.js');
const { micheline, valueOf } = require('./michelson.js');
const { marked, messageOf } = require('./sign.js');

const ADDRESS = Buffer.from([6, 161, 164]); // "tz3"
const EXPRESSION = Buffer.from([13, 44, 64, 27]); // "expr"

function encoding(library) {
  const codec = (member) => library('@taquito/michel-codec', `_STD_.chains.tezos.encoding.${member}`);
  const packed = (value, member) => Buffer.from(codec(member).packDataBytes(micheline(value)).bytes, 'hex');
  return {
    pack: (value) => hexOf(packed(value, 'pack')),
    unpack: (value) => valueOf(codec('unpack').unpackDataBytes({ bytes: hexOf(bytesOf(value, 'value')) })),
    encodeExpr: (value) => base58check(EXPRESSION, blake2b256(packed(value, 'encodeExpr'))),
  };
}

/** The address of the deployment's account: tz3… */
function tezosAddress(keys) {
  const { blake2b } = require('@noble/hashes/blake2b');
  return base58check(ADDRESS, blake2b(Buffer.from(keys.p256.publicKey, 'hex'), { dkLen: 20 }));
}

// The documented extra arguments, without which a processor cannot make an operation.
const NEEDED = ['fee', 'gasLimit', 'storageLimit'];

/** @param {{keys: Record<string, Identity>, scriptHash: string, library: Function, submit: Function}} parts */
function tezos({ keys, scriptHash, library, submit }) {
  const call = (name) => (nodes, payload, extra, success, error) =>
    submit(`tezos.${name}`, { nodes, payload, extra, needed: NEEDED }, success, error);
  return {
    fulfill: call('fulfill'),
    customCall: call('customCall'),
    encoding: encoding(library),
    signer: {
      sign: (message) => hexOf(keys.p256.signDigest(blake2b256(marked(scriptHash, messageOf(message))))),
    },
  };
}

module.exports = { tezos, tezosAddress };
