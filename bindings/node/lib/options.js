'use strict';
// Options in camelCase become the pairs of names and values that the addon takes. Which there are, settings.js knows.

const { outOfRange, wrongType } = require('./check');
const { errors } = require('./errors');
const settings = require('./settings');

const EXPECTED = {
  bool: 'of type boolean',
  count: 'of type number',
  size: 'of type number or string',
  milliseconds: 'of type number or string',
  seconds: 'of type number or string',
  text: 'of type string',
  choice: 'of type string',
  list: 'of type string or an Array of strings',
};

function fits(type, value) {
  switch (type) {
    case 'bool':
      return typeof value === 'boolean';
    case 'count':
      return typeof value === 'number';
    case 'text':
    case 'choice':
      return typeof value === 'string';
    case 'list':
      return typeof value === 'string' || (Array.isArray(value) && value.every((one) => typeof one === 'string'));
    default:
      return typeof value === 'number' || typeof value === 'string';
  }
}

function check(name, type, value) {
  if (!fits(type, value)) throw wrongType(`options.${name}`, EXPECTED[type], value);
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw outOfRange(`options.${name}`, 'an integer', value);
  for (const text of [value].flat()) {
    if (typeof text === 'string' && text.includes('\0')) throw outOfRange(`options.${name}`, 'without NUL', 'one');
  }
}

/**
 * @param {'context' | 'client' | 'service'} scope
 * @param {object} given options; undefined values are left out
 * @param {string[]} own names that are not the core's
 */
function pairs(scope, given, own = []) {
  const found = [];
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || own.includes(name)) continue;
    const known = Object.hasOwn(settings[scope], name) ? settings[scope][name] : undefined;
    if (!known) throw new errors.UnknownOptionError(name);
    check(name, known.type, value);
    found.push(known.name, value);
  }
  return found;
}

module.exports = { pairs };
