'use strict';
// How values of requests travel: as JSON, which is text here, or as MessagePack, which is bytes and needs a package of npm.
//
// Of each: `number` is the core's. encode() gives '' for what is no value, such as undefined, and throws for what it cannot say; decode()
// throws for what is no value of JavaScript, and never runs on ''.

const check = require('./check');
const msgpack = require('./msgpack');
const { errors } = require('./errors');

const json = {
  name: 'json',
  number: 0,
  load() {},
  decode: JSON.parse,
  encode: (value) => JSON.stringify(value) ?? '',
  says: (text) => /^[[{]/.test(text),
};

const ENCODINGS = { json, msgpack };

/** By the core's number. */
const BY_NUMBER = Object.values(ENCODINGS);

/** The one of an option; UnsupportedError where its package is missing. */
function encodingOf(name = 'json') {
  check.string(name, 'options.encoding');
  if (!Object.hasOwn(ENCODINGS, name)) throw check.wrongValue('options.encoding', `one of ${Object.keys(ENCODINGS).join(', ')}`);
  ENCODINGS[name].load();
  return ENCODINGS[name];
}

/** Params as they travel, '' where there are none. */
function paramsOf(encoding, params) {
  if (params === undefined) return '';
  const said = params !== null && typeof params === 'object' ? encoding.encode(params) : '';
  if (!encoding.says(said)) throw check.wrongType('params', 'an Array, or an object that travels as one', params);
  return said;
}

/** What came as `what`; UnsupportedError where that cannot be said in JavaScript. */
function valueOf(encoding, came, what) {
  try {
    return encoding.decode(came);
  } catch (error) {
    throw new errors.UnsupportedError(`${what}: ${error.message}`, { cause: error });
  }
}

module.exports = { BY_NUMBER, encodingOf, paramsOf, valueOf };
