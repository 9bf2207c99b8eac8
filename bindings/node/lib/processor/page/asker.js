'use strict';
// The dApp behind the page's form: it sends a payload or a request to the deployment, and waits for what comes back.

const WAIT = 10_000; // ms for an answer
const MOST_WAITING = 64;

function bytesFrom(form, text) {
  if (form === 'hex') {
    const digits = text.replace(/^0x/i, '').replace(/\s+/g, '');
    if (digits.length % 2 || !/^[0-9a-f]*$/i.test(digits)) throw new TypeError('the payload is no even number of hexadecimal digits');
    return Buffer.from(digits, 'hex');
  }
  if (form === 'json') return Buffer.from(JSON.stringify(JSON.parse(text)));
  return Buffer.from(text);
}

function paramsFrom(text) {
  const params = text.trim() === '' ? undefined : JSON.parse(text);
  if (params === undefined || (params !== null && typeof params === 'object')) return params;
  throw new TypeError('params of JSON-RPC are an array or an object');
}

class Asker {
  #caFile;
  #client;
  #url;
  #waiting = []; // who waits for a payload, the oldest first

  constructor(caFile) {
    this.#caFile = caFile;
  }

  /** A client that is connected to this service. */
  async #at(url) {
    if (this.#client && this.#url === url && this.#client.state !== 'closed') return this.#client;
    await this.close();
    const { connect } = require('../../../index.js');
    const client = await connect(url, { timeout: WAIT, ...(this.#caFile ? { caFile: this.#caFile } : {}) });
    client.on('message', ({ payload }) => this.#waiting.shift()?.(payload));
    this.#url = url;
    this.#client = client;
    return client;
  }

  /**
   * Asks, and tells how it went as plain data: { payload } of what came back, { result } of a request, or { none } with the reason.
   * Rejects for what cannot be sent.
   */
  async ask({ service, publicKey }, { kind, form, text = '', method, params = '' }) {
    const client = await this.#at(service);
    const began = performance.now();
    const answer = kind === 'request' ? await this.#request(client, publicKey, method, params) : await this.#send(client, publicKey, form, text);
    return { ...answer, ms: Math.round((performance.now() - began) * 10) / 10, id: client.id };
  }

  async #request(client, publicKey, method, params) {
    try {
      const result = await client.request(publicKey, String(method), paramsFrom(params), { timeout: WAIT });
      return { result: JSON.stringify(result, undefined, 2) ?? 'null' };
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof TypeError) throw error;
      return { none: error.message, code: error.code };
    }
  }

  async #send(client, publicKey, form, text) {
    if (this.#waiting.length >= MOST_WAITING) throw new Error('too many payloads wait for an answer');
    const bytes = bytesFrom(form, text);
    let timer, wait;
    const answer = new Promise((resolve) => {
      wait = (payload) => resolve({ payload });
      timer = setTimeout(() => resolve({ none: `nothing came back within ${WAIT / 1000} s` }), WAIT);
      this.#waiting.push(wait);
    });
    try {
      await client.send(publicKey, bytes);
      return await answer;
    } catch (error) {
      return { none: error.message, code: error.code };
    } finally {
      clearTimeout(timer);
      this.#waiting = this.#waiting.filter((one) => one !== wait);
    }
  }

  async close() {
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }
}

module.exports = { Asker };
