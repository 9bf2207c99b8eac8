'use strict';
// Asking: a request is an operation of the outbox like a send, and is over with its answer.

const check = require('./check');
const native = require('./native');
const { Operation } = require('./operation');
const { encodingOf, paramsOf, valueOf } = require('./encoding');
const { errorOf, errors } = require('./errors');
const { shown } = require('./foreign');

const LONGEST = 2 ** 32 - 1; // ms
const LONGEST_SHOWN = 500; // characters of what a stranger wrote
const REMOTE_ERROR = errors.RemoteError.prototype.status;

/** The name of a method, without what C would take for its end. */
function methodOf(value, name = 'method') {
  check.string(value, name);
  if (!value || value.includes('\0')) throw check.wrongValue(name, 'not empty and without NUL');
  return value;
}

/** @param {string} name */
function listener(value, name) {
  if (value !== undefined && typeof value !== 'function') throw check.wrongType(name, 'of type function', value);
  return value;
}

/** What the recipient has said went wrong. A MessagePack error of a form of its own is all data.
 * @param {number} code
 * @param {any} came
 */
function remoteError(code, came) {
  const formed = typeof came?.message === 'string';
  const said = formed ? came.message : '';
  const error = new errors.RemoteError([String(code), shown(said.slice(0, LONGEST_SHOWN))].filter(Boolean).join(': '));
  for (const [name, value] of Object.entries({ remoteCode: code, remoteMessage: said, data: formed ? came.data : came })) {
    Object.defineProperty(error, name, { value });
  }
  return error;
}

class Request extends Operation {
  #deadline = Infinity; // while it waits for room
  #timer;

  constructor(holder, timeout, signal, to, method, params, how) {
    super(holder, timeout, signal);
    Object.assign(this, { to, method, params, ...how });
  }

  hand(handle, token) {
    const left = this.#deadline === Infinity ? this.timeout : Math.ceil(this.#deadline - performance.now());
    const answer = this.call(handle, token, left && Math.max(left, 1));
    if (answer > 0) clearTimeout(this.#timer);
    return answer;
  }

  call(handle, token, time) {
    const { to, method, params, retry, encoding } = this;
    return native.clientRequest(handle, to, method, params, token, time, retry, encoding.number);
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

  /** What cannot be said here is left out: the answer is what counts. */
  progress(came) {
    if (!this.onProgress) return;
    let value;
    try {
      value = valueOf(this.encoding, came, 'progress');
    } catch {
      return;
    }
    this.onProgress(value);
  }

  answered(status, code, came) {
    if (this.over) return;
    const { value, error } = this.outcome(status, code, came);
    this.settle(error ?? value, error !== undefined);
  }

  /** What an answer comes to: { value } or { error }. */
  outcome(status, code, came) {
    try {
      if (status === 0) return { value: valueOf(this.encoding, came, 'the result') };
      return { error: status === REMOTE_ERROR ? remoteError(code, valueOf(this.encoding, came, 'the error')) : errorOf(status) };
    } catch (error) {
      return { error: status === REMOTE_ERROR ? remoteError(code, undefined) : error };
    }
  }
}

/** Checks everything; `Kind` is a class of requests, and `more` what else it wants to know. */
function requestOf(Kind, holder, to, method, params, { timeout, signal, retry = false, onProgress, encoding }, more) {
  const time = timeout === undefined ? 0 : check.integer(timeout, 'options.timeout', 1, LONGEST);
  if (typeof retry !== 'boolean') throw check.wrongType('options.retry', 'of type boolean', retry);
  const how = { retry, onProgress: listener(onProgress, 'options.onProgress'), encoding: encodingOf(encoding), ...more };
  const said = paramsOf(how.encoding, params);
  return new Kind(holder, time, check.signal(signal), to, methodOf(method), said, how);
}

module.exports = { Request, methodOf, requestOf };
