'use strict';
// Argument checks. What is wrong is a TypeError or a RangeError in the style of Node, which names the argument and never
// shows a value: it may be a secret.

const { isAnyArrayBuffer, isUint8Array } = require('node:util/types');

const LONGEST_TIMER = 2 ** 31 - 1;

function kindOf(value) {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`;
  return `type ${typeof value}`;
}

function coded(error, code) {
  error.code = code;
  return error;
}

/** The error for an argument of the wrong type. */
function wrongType(name, expected, value) {
  const text = `The "${name}" argument must be ${expected}. Received ${kindOf(value)}`;
  return coded(new TypeError(text), 'ERR_INVALID_ARG_TYPE');
}

function wrongValue(name, expected) {
  return coded(new TypeError(`The "${name}" argument must be ${expected}`), 'ERR_INVALID_ARG_VALUE');
}

function outOfRange(name, expected, received) {
  const text = `The value of "${name}" is out of range. It must be ${expected}. Received ${received}`;
  return coded(new RangeError(text), 'ERR_OUT_OF_RANGE');
}

/** Transferred to another thread: what is left looks as if it were empty. */
function isDetached(buffer) {
  try {
    return !new Uint8Array(buffer);
  } catch {
    return true;
  }
}

function bytes(value, name) {
  const isView = isUint8Array(value);
  if (!isView && !isAnyArrayBuffer(value)) throw wrongType(name, 'an instance of Uint8Array or ArrayBuffer', value);
  if (value.byteLength === 0 && isDetached(isView ? value.buffer : value)) throw wrongValue(name, 'not detached');
  return isView ? value : new Uint8Array(value);
}

function sizedBytes(value, name, size) {
  const given = bytes(value, name);
  if (given.length !== size) throw outOfRange(`${name}.length`, size, given.length);
  return given;
}

function string(value, name) {
  if (typeof value !== 'string') throw wrongType(name, 'of type string', value);
  return value;
}

/** One string stands for a list of one. */
function strings(value, name) {
  const list = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list) || !list.every((each) => typeof each === 'string')) {
    throw wrongType(name, 'of type string or an Array of strings', value);
  }
  return list;
}

function object(value, name) {
  if (value === null || typeof value !== 'object') throw wrongType(name, 'of type object', value);
  return value;
}

function integer(value, name, min, max) {
  if (typeof value !== 'number') throw wrongType(name, 'of type number', value);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw outOfRange(name, `an integer >= ${min} && <= ${max}`, value);
  }
  return value;
}

/** Milliseconds, or Infinity (the default) for ever. */
function timeout(value, name = 'options.timeout', fallback = Infinity) {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw wrongType(name, 'of type number', value);
  if (value !== Infinity && !(value >= 0 && value <= LONGEST_TIMER)) {
    throw outOfRange(name, `>= 0 && <= ${LONGEST_TIMER}, or Infinity`, value);
  }
  return value;
}

function signal(value, name = 'options.signal') {
  if (value === undefined) return undefined;
  if (value === null || typeof value !== 'object' || typeof value.addEventListener !== 'function') {
    throw wrongType(name, 'an instance of AbortSignal', value);
  }
  return value;
}

module.exports = {
  bytes,
  integer,
  object,
  outOfRange,
  signal,
  sizedBytes,
  string,
  strings,
  timeout,
  wrongType,
  wrongValue,
};
