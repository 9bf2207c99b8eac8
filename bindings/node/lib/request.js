'use strict';
// Asking: a request is an operation of the outbox like a send, and is over with its answer. Values are JSON.

const check = require('./check');
const native = require('./native');
const { Operation } = require('./operation');
const { errorOf, errors } = require('./errors');
const { shown } = require('./foreign');
const { recipient } = require('./identity');

const LONGEST = 2 ** 32 - 1; // ms
const LONGEST_SHOWN = 500; // characters of what a stranger wrote
const REMOTE_ERROR = errors.RemoteError.prototype.status;

/** The name of a method, without what C would take for its end. */
function methodOf(value, name = 'method') {
  check.string(value, name);
  if (!value || value.includes('\0')) throw check.wrongValue(name, 'not empty and without NUL');
  return value;
}

/** Params as JSON, '' where there are none. */
function paramsOf(params) {
  if (params === undefined) return '';
  const text = params !== null && typeof params === 'object' ? JSON.stringify(params) : undefined;
  if (!/^[[{]/.test(text)) throw check.wrongType('params', 'an Array, or an object that JSON says as one', params);
  return text;
}

/** @param {string} name */
function listener(value, name) {
  if (value !== undefined && typeof value !== 'function') throw check.wrongType(name, 'of type function', value);
  return value;
}

/** What the recipient has said went wrong; `text` is the error as it came.
 * @param {number} code
 * @param {string} text
 */
function remoteError(code, text) {
  const came = JSON.parse(text);
  const said = typeof came?.message === 'string' ? came.message : '';
  const error = new errors.RemoteError([String(code), shown(said.slice(0, LONGEST_SHOWN))].filter(Boolean).join(': '));
  for (const [name, value] of Object.entries({ remoteCode: code, remoteMessage: said, data: came?.data })) {
    Object.defineProperty(error, name, { value });
  }
  return error;
}

class Request extends Operation {
  #deadline = Infinity; // while it waits for room
  #timer;

  constructor(holder, timeout, signal, to, method, params, { retry, onProgress }) {
    super(holder, timeout, signal);
    Object.assign(this, { to, method, params, retry, onProgress });
  }

  hand(handle, token) {
    const left = this.#deadline === Infinity ? this.timeout : Math.ceil(this.#deadline - performance.now());
    const { to, method, params, retry } = this;
    const answer = native.clientRequest(handle, to, method, params, token, left && Math.max(left, 1), retry);
    if (answer > 0) clearTimeout(this.#timer);
    return answer;
  }

  /** Its time runs although the core does not know it yet. */
  prepareToWait() {
    const time = this.timeout || 10_000;
    this.#deadline = performance.now() + time;
    if (time < 2 ** 31) this.#timer = setTimeout(() => this.settle(new errors.TimeoutError(), true), time);
    if (typeof this.to !== 'string') this.to = new Uint8Array(this.to);
  }

  get intact() {
    return true;
  }

  release() {
    clearTimeout(this.#timer);
    this.params = this.onProgress = undefined;
  }

  forgetBytes() {
    this.params = undefined;
  }

  progress(text) {
    this.onProgress?.(JSON.parse(text));
  }

  answered(status, code, text) {
    if (this.over) return;
    if (status === 0) this.settle(JSON.parse(text));
    else this.settle(status === REMOTE_ERROR ? remoteError(code, text) : errorOf(status), true);
  }
}

/** Checks everything. */
function requestOf(holder, to, method, params, { timeout, signal, retry = false, onProgress }) {
  const time = timeout === undefined ? 0 : check.integer(timeout, 'options.timeout', 1, LONGEST);
  if (typeof retry !== 'boolean') throw check.wrongType('options.retry', 'of type boolean', retry);
  const how = { retry, onProgress: listener(onProgress, 'options.onProgress') };
  return new Request(holder, time, check.signal(signal), recipient(to), methodOf(method), paramsOf(params), how);
}

module.exports = { Request, methodOf, requestOf };
