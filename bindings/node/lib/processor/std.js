'use strict';
// The object `_STD_`, made of what the runner offers, and placeholders for the rest.

const { randomBytes } = require('node:crypto');
const { accountOf, addressOf } = require('./address.js');
const { bytesOf, hexOf, pointOf } = require('./hex.js');
const { lazily } = require('./lazily.js');
const { addPlaceholders, named } = require('./members.js');

const DIGEST_SIZES = [32];

// ECDSA: the digest as it is. `pair` signs, `encryption` seals and opens.
function ecSigner(pair, encryption) {
  const scheme = (change) => (publicKey, salt, payload) =>
    hexOf(change(pointOf(publicKey, 'publicKey'), bytesOf(salt, 'salt'), bytesOf(payload, 'payload')));
  return {
    sign: (payload) => hexOf(pair.signDigest(bytesOf(payload, 'payload (a digest)', DIGEST_SIZES))),
    encrypt: scheme((key, salt, plain) => encryption.seal(key, salt, plain)),
    decrypt: scheme((key, salt, sealed) => encryption.open(key, salt, sealed)),
  };
}

function signers(keys) {
  return {
    secp256r1: ecSigner(keys.p256, keys['p256-encryption']),
    secp256k1: ecSigner(keys.secp256k1, keys['secp256k1-encryption']),
    ed25519: { sign: (payload) => hexOf(keys.ed25519.sign(bytesOf(payload, 'payload'))) },
  };
}

function job(keys, { account, storageDir, slot }) {
  return {
    getId: () => ({ origin: { kind: 'Acurast', source: hexOf(account) }, id: '0' }),
    getSlot: () => slot,
    getPublicKeys: () => ({
      p256: keys.p256.publicKey,
      secp256k1: keys.secp256k1.publicKey,
      ed25519: keys.ed25519.publicKey.slice(2), // without the byte that tells key types apart on our wire
    }),
    getEncryptionKeys: () => ({
      p256: keys['p256-encryption'].publicKey,
      secp256k1: keys['secp256k1-encryption'].publicKey,
    }),
    storageDir,
  };
}

/** Members that are made when a script looks at them first. */
function onDemand({ keys, scriptHash, script, ...told }) {
  const { tell, call } = told;
  return {
    chains: () => require('./chains').chains({ keys, script, scriptHash: scriptHash(), ...told }),
    network: () => require('./extras.js').network(tell),
    ownAddress: () => () => require('./chains/tezos.js').tezosAddress(keys),
    scriptHash,
    sentry: () => require('./extras.js').sentry(tell),
    tunnel: () => new (require('./tunnel.js').Tunnel)({ call, tell }).face(),
  };
}

/**
 * @param {{keys: Record<string, Identity>, ws: object, env: Record<string, string>, version: string, storageDir: string, slot?: number,
 *          without?: string[], scriptHash: () => string, script: string, tell: Function, call: Function,
 *          fulfill?: 'success' | 'fail', chainRpc?: string[]}} parts
 */
function makeStd({ keys, ws, env, version, storageDir, slot = 0, without = [], ...rest }) {
  const account = accountOf(Buffer.from(keys.device.publicKey, 'hex'));
  const std = addPlaceholders({
    app_info: { version },
    device: { getPublicKey: () => keys.device.publicKey, getAddress: () => addressOf(account) },
    env,
    job: job(keys, { account, storageDir, slot }),
    random: { generateSecureRandomHex: () => randomBytes(32).toString('hex') },
    signers: signers(keys),
    ws,
  });
  lazily(std, onDemand({ keys, ...rest }));
  for (const name of without) delete std[name];
  return named(std, '_STD_', without);
}

module.exports = { makeStd };
