'use strict';
// The other end of http.js, in the thread of the test: each request of the script as a Request, for the test's function.

const { randomBytes } = require('node:crypto');
const { once } = require('node:events');
const http = require('node:http');
const { MEANT, SECRET } = require('./http.js');

const LIMIT = 16 * 1024 * 1024; // bytes of a request
const OURS = [MEANT, SECRET, 'connection', 'content-length', 'expect', 'host', 'keep-alive', 'transfer-encoding'];

async function bodyOf(incoming) {
  const chunks = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > LIMIT) throw new Error(`a request of more than ${LIMIT / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Also one of another realm, such as that of a test of jest. */
function isResponse(value) {
  return typeof value?.arrayBuffer === 'function' && typeof value.status === 'number';
}

/** What a test may return: a Response, text, or anything that JSON can say. */
function responseOf(value, request) {
  if (isResponse(value)) return value;
  if (value === undefined) return new Response(`the test has no answer to ${request.method} ${request.url}`, { status: 501 });
  return typeof value === 'string' ? new Response(value) : Response.json(value);
}

class FakeHttp {
  #answer;
  #told;
  #secret = randomBytes(16).toString('hex');
  #server = http.createServer((incoming, outgoing) => {
    // What the test throws is what the script's network does: the connection breaks.
    this.#serve(incoming, outgoing).catch(() => outgoing.destroy());
  });

  /**
   * @param {(request: Request) => unknown} answer
   * @param {(request: {method: string, url: string, headers: object, body: Buffer}) => void} told of each request
   */
  static async start(answer, told) {
    const fake = new FakeHttp();
    fake.#answer = answer;
    fake.#told = told;
    fake.#server.listen(0, '127.0.0.1').unref();
    await once(fake.#server, 'listening');
    return fake;
  }

  /** What the script's thread has to know. */
  get address() {
    return { port: this.#server.address().port, secret: this.#secret };
  }

  async #serve(incoming, outgoing) {
    const { method, url, headers } = incoming;
    if (headers[SECRET] !== this.#secret) return outgoing.writeHead(403).end();
    const own = Object.fromEntries(Object.entries(headers).filter(([name]) => !OURS.includes(name)));
    const asked = { method, url: headers[MEANT] + url, headers: own, body: await bodyOf(incoming) };
    this.#told(asked);
    const bodiless = method === 'GET' || method === 'HEAD' || asked.body.length === 0;
    const request = new Request(asked.url, { method, headers: flat(own), body: bodiless ? undefined : asked.body });
    const response = responseOf(await this.#answer(request), request);
    if (response.type === 'error') throw new Error('the test wants the connection to break');
    outgoing.writeHead(response.status, response.statusText || http.STATUS_CODES[response.status], [...response.headers].flat());
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  }

  async close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function flat(headers) {
  return Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
}

module.exports = { FakeHttp };
