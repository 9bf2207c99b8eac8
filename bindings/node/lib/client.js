'use strict';
// A dApp or a processor.

const { EventEmitter } = require('node:events');

const check = require('./check');
const events = require('./events');
const { Identity, handleOf, idOf, isIdentity, recipient } = require('./identity');
const { Link } = require('./link');
const { Look, Send, UNTIL } = require('./operation');
const { surveyOf } = require('./many');
const { Request, requestOf } = require('./request');
const { Waiter } = require('./waiter');
const { errors } = require('./errors');
const { pairs } = require('./options');

const OWN_OPTIONS = ['identity', 'signal', 'timeout', 'inboxCount', 'inboxBytes'];
const CONNECT_TIMEOUT = 30_000;
const LONGEST_SEND = 2 ** 32 - 1;
const ID_SIZE = 16;
const LOOK_MAX = 64; // ids of one look of the core
const NOTHING = Object.freeze({});

// A client that can no longer be reached is closed.
const forgotten = new FinalizationRegistry((link) => link.abandon());

function urlList(urls) {
  const list = check.strings(urls, 'urls');
  if (!list.length) throw check.wrongValue('urls', 'not empty');
  if (list.some((url) => url.includes('\0'))) throw check.wrongValue('urls', 'without NUL');
  return list;
}

function optional(options) {
  return options === undefined ? NOTHING : check.object(options, 'options');
}

function sendTimeout(value) {
  return value === undefined ? 0 : check.integer(value, 'options.timeout', 1, LONGEST_SEND);
}

/** The number of a level. */
function levelOf(until) {
  if (until === undefined) return UNTIL.written;
  check.string(until, 'options.until');
  if (!Object.hasOwn(UNTIL, until)) throw check.wrongValue('options.until', `one of ${Object.keys(UNTIL).join(', ')}`);
  return UNTIL[until];
}

function keptListener(value, until) {
  if (value === undefined) return undefined;
  if (typeof value !== 'function') throw check.wrongType('options.onKept', 'of type function', value);
  if (until === UNTIL.written) throw check.wrongValue('options.onKept', "together with until 'relayed' or 'delivered'");
  return value;
}

class Client extends EventEmitter {
  #link;
  #identity;

  constructor(urls, options) {
    super({ captureRejections: true });
    const list = urlList(urls);
    const given = optional(options);
    const { identity = Identity.generate(), inboxCount = 1024, inboxBytes = 16 * 1024 * 1024 } = given;
    if (!isIdentity(identity)) throw check.wrongType('options.identity', 'an instance of Identity', identity);
    check.integer(inboxCount, 'options.inboxCount', 1, 2 ** 40);
    check.integer(inboxBytes, 'options.inboxBytes', 1, 2 ** 40);
    const settings = ['url', list, ...pairs('client', given, OWN_OPTIONS)];
    this.#identity = identity;
    const passed = Object.keys(given).filter((name) => given[name]);
    this.#link = new Link(settings, passed, handleOf(identity), identity.id, inboxCount, inboxBytes);
    forgotten.register(this, this.#link);
  }

  // ---- life ----

  async connect(options) {
    const given = optional(options);
    const signal = check.signal(given.signal);
    const timeout = check.timeout(given.timeout, 'options.timeout', CONNECT_TIMEOUT);
    const link = this.#link;
    if (signal?.aborted) throw signal.reason;
    if (link.open && !link.begun) {
      link.connect();
      link.heed(this);
    }
    const late = () => [`not connected within ${timeout} ms`, link.lastError()].filter(Boolean).join(': ');
    await link.connected(new Waiter(this, signal, timeout, late));
  }

  close() {
    const closed = this.#link.close();
    this.#link.heed(this);
    return closed;
  }

  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.close();
  }

  /** While it is open, a client keeps the process alive; unref() lets it end, ref() takes that back. */
  ref() {
    this.#link.keepAlive(true);
    return this;
  }

  unref() {
    this.#link.keepAlive(false);
    return this;
  }

  get id() {
    return this.#identity.id;
  }

  get publicKey() {
    return this.#identity.publicKey;
  }

  get identity() {
    return this.#identity;
  }

  get state() {
    return this.#link.state;
  }

  get url() {
    return this.#link.url;
  }

  stats() {
    this.#check();
    return this.#link.stats();
  }

  // ---- sending ----

  async send(to, payload, options) {
    return this.#send(to, check.bytes(payload, 'payload'), options);
  }

  async sendText(to, text, options) {
    return this.#send(to, Buffer.from(check.string(text, 'text')), options);
  }

