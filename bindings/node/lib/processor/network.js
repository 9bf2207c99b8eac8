'use strict';
// --allow-net: which hosts a script may connect to. Kept where every TCP connection of this thread's JavaScript passes:
// httpGET and httpPOST, fetch, node:http(s), node:net, and whatever is bundled on top. A hindrance for accidents, no
// sandbox: a script that wants out finds a way (a child process, a thread, UDP).

const net = require('node:net');

/** @typedef {(host: string, port: number | string | undefined) => boolean} Allowed */

class NotAllowedError extends Error {
  constructor(host, port) {
    super(`connections to ${host}${port ? `:${port}` : ''} are not allowed here; --allow-net ${host} allows them`);
    this.code = 'ACURAST_NOT_ALLOWED';
  }
}

/** Whether a text is the address of a service. */
function isService(text) {
  return /^wss?:/i.test(text) && URL.canParse(text);
}

// `name`, `name:port`, `[v6]:port`, or a bare v6 address.
function hostOf(text) {
  const rule = text.trim().toLowerCase();
  const [, host, port] = /^\[(.+)\](?::(\d+))?$/.exec(rule) ?? /^([^:]+)(?::(\d+))?$/.exec(rule) ?? [];
  if (host) return { host, port };
  if (net.isIPv6(rule)) return { host: rule };
  throw new TypeError(`allowNet: ${JSON.stringify(text)} is no host`);
}

/**
 * The rule for a list of hosts: those of hostOf(), and `*.domain` for what is below a domain.
 * @param {readonly string[] | undefined} hosts undefined allows all
 * @returns {Allowed}
 */
function ruleOf(hosts) {
  if (!hosts) return () => true;
  const rules = hosts.map(hostOf);
  return (given, port) => {
    const name = String(given)
      .toLowerCase()
      .replace(/^\[|\]$/g, '');
    return rules.some((rule) => {
      const fits = rule.host.startsWith('*.') ? name.endsWith(rule.host.slice(1)) : name === rule.host;
      return fits && (!rule.port || Number(rule.port) === Number(port));
    });
  };
}

// The forms of net.Socket.connect(): options, (port, host), (path), or the list that net.connect() hands on.
function targetOf([first, second]) {
  if (Array.isArray(first)) return targetOf(first);
  if (first !== null && typeof first === 'object')
    return { host: first.path ?? first.host ?? 'localhost', port: first.port };
  if (typeof first === 'string' && !/^\d+$/.test(first)) return { host: first };
  return { host: typeof second === 'string' ? second : 'localhost', port: first };
}

const { connect } = net.Socket.prototype; // before restrict()

/** A connection of the runner's own, which no rule of --allow-net is about. */
function direct(target) {
  return connect.call(new net.Socket({ allowHalfOpen: true }), target);
}

/** From now on this thread connects only to what `allowed` says, and to `ownPort` of this machine. */
function restrict(allowed, ownPort) {
  net.Socket.prototype.connect = function (...words) {
    const { host, port } = targetOf(words);
    const own = ownPort !== undefined && host === '127.0.0.1' && Number(port) === ownPort;
    if (own || allowed(host, port)) return connect.apply(this, words);
    process.nextTick(() => this.destroy(new NotAllowedError(host, port)));
    return this;
  };
}

module.exports = { NotAllowedError, direct, isService, restrict, ruleOf };
