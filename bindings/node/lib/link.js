'use strict';
// What stands behind a client: the addon's handle, and everybody who waits for one of its events.
//
// The table of events.js holds a Link from connect() until CLOSED. The Link holds its Client only while somebody listens to
// it or waits for something: a client that nobody can reach any more is collected, and closed with a warning.

const events = require('./events');
const native = require('./native');
const { Inbox } = require('./inbox');
const { Message } = require('./message');
const { Outbox } = require('./outbox');
const { Reporter, Serving } = require('./serving');
const { errorOf, errors } = require('./errors');

const BACKLOG_SLICE = 256; // messages that a new listener gets in one turn of the loop

let warned = false;

/** The core's client. Where the system has no certificate authorities and nobody has named any, those that Node brings are trusted. */
function clientCreate(pairs, ...others) {
  try {
    return native.clientCreate(pairs, ...others);
  } catch (error) {
    if (!(error instanceof errors.TlsError) || process.env.SSL_CERT_FILE || process.env.SSL_CERT_DIR) throw error;
    const { rootCertificates } = require('node:tls');
    return native.clientCreate([...pairs, 'ca-pem', rootCertificates.join('\n')], ...others);
  }
}

class Link {
  #slot;
  #handle;
  #closers = [];
  #connecting = new Set(); // Waiters
  #lastError;
  #backlog = false; // the inbox is being emptied into listeners
  #keeps = true; // the process alive, once it is begun
  #closing = false;
  #reporter = new Reporter();

