'use strict';
// The vendor's AcurastClient: the transport, with keys, recipients and payloads as strings too.

const check = require('../check');
const { keyBytes, payloadBytes } = require('./bytes');
const { WebSocketTransportClient } = require('./transport');
const { unawaited } = require('./unawaited');

/** What follows the URLs: the vendor's numbers and switch one by one, or one object that has them by name, and our options. */
function settingsOf(second, maxPayloadLogLength, enableLogging) {
  if (second === undefined || typeof second === 'number')
    return { connectionTimeoutMillis: second, maxPayloadLogLength, enableLogging };
  return check.object(second, 'connectionTimeoutMillis');
}

class AcurastClient {
  #strict;
  #transport;

  constructor(urls, connectionTimeoutMillis, maxPayloadLogLength, enableLogging) {
    const settings = settingsOf(connectionTimeoutMillis, maxPayloadLogLength, enableLogging);
    const { strict = false, connectionTimeoutMillis: timeout, maxPayloadLogLength: shown, enableLogging: logged, ...options } = settings;
    this.#strict = strict;
    this.#transport = new WebSocketTransportClient(urls, timeout, shown, logged, options);
  }

  async start(keyPair) {
    await this.#transport.connect(keyPair);
  }

  onMessage(listener) {
    this.#transport.onMessage(listener);
  }

  send(publicKeyOrSenderId, payload) {
    try {
      return this.#transport.send(keyBytes(publicKeyOrSenderId, 'publicKeyOrSenderId'), payloadBytes(payload, this.#strict));
    } catch (error) {
      return unawaited(Promise.reject(error));
    }
  }

  async close() {
    await this.#transport.close();
  }

  /** The id, 32 hex digits, of a public key in any form. */
  idFromPublicKey(publicKey) {
    return this.#transport.idFromPublicKey(keyBytes(publicKey, 'publicKey')).toString('hex');
  }
}

module.exports = { AcurastClient };
