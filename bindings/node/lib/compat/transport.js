'use strict';
// The vendor's WebSocketTransportClient on our client: bytes in, bytes out. Reconnecting, the outbox and deadlines are the
// client's; here is what the vendor's interface wants otherwise: connect() gives up once every service was asked, messages
// are Buffers, and one that comes before the first listener waits for it.

const check = require('../check');
const { Client } = require('../client');
const { errors } = require('../errors');
const { shown } = require('../foreign');
const { idOf } = require('../identity');
const { identityOf } = require('./bytes');

const EARLY_COUNT = 1000;
const EARLY_BYTES = 16 * 1024 * 1024;

/** Messages that came before anybody listened, within limits; beyond them they are dropped, as the vendor's client does. */
class Early {
  #messages = [];
  #bytes = 0;

  put(message) {
    if (this.#messages.length >= EARLY_COUNT || this.#bytes + message.payload.length > EARLY_BYTES) return;
    this.#messages.push(message);
    this.#bytes += message.payload.length;
  }

  take() {
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    return messages;
  }
}

/** The services as a list: blanks around a URL, and empty ones, come from scripts in the wild. */
function listOf(urls) {
  return check
    .strings(urls, 'urls')
    .map((url) => url.trim())
    .filter(Boolean);
}

/** A signal that aborts, with the last error, once each service was asked and none has accepted. */
function allAskedInVain(client, services) {
  const giveUp = new AbortController();
  const watch = ({ state, error }) => {
    if (state === 'disconnected' && --services === 0) giveUp.abort(error);
    if (state === 'connected') client.off('state', watch);
  };
  client.on('state', watch);
  return giveUp.signal;
}

function bufferOf(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An error of a listener is its program's: it surfaces as any unhandled rejection, and the other listeners still run. */
async function call(listener, message) {
  await listener(message);
}

class WebSocketTransportClient {
  #urls;
  #timeout;
  #logged;
  #options;
  #onState;
  #client;
  #connecting;
  #listeners = [];
  #early = new Early();

  constructor(urls, connectionTimeoutMillis = 15_000, maxPayloadLogLength = 100, enableLogging = false, options = {}) {
    const { onState, ...settings } = options;
    this.#urls = listOf(urls);
    this.#timeout = connectionTimeoutMillis;
    this.#logged = enableLogging ? maxPayloadLogLength : undefined;
    this.#options = settings;
    this.#onState = onState;
  }

  /** Resolves once a service has accepted the key; rejects when all of them were asked in vain, or the time is over. */
  async connect(keyPair) {
    if (!this.#client) {
      this.#client = this.#newClient(identityOf(keyPair));
      this.#connecting = this.#opened(this.#client);
    }
    return this.#connecting;
  }

  #newClient(identity) {
    const client = new Client(this.#urls, { ...this.#options, identity });
    let connected = false;
    client.on('state', (event) => {
      connected ||= event.state === 'connected';
      this.#log(`${event.state} ${event.url ?? ''}`, event.error?.message);
      this.#onState?.(event);
      if (event.state === 'closed') this.#ended(client, connected, event.error);
    });
    client.on('message', (message) => this.#received(client, message));
    return client;
  }

  async #opened(client) {
    try {
      await client.connect({ signal: allAskedInVain(client, this.#urls.length), timeout: this.#timeout });
    } catch (error) {
      this.#forget(client);
      await client.close();
      throw error;
    }
  }

  #forget(client) {
    if (this.#client !== client) return false;
    this.#client = undefined;
    this.#connecting = undefined;
    return true;
  }

  /** A connection that nobody closed and that will not come back must not pass in silence. */
  #ended(client, connected, error) {
    if (!this.#forget(client) || !connected || this.#onState) return;
    process.emitWarning(`the connection was closed for good: ${shown(error?.message)}`, 'AcurastWarning');
  }

  #received(client, { sender, recipient, payload }) {
    if (this.#client !== client) return;
    const message = { sender: Buffer.from(sender, 'hex'), recipient: Buffer.from(recipient, 'hex'), payload: bufferOf(payload) };
    this.#log('received', payload);
    if (this.#listeners.length === 0) this.#early.put(message);
    else this.#deliver(message);
  }

  #deliver(message) {
    for (const listener of [...this.#listeners]) call(listener, message);
  }

  /** Every listener gets every message. What came early comes once the caller is done, who may add more listeners. */
  onMessage(listener) {
    if (typeof listener !== 'function') throw check.wrongType('listener', 'of type function', listener);
    this.#listeners.push(listener);
    queueMicrotask(() => this.#early.take().forEach((message) => this.#deliver(message)));
  }

  /** Resolves once the payload was handed to the operating system; waits while the service is away. */
  async send(publicKeyOrSenderId, payload) {
    if (!this.#client) throw new errors.BadStateError('start() or connect() first');
    await this.#client.send(publicKeyOrSenderId, payload);
    this.#log('sent', payload);
  }

  /** Ends the connection, and with it a connect() under way; what was handed to send() before goes out first. */
  async close() {
    const client = this.#client;
    this.#listeners = [];
    this.#early.take();
    this.#forget(client);
    await client?.close();
  }

  /** The id, 16 bytes, of a public key in any form, or of an id. */
  idFromPublicKey(publicKey) {
    return Buffer.from(idOf(publicKey), 'hex');
  }

  #log(what, detail) {
    if (this.#logged === undefined) return;
    const told = detail instanceof Uint8Array ? bufferOf(detail).toString('hex', 0, this.#logged) : (detail ?? '');
    console.log(shown(`acurast: ${what.trim()} ${told}`.trim()));
  }
}

module.exports = { WebSocketTransportClient };
