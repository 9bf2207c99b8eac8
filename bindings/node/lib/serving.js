'use strict';
// Serving: handlers by method, and the requests that they are at work on.
//
//   the core hands one out -> its handler runs -> its answer finds room (Outbox) -> over
//
// The core bounds how many run (the options serveRunning and serveWaiting). A client that closes ends them all.

const native = require('./native');
const { BY_NUMBER, valueOf } = require('./encoding');
const { Operation } = require('./operation');
const { RpcError } = require('./rpc-error');
const { errors } = require('./errors');
const { guarded } = require('./events');
const { methodOf } = require('./request');
const { shownMessage } = require('./foreign');
const check = require('./check');

const INVALID_REQUEST = -32600;
const INVALID_PARAMS = -32602;
const INTERNAL_ERROR = -32603;
const SERVER_ERROR = -32000;

const RAW = Symbol('raw');

/**
 * A handler of JSON that is given its params as they travel, '' without any, and that answers itself with a result as it travels.
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
  #encoding;
  #stop; // an AbortController, once somebody asks for its signal
  #reason;

  constructor(serving, number, sender, method, encoding) {
    /** Id of who asks, as hex: what the service says, no more. */
    this.sender = sender;
    this.method = method;
    /** In which values travel: 'json' or 'msgpack'. */
    this.encoding = encoding.name;
    this.#serving = serving;
    this.#number = number;
    this.#encoding = encoding;
  }

  /** Is aborted when the client closes before the answer. */
  get signal() {
    this.#stop ??= new AbortController();
    if (this.#reason) this.#stop.abort(this.#reason);
    return this.#stop.signal;
  }

  /** Tells the asker how far it is. Of a request that is over nothing more can be told, which is no failure. */
  async progress(value) {
    const said = this.#encoding.encode(value);
    if (said === '') throw check.wrongType('value', 'a value that can travel', value);
    try {
      await this.#serving.say((handle) => native.clientProgress(handle, this.#number, said));
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

/** Params that came, or the RpcError to answer. A handler that is raw has them as they are. */
function paramsOf(handler, encoding, came) {
  if (handler[RAW] && encoding.name !== 'json') throw new RpcError(INVALID_REQUEST, 'MessagePack is not spoken here');
  try {
    encoding.load();
  } catch {
    throw new RpcError(INVALID_REQUEST, 'MessagePack is not spoken here');
  }
  if (handler[RAW]) return came;
  try {
    return came === '' ? undefined : valueOf(encoding, came, 'params');
  } catch ({ cause }) {
    throw new RpcError(INVALID_PARAMS, `Invalid params: ${cause.message}`);
  }
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

  onRequest(token, number, sender, method, came, encoding) {
    const spoken = BY_NUMBER[encoding];
    const request = new IncomingRequest(this, number, sender, method, spoken);
    this.#running.add(request);
    this.#run(this.#methods[token], number, came, request, spoken);
  }

  /** Never rejects. */
  async #run(handler, number, came, request, encoding) {
    const answer = (result) => this.#answer(number, result);
    try {
      const params = paramsOf(handler, encoding, came);
      if (handler[RAW]) await handler(params, request, answer);
      else await answer(encoding.encode(await handler(params, request)));
    } catch (error) {
      const known = error instanceof RpcError || IncomingRequest.isEndOf(request, error);
      if (!known) guarded(() => this.#report(error, request));
      await this.#fail(number, error instanceof RpcError ? error : new RpcError(SERVER_ERROR, 'Server error'), encoding);
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

  async #fail(number, error, encoding) {
    try {
      const data = encoding.encode(error.data);
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
