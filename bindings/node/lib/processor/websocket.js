'use strict';
// `_STD_.ws`: one client of the engine behind the calls that scripts know. The engine reconnects, fails over and keeps
// what was not sent; here is only the translation.
//
// Nothing is taken from the client before the script has a handler: what arrives earlier waits in the client's inbox, whose
// limits pause reading from the service.

const { Client, idOf } = require('../../index.js');
const { bytesOf, callbackOf, hexOf, kindOf, pointOf } = require('./hex.js');
const { NotAllowedError, isService } = require('./network.js');

const { now } = Date; // the true one, also where a test has a clock of its own

const ID_SIZE = 16;
const RECIPIENT = 'recipient (a public key or an id)';
const WAITING_LIMIT = 64 * 1024 * 1024; // bytes of sends that are not over, so that a service that is away does not fill the memory
const SEND_SIZE = 256; // what a send takes besides its payload
const USAGE = {
  open: "_STD_.ws.open(['wss://…'], () => {…}, (message) => {…}), and then _STD_.ws.registerPayloadHandler(({ sender, payload }) => {…})",
  close: '_STD_.ws.close(() => {…}, (message) => {…})',
  registerPayloadHandler: '_STD_.ws.registerPayloadHandler(({ sender, recipient, payload }) => {…})',
  send: '_STD_.ws.send(recipient, payloadHex, () => {…}, (message) => {…})',
};

/** The services of a script, in order, without the blanks around them. */
function urlsOf(value) {
  const list = Array.isArray(value) ? value : [value];
  const at = list.findIndex((url) => typeof url !== 'string' || !isService(url.trim()));
  if (list.length > 0 && at < 0) return list.map((url) => url.trim());
  const got =
    list.length === 0 ? 'an empty list' : typeof list[at] === 'string' ? JSON.stringify(list[at]) : kindOf(list[at]);
  throw new TypeError(
    `url must be a ws:// or wss:// address or a list of them, not ${got}. This is how it is meant: ${USAGE.open}`,
  );
}

function recipientOf(value) {
  const bytes = bytesOf(value, RECIPIENT, [ID_SIZE, 33, 64, 65]);
  return bytes.length === ID_SIZE ? bytes : pointOf(bytes, RECIPIENT);
}

/** What an error says, with the runner's flag for the option that it advises. */
function wordsOf({ message }) {
  return message.replace(/\bcaFile\b/, '--ca-file (caFile)');
}

/** The id of a recipient; what is none as it was given. */
function peerOf(to) {
  try {
    return idOf(to);
  } catch {
    return hexOf(to);
  }
}

class Websocket {
  #settings;
  #connection;
  #handler;
  #waiting = 0;

  /**
   * @param {{identity: Identity, services?: string[], caFile?: string, allowed: (host: string, port?: string) => boolean,
   *          watched?: boolean, tell: (event: string, more: object) => void, call: Function}} settings
   *   services: used instead of those in the script. watched: each message is told. call: runs a callback of the script.
   */
  constructor(settings) {
    this.#settings = settings;
  }

  /** What the script gets. */
  face() {
    return {
      open: (url, success, error) => this.#open(url, success, error),
      close: (success, error) => this.#close(success, error),
      registerPayloadHandler: (handler) => this.#register(handler),
      send: (recipient, payload, success, error) => this.#send(recipient, payload, success, error),
    };
  }

  /** Closes the connection, whoever opened it. */
  async shut() {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.client.close();
  }

