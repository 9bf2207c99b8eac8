'use strict';
// The key pairs of a deployment. Fresh, or kept in a folder: one PEM file each, readable by its owner alone, written
// whole or not at all, so that the same deployment has the same id next time.

const fs = require('node:fs');
const path = require('node:path');
const { Identity } = require('../../index.js');
const { readKeyFile } = require('../keyfile.js');

/** File name and kind of each pair. */
const PAIRS = {
  p256: 'p256',
  secp256k1: 'secp256k1',
  ed25519: 'ed25519',
  'p256-encryption': 'p256',
  'secp256k1-encryption': 'secp256k1',
  device: 'p256',
};

function identityOf(pem, where) {
  try {
    return Identity.fromPem(pem);
  } catch (cause) {
    throw new Error(`${where} holds no key: ${cause.message}`, { cause });
  }
}

// What this made is for us alone: what is a warning elsewhere is a refusal here.
function read(file) {
  const refuse = (words) => {
    throw new Error(words);
  };
  return identityOf(readKeyFile(file, refuse), file);
}

// A link refuses to replace: where two runners make the same file at once, the first one's key is both's.
function write(file, identity) {
  const draft = `${file}.${process.pid}.${process.hrtime.bigint()}`;
  const handle = fs.openSync(draft, 'wx', 0o600);
  try {
    fs.writeFileSync(handle, identity.toPem());
    fs.fsyncSync(handle);
    fs.linkSync(draft, file);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  } finally {
    fs.closeSync(handle);
    fs.unlinkSync(draft);
  }
}

function kept(folder, name, kind) {
  const file = path.join(folder, `${name}.pem`);
  if (!fs.existsSync(file)) write(file, Identity.generate(kind));
  const identity = read(file);
  if (identity.kind !== kind) throw new Error(`${file} holds a key of kind ${identity.kind}, not ${kind}`);
  return identity;
}

function given(pem) {
  const identity = identityOf(pem, 'key');
  if (identity.kind !== 'p256')
    throw new TypeError(`key must be a P-256 key, not ${identity.kind}: it logs in to the service`);
  return identity;
}

/**
 * The pairs of a deployment by their names in PAIRS.
 * @param {{state?: string, key?: string}} options the folder that keeps them; a PEM for the pair `p256`
 * @returns {Record<string, Identity>}
 */
function deploymentKeys({ state, key }) {
  const pair = ([name, kind]) => {
    if (key && name === 'p256') return [name, given(key)];
    return [name, state ? kept(state, name, kind) : Identity.generate(kind)];
  };
  return Object.fromEntries(Object.entries(PAIRS).map(pair));
}

module.exports = { deploymentKeys };
