'use strict';
// `_STD_.tunnel`: a port on loopback that leads to the script's own server, told as the tunnel's URL. On a processor a relay in the
// internet ends TLS and sends on what it decrypted; here the URL is http:, and nothing is decrypted.

const { createHash, createPrivateKey, createPublicKey } = require('node:crypto');
const net = require('node:net');
const { callbackOf, kindOf } = require('./hex.js');
const { direct } = require('./network.js');

const STATUS = { none: -1, running: 1, stopped: 2 };
const USAGE = {
  start: '_STD_.tunnel.start({ serverAddrs, domainSuffix, localAddr, primaryKey }, ({ url, clientId }) => {…}, (message) => {…})',
  stop: '_STD_.tunnel.stop(() => {…}, (message) => {…})',
  status: '_STD_.tunnel.status((status) => {…}, (message) => {…})',
  certPem: '_STD_.tunnel.certPem((pem) => {…}, (message) => {…})',
};

function wrong(words) {
  return new TypeError(`${words}. This is how it is meant: ${USAGE.start}`);
}

function localOf(text) {
  const [, v6, name, digits] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d+)$/i.exec(text) ?? [];
  const port = Number(digits);
  if (!digits || port < 1 || port > 65_535) throw wrong(`localAddr must be host:port, not ${JSON.stringify(text)}`);
  return { host: v6 ?? name, port };
}

/** What a relay would know the deployment by: made of the public key, as the real one is. */
function clientIdOf(primaryKey) {
  if (primaryKey?.algorithm !== 'Secp256r1') throw wrong("primaryKey.algorithm must be 'Secp256r1'");
  let key;
  try {
    key = createPrivateKey({ key: Buffer.from(primaryKey.bytes, 'base64'), format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw wrong(`primaryKey.bytes must be a key as base64 of PKCS#8: ${cause.message}`);
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw wrong('primaryKey.bytes must be a P-256 key');
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex').slice(0, 32);
}

function checked(spec) {
  if (spec === null || typeof spec !== 'object') throw wrong(`spec must be an object, not ${kindOf(spec)}`);
  const { serverAddrs, domainSuffix, localAddr, primaryKey, certPem = null } = spec;
  if (!Array.isArray(serverAddrs) || serverAddrs.length === 0) throw wrong('serverAddrs must be a list of host:port');
  if (typeof domainSuffix !== 'string' || domainSuffix === '') throw wrong('domainSuffix must be a domain');
  if (typeof localAddr !== 'string') throw wrong(`localAddr must be host:port, not ${kindOf(localAddr)}`);
  return { local: localOf(localAddr), clientId: clientIdOf(primaryKey), certPem };
}

class Tunnel {
  #call;
  #tell;
  #server;
  #sockets = new Set();
  #status = STATUS.none;
  #certPem = null;

  constructor({ call, tell }) {
    this.#call = call;
    this.#tell = tell;
  }

  /** What the script gets. */
  face() {
    return {
      start: (spec, success, error) => this.#answer('start', success, error, () => this.#start(spec)),
      stop: (success, error) => this.#answer('stop', success, error, () => this.#stop()),
      status: (success, error) => this.#answer('status', success, error, () => this.#status),
      certPem: (success, error) => this.#answer('certPem', success, error, () => this.#certPem),
    };
  }

  #answer(name, success, error, work) {
    const ok = callbackOf(success, 'success', USAGE[name]);
    const failed = callbackOf(error, 'error', USAGE[name]);
    Promise.resolve()
      .then(work)
      .then(
        (value) => this.#call(`success callback of tunnel.${name}`, ok, ...(value === undefined ? [] : [value])),
        (reason) => {
          if (failed) this.#call(`error callback of tunnel.${name}`, failed, reason.message);
          else this.#tell('error', { where: `tunnel.${name}`, name: reason.name, message: reason.message });
        },
      );
  }

  async #start(spec) {
    const { local, clientId, certPem } = checked(spec);
    if (this.#server) throw new Error('a tunnel is active already: call _STD_.tunnel.stop first');
    const server = (this.#server = net.createServer({ allowHalfOpen: true }, (outer) => this.#forward(outer, local)));
    await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    this.#status = STATUS.running;
    this.#certPem = certPem;
    return { url: `http://127.0.0.1:${server.address().port}`, clientId };
  }

  #forward(outer, local) {
    const inner = direct(local);
    for (const [one, other] of [
      [outer, inner],
      [inner, outer],
    ]) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy()).once('close', () => this.#sockets.delete(one));
      one.pipe(other);
    }
  }

  async #stop() {
    const server = this.#server;
    if (!server) throw new Error('no tunnel is active');
    this.#server = undefined;
    this.#status = STATUS.stopped;
    this.#certPem = null;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

module.exports = { Tunnel };