  #open(url, success, error) {
    const ok = callbackOf(success, 'success', USAGE.open);
    const failed = callbackOf(error, 'error', USAGE.open);
    const own = urlsOf(url);
    const urls = this.#settings.services ?? own.map((one) => this.#permitted(one));
    const { call } = this.#settings;
    this.#connectionTo(urls).opened.then(
      () => call('success callback of ws.open', ok),
      (reason) => call('error callback of ws.open', failed, wordsOf(reason)),
    );
  }

  #permitted(url) {
    const { hostname, port: given, protocol } = new URL(url);
    const port = given || (protocol === 'ws:' ? 80 : 443);
    if (this.#settings.allowed(hostname, port)) return url;
    throw new NotAllowedError(hostname, port);
  }

  // The connection that is there if it goes to the same services, else a new one in its place.
  #connectionTo(urls) {
    if (this.#connection?.urls.join() === urls.join()) return this.#connection;
    const { identity, caFile, tell } = this.#settings;
    const client = new Client(urls, { identity, ...(caFile ? { caFile } : {}) });
    this.shut();
    const connection = { client, urls };
    client.on('state', (change) => this.#changed(connection, change));
    connection.opened = client.connect({ timeout: Infinity }).then(() => {
      tell('ready', { service: client.url, id: client.id, publicKey: client.publicKey });
    });
    connection.opened.catch(() => {});
    this.#connection = connection;
    this.#pump();
    return connection;
  }

  #changed(connection, { state, url, error, retryIn }) {
    if (state === 'closed' && this.#connection === connection) this.#connection = undefined;
    if (state === 'closed' && error) this.#lost('connection', error); // for good: refused, or another took its place
    this.#settings.tell('state', { state, service: url, ...(error ? { reason: wordsOf(error) } : {}), retryIn });
  }

  #register(handler) {
    const checked = callbackOf(handler, 'handler', USAGE.registerPayloadHandler);
    if (!checked)
      throw new TypeError(`handler must be a function. This is how it is meant: ${USAGE.registerPayloadHandler}`);
    this.#handler = checked;
    this.#pump();
  }

  async #pump() {
    const connection = this.#connection;
    if (!connection || connection.pumped || !this.#handler) return;
    connection.pumped = true;
    try {
      for await (const message of connection.client) this.#deliver(message);
    } catch {
      // closed by itself: #changed() tells why
    }
  }

  #watch(direction, peer, payload, more) {
    const { watched, tell } = this.#settings;
    if (watched) tell('message', { direction, peer, payload, time: now(), ...more });
  }

  #deliver({ sender, recipient, payload }) {
    this.#watch('in', sender, payload);
    this.#settings.call('payload handler', this.#handler, { sender, recipient, payload: hexOf(payload) });
  }

  #send(recipient, payload, success, error) {
    const ok = callbackOf(success, 'success', USAGE.send);
    const failed = callbackOf(error, 'error', USAGE.send);
    const to = recipientOf(recipient);
    const bytes = bytesOf(payload, 'payload');
    const { call } = this.#settings;
    const sent = this.#sent(to, bytes);
    if (this.#settings.watched) this.#watchSend(sent, to, bytes);
    sent.then(
      () => call('success callback of ws.send', ok),
      (reason) => (failed ? call('error callback of ws.send', failed, reason.message) : this.#lost('ws.send', reason)),
    );
  }

  #watchSend(sent, to, bytes) {
    const peer = peerOf(to);
    sent.then(
      () => this.#watch('out', peer, bytes),
      (reason) => this.#watch('out', peer, bytes, { failed: reason.message }),
    );
  }

  async #sent(to, bytes) {
    if (!this.#connection) throw new Error('no connection is open: call _STD_.ws.open first');
    const size = bytes.length + SEND_SIZE;
    if (this.#waiting + size > WAITING_LIMIT)
      throw new Error(`too much waits to be sent already, ${WAITING_LIMIT / 1024 / 1024} MiB`);
    this.#waiting += size;
    try {
      await this.#connection.client.send(to, bytes);
    } finally {
      this.#waiting -= size;
    }
  }

  #lost(where, error) {
    this.#settings.tell('error', { where, name: error.name, message: wordsOf(error) });
  }

  #close(success, error) {
    const ok = callbackOf(success, 'success', USAGE.close);
    const failed = callbackOf(error, 'error', USAGE.close);
    const { call } = this.#settings;
    this.shut().then(
      () => call('success callback of ws.close', ok),
      (reason) => call('error callback of ws.close', failed, reason.message),
    );
  }
}

module.exports = { Websocket };
