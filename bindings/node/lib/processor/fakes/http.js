'use strict';
// In the script's thread: whatever asks by HTTP, asks the test instead: httpGET and httpPOST, fetch, node:http and node:https with
// what is bundled on top. The test answers at a port of this machine, which is told where a request was meant to go.

const http = require('node:http');
const https = require('node:https');
const { syncBuiltinESMExports } = require('node:module');

const MEANT = 'x-acurast-meant-for';
const SECRET = 'x-acurast-secret';
const REDIRECTS = 20;
const PORTS = { 'http:': 80, 'https:': 443 };

/** Where the arguments of http.request() lead, and what else they say. */
function readArguments(protocol, [first, second, third]) {
  const given = typeof first === 'string' || first instanceof URL;
  const url = given ? new URL(first) : undefined;
  const rest = given ? second : first;
  const options = typeof rest === 'object' && rest !== null ? rest : {};
  const callback = [first, second, third].find((one) => typeof one === 'function');
  const host = String(options.hostname ?? options.host ?? url?.hostname ?? 'localhost').replace(/^\[|\]$/g, '');
  const port = Number(options.port ?? url?.port) || PORTS[options.protocol ?? url?.protocol ?? protocol];
  const path = options.path ?? (url ? url.pathname + url.search : '/');
  return { protocol: options.protocol ?? url?.protocol ?? protocol, host, port, path, options, callback };
}

function originOf({ protocol, host, port }) {
  const name = host.includes(':') ? `[${host}]` : host;
  return `${protocol}//${name}${port === PORTS[protocol] ? '' : `:${port}`}`;
}

/** Headers in any form that http.request() takes, and more. */
function headersOf(headers = {}, more) {
  if (!Array.isArray(headers)) return { ...headers, ...more };
  const flat = headers.flat();
  const named = {};
  for (let at = 0; at < flat.length; at += 2) named[flat[at]] = flat[at] in named ? [named[flat[at]], flat[at + 1]].flat() : flat[at + 1];
  return { ...named, ...more };
}

/** http.request() or https.request() that goes to the test. */
function requestTo({ port, secret }, protocol, allowed, real) {
  const plain = http.request;
  return function request(...words) {
    const meant = readArguments(protocol, words);
    if (!allowed(meant.host, meant.port)) return real.apply(this, words); // which says that it is not allowed
    const { method, headers, signal, timeout, auth, setHost } = meant.options;
    const marks = { [MEANT]: originOf(meant), [SECRET]: secret };
    const target = { protocol: 'http:', host: '127.0.0.1', port, path: meant.path, agent: false };
    return plain({ ...target, method, signal, timeout, auth, setHost, headers: headersOf(headers, marks) }, meant.callback);
  };
}

function replaceRequests(fake, allowed) {
  const faked = [[http, 'http:'], [https, 'https:']].map(([module, protocol]) => [
    module,
    requestTo(fake, protocol, allowed, module.request),
  ]);
  for (const [module, request] of faked) {
    module.request = request;
    module.get = (...words) => request(...words).end();
  }
}

/** What follows a redirect, as fetch() has it; undefined where there is none to follow. */
function followed(request, response) {
  const location = response.headers.get('location');
  if (!location || ![301, 302, 303, 307, 308].includes(response.status) || request.redirect !== 'follow') return undefined;
  const url = new URL(location, request.url);
  const same = response.status === 307 || response.status === 308 || request.method === 'GET';
  return new Request(url, same ? { method: request.method, headers: request.headers } : { method: 'GET' });
}

function replaceFetch({ port, secret }, allowed) {
  const real = globalThis.fetch;
  const ask = async (request) => {
    const { hostname, pathname, port: given, protocol, search, origin } = new URL(request.url);
    if (!PORTS[protocol] || !allowed(hostname, given || PORTS[protocol])) return real(request);
    const headers = new Headers(request.headers);
    headers.set(MEANT, origin);
    headers.set(SECRET, secret);
    const body = request.body ? await request.arrayBuffer() : undefined;
    const { method, signal } = request;
    const response = await real(`http://127.0.0.1:${port}${pathname}${search}`, { method, headers, body, signal, redirect: 'manual' });
    return Object.defineProperty(response, 'url', { value: request.url });
  };
  globalThis.fetch = async function fetch(input, init) {
    let request = new Request(input, init);
    for (let hop = 0; hop <= REDIRECTS; hop++) {
      const response = await ask(request.clone());
      const next = followed(request, response);
      if (!next) return response;
      request = next;
    }
    throw new TypeError('fetch failed', { cause: new Error('redirect count exceeded') });
  };
}

/**
 * From now on this thread's requests go to the test, but those to hosts that are not allowed.
 * @param {{port: number, secret: string}} fake
 * @param {(host: string, port: number) => boolean} allowed
 */
function redirect(fake, allowed) {
  replaceFetch(fake, allowed);
  replaceRequests(fake, allowed);
  syncBuiltinESMExports();
}

module.exports = { MEANT, SECRET, redirect };
