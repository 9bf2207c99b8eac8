'use strict';
// The embedded websocket service: for the tests of a dApp, and for whoever wants the real one inside a Node program.

const { EventEmitter } = require('node:events');

const check = require('./check');
const events = require('./events');
const native = require('./native');
const { errorOf, errors } = require('./errors');
const { pairs } = require('./options');

const OWN_OPTIONS = ['port', 'host', 'threads', 'logLevel'];
const OWN = Symbol('made here');

function address(options) {
  const { port = 0, host = '127.0.0.1' } = options;
  check.integer(port, 'options.port', 0, 65535);
  check.string(host, 'options.host');
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function settings(options) {
  const given = pairs('service', options, OWN_OPTIONS);
  if (options.listen === undefined) return ['listen', [address(options)], ...given];
  if (options.port === undefined && options.host === undefined) return given;
  throw check.wrongValue('options.listen', 'alone, without port and host');
}

class Service extends EventEmitter {
  #handle;
  #slot;
  #url;
  #port;
  #adminUrl;
  #closed;
  #onClosed;

  /** Not for users: see Service.start(). */
  constructor(token, given, context) {
    if (token !== OWN) throw new TypeError('use Service.start()');
    super();
    this.#closed = new Promise((resolve) => (this.#onClosed = resolve));
    this.#slot = events.enter();
    try {
      this.#handle = native.serviceStart(given, context, this.#slot);
    } catch (error) {
      events.leave(this.#slot);
      throw error;
    }
    events.hold(this.#slot, this.#taker());
    this.#url = native.serviceUrl(this.#handle);
    this.#port = native.servicePort(this.#handle);
    this.#adminUrl = native.serviceAdminUrl(this.#handle);
  }

  static async start(options = {}) {
    check.object(options, 'options');
    const { threads = 1, logLevel } = options;
    check.integer(threads, 'options.threads', 0, 256);
    return new Service(OWN, settings(options), pairs('context', { threads, logLevel }));
  }

  get url() {
    return this.#url;
  }

  get port() {
    return this.#port;
  }

  get adminUrl() {
    return this.#adminUrl;
  }

  metrics() {
    return native.serviceMetrics(this.#open());
  }

  reload() {
    native.serviceReload(this.#open());
  }

  close() {
    if (this.#handle) native.serviceClose(this.#handle);
    return this.#closed;
  }

  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.close();
  }

  ref() {
    if (this.#handle) native.ref(this.#handle);
    return this;
  }

  unref() {
    if (this.#handle) native.unref(this.#handle);
    return this;
  }

  #open() {
    if (!this.#handle) throw new errors.ClosedError('this service');
    return this.#handle;
  }

  /** What the table of events holds. */
  #taker() {
    return {
      onState: (state, status, text) => this.#onState(state, status, text),
      onLog: (level, text) => void this.emit('log', { level, text }),
    };
  }

  #onState(state, status, text) {
    const event = { state, url: this.#url };
    if (state === 'closed' && status !== 0 && status !== errors.ClosedError.prototype.status) {
      event.error = errorOf(status, text);
    }
    if (state === 'closed') {
      native.free(this.#handle);
      this.#handle = undefined;
      events.leave(this.#slot);
      this.#onClosed();
    }
    this.emit('state', event);
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Service { ${this.#handle ? this.#url : 'closed'} }`;
  }
}

module.exports = { Service };
