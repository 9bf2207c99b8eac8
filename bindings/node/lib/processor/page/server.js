'use strict';
// --page: what a deployment does, and a form that asks it, for a browser on this machine.
//
// The page can read everything and send to the script, so it answers nobody but the holder of its address: a random token is the first
// part of each path, compared in constant time. A page of another origin does not know it, and cannot come in by a name that leads to
// this machine: Host and Origin have to be this address. Nothing of what is shown is ever read as HTML, and the policy below says
// so to the browser as well.

const { createHash, randomBytes, timingSafeEqual } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { Asker } = require('./asker.js');
const { History, LONGEST } = require('./history.js');

const HOST = '127.0.0.1';
const LIMIT = 4 * 1024 * 1024; // bytes of a form
const BACKLOG = 32 * 1024 * 1024; // bytes that a browser may be behind; then it has to begin anew
const WATCHERS = 16;
const FILES = {
  '': ['index.html', 'text/html; charset=utf-8'],
  'page.css': ['page.css', 'text/css; charset=utf-8'],
  'page.js': ['page.js', 'text/javascript; charset=utf-8'],
  'view.js': ['view.js', 'text/javascript; charset=utf-8'],
};
const POLICY = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:"];
const NOWHERE = ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"];
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': [...POLICY, ...NOWHERE].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Whether two texts are equal, in a time that tells nothing of where they differ. */
function same(one, other) {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a, b);
}

async function jsonOf(request) {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) throw new Refused(415, 'JSON, please');
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LIMIT) throw new Refused(413, `a form has at most ${LIMIT / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  try {
    const value = JSON.parse(Buffer.concat(chunks));
    if (value !== null && typeof value === 'object') return value;
  } catch {
    // told below
  }
  throw new Refused(400, 'this is no JSON object');
}

class Page {
  #history = new History();
  #token = randomBytes(16).toString('hex');
  #server = http.createServer({ requestTimeout: 30_000 }, (request, response) => this.#answer(request, response));
  #watchers = new Set();
  #asker;
  #about;
  #target; // { service, publicKey }: whom the form asks
  #hosts;

  /**
   * @param {number} port 0: a free one
   * @param {{script?: string, env: object, caFile?: string}} settings
   */
  static async start(port, settings) {
    const page = new Page(settings);
    page.#server.maxConnections = 64;
    page.#server.listen(port, HOST);
    await once(page.#server, 'listening');
    const { port: taken } = page.#server.address();
    page.#hosts = [HOST, 'localhost'].map((name) => `${name}:${taken}`);
    page.url = `http://${HOST}:${taken}/${page.#token}/`;
    return page;
  }

  constructor({ script, env, caFile }) {
    this.#asker = new Asker(caFile);
    this.#about = JSON.stringify({ event: 'about', script: script && path.basename(script), env: Object.keys(env).sort() });
  }

  /** Takes an event of the deployment. */
  put(told) {
    if (told.event === 'ready') this.#target = { service: told.service, publicKey: told.publicKey };
    const line = this.#history.put(told);
    for (const watcher of this.#watchers) this.#write(watcher, line);
  }

  async close() {
    for (const watcher of this.#watchers) watcher.end();
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#asker.close();
  }

  async #answer(request, response) {
    try {
      await this.#route(request, response, this.#pathOf(request));
    } catch (error) {
      const { status = 500, message } = error;
      if (response.headersSent) return response.destroy();
      this.#say(response, status, 'text/plain; charset=utf-8', `${message}\n`);
    }
  }

  /** The path behind the token; throws for who has no business here. */
  #pathOf({ headers, url }) {
    if (!this.#hosts.includes(headers.host)) throw new Refused(421, 'this page is for this machine, by its number or as localhost');
    const origin = headers.origin ?? headers['sec-fetch-site'];
    const own = [undefined, 'same-origin', 'none', ...this.#hosts.map((host) => `http://${host}`)];
    const followed = headers.origin === undefined && headers['sec-fetch-dest'] === 'document'; // a link, as in an editor within a browser
    if (!own.includes(origin) && !followed) throw new Refused(403, 'pages of other origins have nothing to do here');
    const [, token = '', file = '', ...rest] = url.split('?')[0].split('/');
    if (!same(token, this.#token)) throw new Refused(403, 'the address has to be the whole one that was printed');
    if (rest.length > 0) throw new Refused(404, 'there is no such file');
    return file;
  }

  async #route(request, response, file) {
    if (file === 'ask') {
      if (request.method !== 'POST') throw new Refused(405, 'POST, please');
      return this.#ask(response, await jsonOf(request));
    }
    if (request.method !== 'GET') throw new Refused(405, 'GET, please');
    if (file === 'events') return this.#watch(response);
    if (!Object.hasOwn(FILES, file)) throw new Refused(404, 'there is no such file');
    const [name, type] = FILES[file];
    this.#say(response, 200, type, fs.readFileSync(path.join(__dirname, 'static', name)));
  }

  #say(response, status, type, body) {
    response.writeHead(status, { ...HEADERS, 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
  }

  #watch(response) {
    if (this.#watchers.size >= WATCHERS) throw new Refused(503, `${WATCHERS} pages are open already`);
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
    this.#watchers.add(response);
    response.on('close', () => this.#watchers.delete(response)).on('error', () => {});
    for (const line of [this.#about, ...this.#history.lines()]) this.#write(response, line);
  }

  // Who does not read is cut off, and asks again by itself.
  #write(watcher, line) {
    watcher.write(`data: ${line}\n\n`);
    if (watcher.writableLength > BACKLOG) watcher.destroy();
  }

  async #ask(response, form) {
    if (!this.#target) throw new Refused(409, 'the script has opened no connection yet');
    const { payload, ...told } = await this.#asker.ask(this.#target, form).catch(({ message }) => ({ none: message }));
    const shown = payload && { size: payload.length, hex: Buffer.from(payload).toString('hex', 0, LONGEST) };
    this.#say(response, 200, 'application/json', JSON.stringify({ ...told, ...(shown ? { payload: shown } : {}) }));
  }
}

module.exports = { Page };
