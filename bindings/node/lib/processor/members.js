'use strict';
// What processors have and this runner has not. Such a member is there, so that a script gets an error with its name and
// the place in the documentation where it fails to be called `undefined`; it fails when it is used, not when it is looked at.

/** Members of `_STD_` that are not offered, and their headings in lib/processor/README.md. */
const NOT_OFFERED = {
  chains: 'Chains',
  network: 'Network',
  p2p: 'P2P',
  scriptHash: 'Script hash',
  tunnel: 'Tunnel',
  webview: 'WebView',
};

class NotOfferedError extends Error {
  constructor(member, name) {
    super(
      `${member} is not offered by acurast-processor; see "${NOT_OFFERED[name]}" under "Not offered" in lib/processor/README.md. ` +
        `A script that can do without it finds it absent with --without ${name}`,
    );
    this.code = 'ACURAST_NOT_OFFERED';
    this.member = member;
  }
}
Object.defineProperty(NotOfferedError.prototype, 'name', { value: 'NotOfferedError' });

// Looked at by Node itself when a value is awaited, printed, compared or turned into JSON.
const LOOKED_AT = new Set(['then', 'toJSON', 'constructor', 'prototype', 'inspect', 'asymmetricMatch', 'nodeType']);
const CONVERSIONS = new Set(['toString', 'valueOf']);

/** Stands for a member that is not offered: each of its own members is one too; calling any of them throws. */
function placeholder(member, name) {
  const fail = () => {
    throw new NotOfferedError(member, name);
  };
  return new Proxy(function () {}, {
    apply: fail,
    construct: fail,
    get(_target, key) {
      if (typeof key === 'symbol' || LOOKED_AT.has(key)) return undefined;
      return CONVERSIONS.has(key) ? fail : placeholder(`${member}.${key}`, name);
    },
  });
}

/** Adds the placeholders to `std`, but those named in `without`. They can be replaced and are not listed. */
function addPlaceholders(std, without = []) {
  for (const name of Object.keys(NOT_OFFERED)) {
    if (without.includes(name)) continue;
    const value = placeholder(`_STD_.${name}`, name);
    Object.defineProperty(std, name, { value, writable: true, configurable: true, enumerable: false });
  }
  return std;
}

module.exports = { NOT_OFFERED, NotOfferedError, addPlaceholders };
