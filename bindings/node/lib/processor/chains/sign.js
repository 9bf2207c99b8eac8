'use strict';
// Signatures as chains want them: over a hash of the message, with the mark of the deployment in front where the member is
// documented so, and with the recovery byte where a chain finds the key by it.

const { bytesOf, hexOf } = require('../hex.js');

const MARK = Buffer.from('acusig');
const RECOVERY = 27; // added to the number of the point; seen in the wild on Ethereum and on Substrate

const CURVES = {
  p256: { path: '@noble/curves/p256', name: 'p256' },
  secp256k1: { path: '@noble/curves/secp256k1', name: 'secp256k1' },
};

/** The message with "acusig" and the script's hash in front: what says which script signed. The hash is text, or bytes after 0x. */
function marked(scriptHash, message) {
  const isHex = /^0x([0-9a-f]{2})+$/i.test(scriptHash);
  return Buffer.concat([MARK, isHex ? Buffer.from(scriptHash.slice(2), 'hex') : Buffer.from(scriptHash), message]);
}

/** The message of a script, hexadecimal or bytes. */
function messageOf(value) {
  return bytesOf(value, 'message');
}

/** r and s, and a byte that says which of the points with this r signed: 27 or 28 (29 or 30 almost never). */
function recoverable(pair, digest, library, member) {
  const { path, name } = CURVES[pair.kind];
  const { Signature } = library(path, member)[name];
  const raw = pair.signDigest(digest);
  for (const bit of [0, 1, 2, 3]) {
    if (recovered(Signature.fromCompact(raw).addRecoveryBit(bit), digest) === pair.publicKey)
      return hexOf(Buffer.concat([raw, Buffer.of(RECOVERY + bit)]));
  }
  throw new Error('no key is found by the signature'); // cannot be: one of the four is its key
}

function recovered(signature, digest) {
  try {
    return signature.recoverPublicKey(digest).toHex(true);
  } catch {
    return undefined; // no point has this r
  }
}

module.exports = { marked, messageOf, recoverable };
