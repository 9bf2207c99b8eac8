'use strict';
// Serving: handlers by method, and the requests that they are at work on.
//
//   the core hands one out -> its handler runs -> its answer finds room (Outbox) -> over
//
// The core bounds how many run (the options serveRunning and serveWaiting). A client that closes ends them all.

const native = require('./native');
const { Operation } = require('./operation');
const { RpcError } = require('./rpc-error');
const { errors } = require('./errors');
const { guarded } = require('./events');
const { methodOf } = require('./request');
const { shownMessage } = require('./foreign');
const check = require('./check');

const INVALID_REQUEST = -32600;
const INTERNAL_ERROR = -32603;
const SERVER_ERROR = -32000;

const RAW = Symbol('raw');

/**
 * A handler that is given its params as they travel, '' without any, and that answers itself with a result as it travels.
 * @param {(params: string, request: IncomingRequest, answer: (result: string | Uint8Array) => Promise<void>) => Promise<void>} handler
 */
function raw(handler) {
  return Object.assign(handler, { [RAW]: true });
}

/** Whether it says that nobody waits for the answer any more. */
function isOver(error) {
  return error instanceof errors.NotFoundError || error instanceof errors.ClosedError;
}

/** One call of the core that says something about a request, and that waits for its turn where the outbox is full. */
class Answer extends Operation {
  #call;

  /** @param {(handle: object) => number} call answers a status below 0, or 0 */
  constructor(call) {
    super(undefined, 0, undefined);
    this.#call = call;
  }

  hand(handle) {
    return this.#call(handle);
  }

  prepareToWait() {}

  get intact() {
    return true;
  }

  release() {}

  written() {
    return undefined;
  }
}

/** A request as its handler sees it. */
class IncomingRequest {
  #serving;
  #number;
  #stop; // an AbortController, once somebody asks for its signal
  #reason;

  constructor(serving, number, sender, method) {
    /** Id of who asks, as hex: what the service says, no more. */
    this.sender = sender;
    this.method = method;
    this.#serving = serving;
    this.#number = number;
  }

  /** Is aborted when the client closes before the answer. */
  get signal() {
    this.#stop ??= new AbortController();
    if (this.#reason) this.#stop.abort(this.#reason);
    return this.#stop.signal;
  }

  /** Tells the asker how far it is. Of a request that is over nothing more can be told, which is no failure. */
  async progress(value) {
    const text = JSON.stringify(value);
    if (text === undefined) throw check.wrongType('value', 'what JSON can say', value);
    try {
      await this.#serving.say((handle) => native.clientProgress(handle, this.#number, text));
    } catch (error) {
      if (!isOver(error)) throw error;
    }
  }

  /** Whether a handler has thrown because of its signal. */
  static isEndOf(request, error) {
    return request.#reason !== undefined && error === request.#reason;
  }

  /** The client has closed. */
  static end(request, reason) {
    request.#reason = reason;
    request.#stop?.abort(reason);
  }
}

/** A value as JSON; '' for what JSON does not say, such as undefined. */
function resultOf(value) {
  return JSON.stringify(value) ?? '';
}

class Serving {
  #handle;
  #outbox;
  #methods = []; // [name, handler] by token
  #tokens = new Map(); // by name
  #running = new Set();
  #report;

  /** @param {(error: unknown, request: IncomingRequest) => void} report told what a handler has thrown */
  constructor(handle, outbox, report) {
    this.#handle = handle;
    this.#outbox = outbox;
    this.#report = report;
  }

  get any() {
    return this.#methods.length > 0;
  }

  /** Of `methods` that are not of the right types, none is served. */
  add(methods) {
    const list = Object.entries(check.object(methods, 'methods'));
    for (const [name, handler] of list) {
      methodOf(name, 'methods');
      if (typeof handler !== 'function') throw check.wrongType(`methods.${name}`, 'of type function', handler);
    }
    for (const [name, handler] of list) this.#serve(name, handler);
  }

  #serve(name, handler) {
    const token = this.#tokens.get(name) ?? this.#methods.length;
    if (token === this.#methods.length) native.clientServe(this.#handle, name, token);
    this.#methods[token] = handler;
    this.#tokens.set(name, token);
  }

  /** Begins one of those calls. */
  say(call) {
    if (!this.#handle) return Promise.reject(new errors.ClosedError('this client'));
    return this.#outbox.begin(new Answer(call));
  }

  onRequest(token, number, sender, method, params, isJson) {
    if (!isJson) return this.#fail(number, new RpcError(INVALID_REQUEST, 'MessagePack is not spoken here'));
    const request = new IncomingRequest(this, number, sender, method);
    this.#running.add(request);
    this.#run(this.#methods[token], number, params, request);
  }

  /** Never rejects. */
  async #run(handler, number, params, request) {
    const answer = (result) => this.#answer(number, result);
    try {
      if (handler[RAW]) await handler(params, request, answer);
      else await answer(resultOf(await handler(params === '' ? undefined : JSON.parse(params), request)));
    } catch (error) {
      const known = error instanceof RpcError || IncomingRequest.isEndOf(request, error);
      if (!known) guarded(() => this.#report(error, request));
      await this.#fail(number, error instanceof RpcError ? error : new RpcError(SERVER_ERROR, 'Server error'));
    } finally {
      this.#running.delete(request);
    }
  }

  async #answer(number, result) {
    try {
      await this.say((handle) => native.clientAnswer(handle, number, result));
    } catch (error) {
      if (!isOver(error)) throw error;
    }
  }

  async #fail(number, error) {
    try {
      const data = resultOf(error.data);
      const message = String(error.message).replaceAll('\0', '\ufffd');
      await this.say((handle) => native.clientAnswerError(handle, number, error.code, message, data));
    } catch {
      // Its data is none that can be sent, or the client is closed.
      await this.say((handle) => native.clientAnswerError(handle, number, INTERNAL_ERROR, 'Internal error', '')).catch(() => {});
    }
  }

  /** The client is over. */
  end(why) {
    this.#handle = undefined;
    for (const request of this.#running) guarded(() => IncomingRequest.end(request, why()));
    this.#running.clear();
  }
}

/** For a client on which nobody listens to what handlers throw: one warning for each method. */
class Reporter {
  #told = new Set();

  warn(error, { method }) {
    if (this.#told.has(method)) return;
    this.#told.add(method);
    const text = shownMessage(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.emitWarning(`the handler of "${method}" has thrown: ${text}`, { code: 'ACURAST_HANDLER' });
  }
}

module.exports = { Reporter, Serving, raw };
