'use strict';
// `_STD_.chains.bitcoin`: signatures with the deployment's secp256k1 key, and with those that are derived from it (BIP 32).
//
// The key itself is the path "m". BIP 32 needs a chain code besides: it is a hash of the secret, so that a kept deployment derives the same
// keys next time.

const { createHmac, createPrivateKey } = require('node:crypto');
const { bytesOf, hexOf, kindOf } = require('../hex.js');
const { base58Bytes, base58Text, base58check, base58checkBytes, sha256 } = require('./hashes.js');
const { marked, messageOf } = require('./sign.js');

const DIGEST = [32];
const PATH = /^m(\/\d+'?)*$/;
const XPUB_SIZE = 78;

function pathOf(value) {
  const steps = typeof value === 'string' && PATH.test(value) ? value.split('/').slice(1) : undefined;
  if (!steps || steps.length > 255 || steps.some((step) => Number.parseInt(step, 10) >= 2 ** 31)) {
    const got = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : kindOf(value);
    throw new TypeError(`derivationPath must be like "m/0/1", not ${got}`);
  }
  return value;
}

function textOf(value, name) {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${kindOf(value)}`);
  return value;
}

/** The secret as 32 bytes, for `use`; wiped afterwards. */
function withSecret(identity, use) {
  const { d } = createPrivateKey(identity.toPem()).export({ format: 'jwk' });
  const secret = Buffer.from(d, 'base64url');
  try {
    return use(secret);
  } finally {
    secret.fill(0);
  }
}

/** Keys below the deployment's own. */
function tree(keys, library, member) {
  const { HDKey } = library('@scure/bip32', member);
  const made = (path, versions, use) =>
    withSecret(keys.secp256k1, (privateKey) => {
      const chainCode = createHmac('sha256', privateKey).update('chain code of the deployment').digest();
      const root = new HDKey({ privateKey, chainCode, versions });
      const child = root.derive(pathOf(path));
      try {
        return use(child);
      } finally {
        root.wipePrivateData();
        child.wipePrivateData();
      }
    });
  return { at: (path, use) => made(path, undefined, use), xpub: (path, versions) => made(path, versions, (key) => key.publicExtendedKey) };
}

function signer(keys, scriptHash, library) {
  const digestOf = (message) => bytesOf(message, 'message (a digest)', DIGEST);
  const markedDigest = (message) => Buffer.from(sha256(marked(scriptHash, messageOf(message))));
  const own = (digest) => hexOf(keys.secp256k1.signDigest(digest));
  const derived = (digest, path, name) =>
    tree(keys, library, `_STD_.chains.bitcoin.signer.${name}`).at(path, (key) => hexOf(key.sign(digest)));
  return {
    sign: (message) => own(markedDigest(message)),
    rawSign: (message) => own(digestOf(message)),
    sha256: (value) => hexOf(sha256(bytesOf(value, 'value'))),
    signHD: (message, path) => derived(markedDigest(message), path, 'signHD'),
    rawSignHD: (message, path) => derived(digestOf(message), path, 'rawSignHD'),
  };
}

/** A number for the private form too, which the library wants and nobody sees. */
function versionsOf(bytes) {
  const version = bytes.readUInt32BE();
  return { public: version, private: (version ^ 1) >>> 0 };
}

function derivePublicKey(xpub, derivationPath, library) {
  const { HDKey } = library('@scure/bip32', '_STD_.chains.bitcoin.utils.derivePublicKey');
  const path = pathOf(derivationPath);
  const bytes = decoded(textOf(xpub, 'xpub'), 'xpub');
  if (bytes.length !== XPUB_SIZE) throw new TypeError(`xpub must have ${XPUB_SIZE} bytes, not ${bytes.length}`);
  if (path.includes("'")) throw new TypeError('derivationPath must have no hardened steps: those need the private key');
  return hexOf(HDKey.fromExtendedKey(xpub, versionsOf(bytes)).derive(path).publicKey);
}

/** What `read` makes of a text; a text that is too long is said to be, any other fault is that it is no base58. */
function decoded(text, name, read = base58checkBytes) {
  try {
    return read(text);
  } catch (cause) {
    if (cause instanceof RangeError) throw cause;
    throw new TypeError(`${name} is not base58${read === base58checkBytes ? ' with a checksum' : ''}`, { cause });
  }
}

/** @param {{keys: Record<string, Identity>, scriptHash: string, library: Function}} parts */
function bitcoin({ keys, scriptHash, library }) {
  return {
    getPublicKey(derivationPath = 'm') {
      if (pathOf(derivationPath) === 'm') return keys.secp256k1.publicKey;
      return tree(keys, library, '_STD_.chains.bitcoin.getPublicKey').at(derivationPath, (key) => hexOf(key.publicKey));
    },
    getExtendedPublicKey(version, derivationPath) {
      const versions = versionsOf(bytesOf(version, 'version', [4]));
      return tree(keys, library, '_STD_.chains.bitcoin.getExtendedPublicKey').xpub(derivationPath, versions);
    },
    signer: signer(keys, scriptHash, library),
    utils: {
      derivePublicKey: (xpub, derivationPath) => derivePublicKey(xpub, derivationPath, library),
      base58CheckEncode: (value) => base58check(bytesOf(value, 'value')),
      base58Encode: (value) => base58Text(bytesOf(value, 'value')),
      base58CheckDecode: (value) => hexOf(decoded(textOf(value, 'value'), 'value')),
      base58Decode: (value) => hexOf(decoded(textOf(value, 'value'), 'value', base58Bytes)),
    },
  };
}

module.exports = { bitcoin };
