'use strict';
// httpGET and httpPOST of a script: one request each, its text and its server's key handed to a callback.

const { createHash } = require('node:crypto');
const { bytesOf, callbackOf, isBytes, kindOf } = require('./hex.js');

const LIMIT = 16 * 1024 * 1024; // bytes of an answer
const TIMEOUT = 30_000; // ms, for all of it
const REDIRECTS = 5;
const USAGE = {
  GET: 'httpGET(url, headers, (payload, certificate) => {…}, (message) => {…})',
  POST: 'httpPOST(url, body, headers, (payload, certificate) => {…}, (message) => {…})',
};

function urlOf(value, method) {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  const got = typeof value === 'string' ? JSON.stringify(value) : kindOf(value);
  throw new TypeError(
    `url must be a string that begins with http:// or https://, not ${got}. This is how it is meant: ${USAGE[method]}`,
  );
}

function headersOf(value, method) {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value;
  throw new TypeError(`headers must be an object, not ${kindOf(value)}. This is how it is meant: ${USAGE[method]}`);
}

function bodyOf(value) {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (isBytes(value)) return bytesOf(value, 'body');
  throw new TypeError(`body must be a string or bytes, not ${kindOf(value)}. This is how it is meant: ${USAGE.POST}`);
}

/** What scripts get as `certificate`: SHA-256 of the server's public key (SPKI), as hex; empty without TLS. */
function keyHash(socket) {
  const key = socket.getPeerX509Certificate?.()?.publicKey;
  return key
    ? createHash('sha256')
        .update(key.export({ type: 'spki', format: 'der' }))
        .digest('hex')
    : '';
}

async function textOf(response) {
  const chunks = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > LIMIT) throw new Error(`the answer is larger than ${LIMIT / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send({ method, url, headers, body, ca }, signal) {
  const { request } = require(url.protocol === 'https:' ? 'node:https' : 'node:http');
  return new Promise((resolve, reject) => {
    // A connection of its own each time, so that the certificate is the one of this very exchange.
    const outgoing = request(url, {
      method,
      headers: { 'accept-encoding': 'identity', ...headers },
      agent: false,
      ca,
      signal,
    });
    outgoing.once('response', resolve).once('error', reject);
    outgoing.end(body);
  });
}

// Headers that a redirect leaves behind: those of the body where that stays, those for the first server where another is asked.
const OF_BODY = /^(content-.*|transfer-encoding|expect)$/i;
const OF_SERVER = /^((proxy-)?authorization|cookie|host)$/i;

// Where a redirect leads, as browsers read it: 303, and 301 and 302 after POST, become GET.
function redirected(exchange, response) {
  const url = new URL(response.headers.location, exchange.url);
  if (!/^https?:$/.test(url.protocol)) throw new Error(`redirected to ${url.protocol}, which is not followed`);
  const same = response.statusCode === 307 || response.statusCode === 308;
  const elsewhere = url.origin !== exchange.url.origin;
  const kept = ([name]) => !(elsewhere && OF_SERVER.test(name)) && (same || !OF_BODY.test(name));
  const headers = Object.fromEntries(Object.entries(exchange.headers).filter(kept));
  return same ? { ...exchange, url, headers } : { method: 'GET', url, headers, ca: exchange.ca };
}

/** One exchange, redirects followed; rejects for what a script's error callback gets. */
async function exchange(first) {
  const signal = AbortSignal.timeout(TIMEOUT);
  let next = first;
  for (let hop = 0; hop <= REDIRECTS; hop++) {
    const response = await send(next, signal);
    const { statusCode: status, statusMessage } = response;
    if ([301, 302, 303, 307, 308].includes(status) && response.headers.location) {
      response.resume();
      next = redirected(next, response);
      continue;
    }
    const certificate = keyHash(response.socket); // before the body: the socket may be gone after it
    const text = await textOf(response);
    if (status >= 400) throw new Error(`HTTP ${status} ${statusMessage}${text ? `: ${text.slice(0, 1024)}` : ''}`);
    return { text, certificate };
  }
  throw new Error(`more than ${REDIRECTS} redirects`);
}

const UNTRUSTED = new Set(['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT']);

function reasonOf(error) {
  if (UNTRUSTED.has(error.code)) return `${error.message}; --ca-file (caFile) takes a private authority`;
  return error.cause?.name === 'TimeoutError' ? `no answer within ${TIMEOUT / 1000} s` : error.message || error.code;
}

/**
 * The two functions for a script.
 * @param {(what: string, callback: Function | undefined, ...words: unknown[]) => void} call runs a callback of the script
 * @param {(event: string, more: object) => void} tell reports a failure that no callback takes
 * @param {string} [caFile] authorities to trust besides the usual ones
 */
function httpFunctions(call, tell, caFile) {
  const ca = caFile && [...require('node:tls').rootCertificates, require('node:fs').readFileSync(caFile, 'utf8')];
  function start(method, url, body, headers, success, error) {
    const ok = callbackOf(success, 'success', USAGE[method]);
    const failed = callbackOf(error, 'error', USAGE[method]);
    exchange({ method, url: urlOf(url, method), headers: headersOf(headers, method), body, ca }).then(
      ({ text, certificate }) => call(`success callback of http${method}`, ok, text, certificate),
      (reason) => {
        if (failed) call(`error callback of http${method}`, failed, reasonOf(reason));
        else tell('error', { where: `http${method}`, name: reason.name, message: reasonOf(reason) });
      },
    );
  }
  return {
    httpGET: (url, headers, success, error) => start('GET', url, undefined, headers, success, error),
    httpPOST: (url, body, headers, success, error) => start('POST', url, bodyOf(body), headers, success, error),
  };
}

module.exports = { httpFunctions };
