'use strict';
// The vendor's WebSocketTransportClient on our client: bytes in, bytes out. Reconnecting, the outbox and deadlines are the
// client's; here is what the vendor's interface wants otherwise: connect() gives up once every service was asked, messages
// are Buffers, and one that comes before the first listener waits for it.

const check = require('../check');
const { errors } = require('../errors');
const { shown } = require('../foreign');
const { idOf } = require('../identity');
const { identityOf } = require('./bytes');
const { Connection } = require('./shared');
const { unawaited } = require('./unawaited');

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
  #connection;
  #member;
  #connecting;
  #listeners = [];
  #early = new Early();

  constructor(urls, connectionTimeoutMillis = 15_000, maxPayloadLogLength = 100, enableLogging = false, options = {}) {
    const { onState, ...settings } = check.object(options, 'options');
    this.#urls = listOf(urls);
    this.#timeout = connectionTimeoutMillis;
    this.#logged = enableLogging ? maxPayloadLogLength : undefined;
    this.#options = settings;
    this.#onState = onState;
  }

  /** Resolves once a service has accepted the key; rejects when all of them were asked in vain, or the time is over. */
  async connect(keyPair) {
    if (!this.#connection) {
      this.#connection = Connection.of(this.#urls, this.#options, identityOf(keyPair));
      this.#member = this.#newMember();
      this.#connection.join(this.#member);
      this.#connecting = this.#opened(this.#connection, this.#member);
    }
    return this.#connecting;
  }

  /** What the connection, which may have other members, calls. */
  #newMember() {
    const member = {
      listens: () => this.#listeners.length > 0,
      changed: (event) => {
        this.#log(`${event.state} ${event.url ?? ''}`, event.error?.message);
        this.#onState?.(event);
      },
      ended: (tells, error) => this.#ended(member, tells, error),
      received: (message) => this.#received(member, message),
    };
    return member;
  }

  async #opened(connection, member) {
    try {
      await connection.open(member, this.#timeout);
    } catch (error) {
      this.#forget(member);
      await connection.leave(member);
      throw error;
    }
  }

  #forget(member) {
    if (this.#member !== member) return false;
    this.#connection = this.#member = this.#connecting = undefined;
    return true;
  }

  /** A connection that nobody closed and that will not come back must not pass in silence. */
  #ended(member, tells, error) {
    if (!this.#forget(member) || !tells || this.#onState) return;
    process.emitWarning(`the connection was closed for good: ${shown(error?.message)}`, 'AcurastWarning');
  }

  #received(member, { sender, recipient, payload }) {
    if (this.#member !== member) return;
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
  send(publicKeyOrSenderId, payload) {
    return unawaited(this.#send(publicKeyOrSenderId, payload));
  }

  async #send(publicKeyOrSenderId, payload) {
    if (!this.#connection) throw new errors.BadStateError('start() or connect() first');
    await this.#connection.send(this.#member, idOf(publicKeyOrSenderId), check.bytes(payload, 'payload'));
    this.#log('sent', payload);
  }

  /** Ends the connection, and with it a connect() under way; what was handed to send() before goes out first. */
  async close() {
    const [connection, member] = [this.#connection, this.#member];
    const left = connection?.leave(member);
    this.#listeners = [];
    this.#early.take();
    this.#forget(member);
    await left;
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