  /** `passed`: names of options that no error has to advise. */
  constructor(pairs, passed, identityHandle, id, inboxCount, inboxBytes) {
    this.id = id;
    this.passed = passed;
    this.state = 'idle';
    this.url = '';
    this.reason = undefined; // why it closed by itself
    this.listener = undefined; // the client, while somebody listens to it and something may come
    this.listening = false; // to messages
    this.#slot = events.enter();
    try {
      this.#handle = clientCreate(pairs, identityHandle, inboxCount, inboxBytes, this.#slot);
    } catch (error) {
      events.leave(this.#slot);
      throw error;
    }
    this.inbox = new Inbox(this.#handle, inboxCount, inboxBytes);
    this.outbox = new Outbox(this.#handle);
    this.serving = new Serving(this.#handle, this.outbox, (error, request) => this.#report(error, request));
  }

  get open() {
    return this.#handle !== undefined;
  }

  get begun() {
    return this.state !== 'idle';
  }

  /** Why it is of no use any more: an error of its own for each who asks. */
  gone() {
    return this.reason ? errorOf(this.reason.status, this.reason.detail, this.passed) : new errors.ClosedError('this client');
  }

  connect() {
    events.hold(this.#slot, this);
    native.clientConnect(this.#handle);
    if (!this.#keeps) native.unref(this.#handle);
    this.state = 'connecting';
  }

  /** Settles with the connection, or with why there is none. */
  connected(waiter) {
    if (this.state === 'connected') waiter.resolve();
    else if (!this.open) waiter.reject(this.gone());
    else this.#connecting.add(waiter);
    return waiter.promise.finally(() => this.#connecting.delete(waiter));
  }

  lastError() {
    return this.#lastError?.message ?? '';
  }

  stats() {
    return native.clientStats(this.#handle);
  }

  keepAlive(yes) {
    this.#keeps = yes;
    if (this.open) (yes ? native.ref : native.unref)(this.#handle);
  }

  close() {
    if (!this.open) return Promise.resolve();
    this.#closing = true;
    const closed = new Promise((resolve) => this.#closers.push(resolve));
    if (this.begun) native.clientClose(this.#handle);
    else process.nextTick(() => this.#end({ state: 'closed', url: this.url, closeCode: 0, retryIn: undefined }));
    return closed;
  }

  /** Nobody can reach the client any more. */
  abandon() {
    if (!this.open) return;
    if (this.begun && !warned) {
      warned = true;
      process.emitWarning('a client was collected while it was open: close() it', {
        type: 'ResourceWarning',
        code: 'ACURAST_UNCLOSED',
      });
    }
    this.close();
  }

  /** The client's listeners have changed, or what they may hear of. One of whom nothing more comes is not held. */
  heed(client) {
    this.listening = client.listenerCount('message') > 0;
    const active = this.open && (this.begun || this.#closing);
    const wanted = client.eventNames().length || this.serving.any;
    this.listener = wanted && (active || this.#owes) ? client : undefined;
    if (this.listener && this.listening) this.#emptyInbox();
  }

  get #owes() {
    return this.listening && this.inbox.length > 0;
  }

  /** Gives what has arrived to a listener that came later; a slice in each turn of the loop. */
  #emptyInbox() {
    if (this.#backlog || !this.inbox.length) return;
    this.#backlog = true;
    setImmediate(() => this.#emptySlice());
  }

  #emptySlice() {
    this.#backlog = false;
    for (let left = BACKLOG_SLICE; left && this.listening; left--) {
      const message = this.inbox.take();
      if (!message) break;
      events.guarded(() => this.listener.emit('message', message));
    }
    if (this.listening) this.#emptyInbox();
    this.#letGo();
  }

  #letGo() {
    if (!this.open && !this.#owes) this.listener = undefined;
  }

  // ---- events ----

  /** True if the inbox has grown. */
  onPayload(sender, payload) {
    const message = new Message(sender, this.id, payload);
    if (this.listening && !this.inbox.length) {
      this.listener.emit('message', message);
      return false;
    }
    return this.inbox.put(message);
  }

  onOutcome(token, end) {
    this.outbox.onOutcome(token, end);
  }

  onKept(token) {
    this.outbox.onKept(token);
  }

  onSeen(token, status, found) {
    this.outbox.onSeen(token, status, found);
  }

  onGone(id, presence) {
    this.listener?.emit('gone', { id, presence });
  }

  onReply(token, status, code, came) {
    this.outbox.onReply(token, status, code, came);
  }

  onAnswers(token, status, list) {
    this.outbox.onAnswers(token, status, list);
  }

  onProgress(token, came) {
    this.outbox.onProgress(token, came);
  }

  onRequest(...values) {
    this.serving.onRequest(...values);
  }

  onWritable() {
    this.outbox.onWritable();
  }

  onLog(level, text) {
    this.listener?.emit('log', { level, text });
  }

  onBatchEnd() {
    if (this.open) this.inbox.tellIfMany();
  }

  /** What a connection takes is still written; without one, an exit does not wait for it. */
  onExit() {
    if (this.state !== 'connected') this.outbox.cancelAll();
  }

  onState(state, status, text, closeCode, retry) {
    const ended = state === 'disconnected' || state === 'closed';
    if (!ended && text) this.url = text;
    const event = { state, url: this.url, closeCode, retryIn: retry < 0 ? undefined : retry };
    if (ended && status !== 0 && status !== errors.ClosedError.prototype.status) {
      const detail = [text, closeCode && `close code ${closeCode}`].filter(Boolean).join('; ');
      event.error = errorOf(status, detail, this.passed);
    }
    this.#lastError = state === 'connected' ? undefined : (event.error ?? this.#lastError);
    if (state === 'closed') return this.#end(event);
    this.state = state;
    if (state === 'connected') for (const waiter of this.#connecting) waiter.resolve();
    this.#tell(event);
  }

  #end(event) {
    if (!this.open) return;
    this.state = 'closed';
    this.reason = event.error;
    native.free(this.#handle);
    this.#handle = undefined;
    events.leave(this.#slot);
    this.outbox.end(() => this.gone());
    this.serving.end(() => this.gone());
    this.inbox.end((taker) => taker.reject(this.gone()));
    for (const waiter of this.#connecting) waiter.reject(this.gone());
    for (const resolve of this.#closers) resolve();
    this.#tell(event);
    this.#letGo();
  }

  /** What a handler has thrown. */
  #report(error, request) {
    if (!this.listener?.emit('handlerError', error, request)) this.#reporter.warn(error, request);
  }

  #tell(event) {
    const { listener } = this;
    if (!listener) return;
    events.guarded(() => listener.emit('state', event));
    if (event.error && listener.listenerCount('error')) events.guarded(() => listener.emit('error', event.error));
  }
}

module.exports = { Link };