  async sendJson(to, value, options) {
    const text = JSON.stringify(value);
    if (text === undefined) throw check.wrongType('value', 'what JSON can say', value);
    return this.#send(to, Buffer.from(text), options);
  }

  #send(to, payload, options) {
    const id = recipient(to);
    const { signal, timeout, until, onKept } = optional(options);
    const level = levelOf(until);
    const kept = keptListener(onKept, level);
    return this.#begin(new Send(this, sendTimeout(timeout), check.signal(signal), id, payload, level, kept));
  }

  #begin(operation) {
    const link = this.#link;
    if (!link.open) throw link.gone();
    if (!link.begun) throw new errors.BadStateError('connect() first');
    return link.outbox.begin(operation);
  }

  // ---- who is here ----

  async look(ids, options) {
    const given = optional(options);
    const timeout = sendTimeout(given.timeout);
    const signal = check.signal(given.signal);
    if (!Array.isArray(ids)) throw check.wrongType('ids', 'an Array', ids);
    const bytes = Buffer.from(ids.map((each) => idOf(recipient(each))).join(''), 'hex');
    const parts = [];
    for (let at = 0; at < bytes.length; at += LOOK_MAX * ID_SIZE) {
      const part = bytes.subarray(at, at + LOOK_MAX * ID_SIZE);
      parts.push(this.#begin(new Look(this, timeout, signal, part)));
    }
    return (await Promise.all(parts)).flat();
  }

  async keyOf(id, options) {
    const [seen] = await this.look([id], options);
    if (!seen.publicKey) throw new errors.NotHereError(`${seen.id}: ${seen.presence}`);
    return seen.publicKey;
  }

  // ---- requests ----

  async request(to, method, params, options) {
    const request = requestOf(Request, this, recipient(to), method, params, optional(options));
    this.#link.inbox.letGo();
    return this.#begin(request);
  }

  async requestMany(recipients, method, params, options) {
    const given = optional(options);
    if (!Array.isArray(recipients)) throw check.wrongType('recipients', 'an Array', recipients);
    const ids = [...new Set(recipients.map((one) => idOf(recipient(one))))];
    if (!ids.length) throw check.wrongValue('recipients', 'not empty');
    const survey = surveyOf(this, ids, method, params, given);
    this.#link.inbox.letGo();
    return this.#begin(survey);
  }

  serve(methods) {
    this.#check();
    this.#link.serving.add(methods);
    this.#link.inbox.letGo();
    this.#link.heed(this);
    return this;
  }

  // ---- receiving ----

  async receive(options) {
    const given = optional(options);
    const signal = check.signal(given.signal);
    const timeout = check.timeout(given.timeout);
    if (signal?.aborted) throw signal.reason;
    if (this.listenerCount('message')) {
      throw new errors.BadStateError("messages go to the 'message' listeners; remove them first");
    }
    const link = this.#link;
    const message = link.inbox.take();
    if (message) return message;
    if (!link.open) throw link.gone();
    return link.inbox.wait(new Waiter(this, signal, timeout));
  }

  /** Ends when the client was closed; throws the reason if it closed by itself. */
  async *[Symbol.asyncIterator]() {
    for (;;) {
      let message;
      try {
        message = await this.receive();
      } catch (error) {
        if (error instanceof errors.ClosedError) return;
        throw error;
      }
      yield message;
    }
  }

  #check() {
    if (!this.#link.open) throw this.#link.gone();
  }

  // ---- listeners: while there are any, the client is not collected, and messages go to them ----

  /**
   * An asynchronous listener has failed. That the service is away, or the client closed, is no reason to die, so it is an
   * 'error' here, for whoever listens; everything else is an uncaught exception, as if the listener had thrown it. A listener of
   * 'error' is not told of its own failure: it would fail again, without end.
   */
  [Symbol.for('nodejs.rejection')](error, event) {
    const away = error instanceof errors.AcurastError && (error.retriable || error instanceof errors.ClosedError);
    if (!away) process.nextTick(events.rethrow, error);
    else if (event !== 'error' && this.listenerCount('error')) this.emit('error', error);
  }

  static {
    for (const name of ['on', 'prependListener', 'removeListener', 'removeAllListeners']) {
      const original = EventEmitter.prototype[name];
      this.prototype[name] = function (...values) {
        original.apply(this, values);
        this.#link.heed(this);
        return this;
      };
    }
    this.prototype.addListener = this.prototype.on;
    this.prototype.off = this.prototype.removeListener;
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Client { ${this.id} ${this.state} }`;
  }
}

/** A client that is connected. A failure closes it. */
async function connect(urls, options) {
  const client = new Client(urls, options);
  try {
    await client.connect({ signal: options?.signal, timeout: options?.timeout });
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

module.exports = { Client, connect };
