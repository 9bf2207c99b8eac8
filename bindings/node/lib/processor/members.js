'use strict';
// What processors have and this runner has not, and what nobody knows. Such a member is there, so that a script gets an error with its
// name where it fails to be called `undefined`; it fails when it is used, not when it is looked at.

/** Members of `_STD_` that are not offered, and their headings in lib/processor/README.md. */
const NOT_OFFERED = {
  llama: 'Llama',
  p2p: 'P2P',
  webview: 'WebView',
};

/** What --without makes absent: members of `_STD_` that a processor may lack, and two globals. */
const OPTIONAL = [
  'chains',
  'network',
  'p2p',
  'scriptHash',
  'tunnel',
  'webview',
  'llama',
  'sentry',
  'ownAddress',
  '_DEVTOOLS_',
];

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

class UnknownMemberError extends Error {
  constructor(member, missing) {
    super(
      `${member} is not there: acurast-processor knows no ${missing}. ` +
        `A script that can do without it finds it undefined after \`${missing} = undefined\` in a --prelude`,
    );
    this.code = 'ACURAST_UNKNOWN_MEMBER';
    this.member = member;
  }
}
Object.defineProperty(UnknownMemberError.prototype, 'name', { value: 'UnknownMemberError' });

// Looked at by Node itself when a value is awaited, printed, compared or turned into JSON.
const LOOKED_AT = new Set(['then', 'toJSON', 'constructor', 'prototype', 'inspect', 'asymmetricMatch', 'nodeType']);
const CONVERSIONS = new Set(['toString', 'valueOf']);

/** Stands for a member that is not there: each of its own members is one too; calling any of them throws what `error` makes of its name. */
function placeholder(member, error) {
  const fail = () => {
    throw error(member);
  };
  return new Proxy(function () {}, {
    apply: fail,
    construct: fail,
    get(_target, key) {
      if (typeof key === 'symbol' || LOOKED_AT.has(key)) return undefined;
      return CONVERSIONS.has(key) ? fail : placeholder(`${member}.${key}`, error);
    },
  });
}

/** Adds the placeholders of what is not offered to `std`. They can be replaced and are not listed. */
function addPlaceholders(std) {
  for (const name of Object.keys(NOT_OFFERED)) {
    const value = placeholder(`_STD_.${name}`, (member) => new NotOfferedError(member, name));
    Object.defineProperty(std, name, { value, writable: true, configurable: true, enumerable: false });
  }
  return std;
}

/** The object, of which a member that it has not names itself when it is used. `absent` are those that are meant to be undefined. */
function named(object, path, absent = []) {
  return new Proxy(object, {
    get(target, key, self) {
      if (typeof key === 'symbol' || key in target || LOOKED_AT.has(key) || absent.includes(key)) return Reflect.get(target, key, self);
      return placeholder(`${path}.${key}`, (member) => new UnknownMemberError(member, `${path}.${key}`));
    },
  });
}

module.exports = { NOT_OFFERED, NotOfferedError, OPTIONAL, UnknownMemberError, addPlaceholders, named };
