'use strict';
// httpGET and httpPOST, and which hosts a script may connect to.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { createHash, X509Certificate } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const path = require('node:path');
const { test } = require('node:test');
const { ruleOf } = require('../../lib/processor/network.js');
const { command, evaluate, folder } = require('./lib/harness');

async function listen(t, server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return server.address().port;
}

/** A server that tells what it was asked, or does what the path says. */
async function httpServer(t) {
  const seen = [];
  const server = http.createServer(async (request, response) => {
    const body = (await request.toArray()).join('');
    seen.push({ method: request.method, url: request.url, headers: request.headers, body });
    const [, what, more] = request.url.split('/');
    if (what === 'status') return response.writeHead(Number(more)).end('its body');
    if (what === 'to') return response.writeHead(Number(more), { location: '/there' }).end();
    if (what === 'away') return response.writeHead(307, { location: `http://127.0.0.1:${more}/there` }).end();
    if (what === 'large') return response.end(Buffer.alloc(17 * 1024 * 1024));
    if (what === 'cut')
      return response.writeHead(200, { 'content-length': 10 }).write('half', () => request.socket.destroy());
    if (what === 'round') return response.writeHead(302, { location: '/round' }).end();
    response.end(`ä ${request.method}`);
  });
  return { url: `http://127.0.0.1:${await listen(t, server)}`, seen };
}

/** Runs calls of httpGET and httpPOST, `{ok}` and `{failed}` standing for the callbacks, and gives what the callbacks got. */
async function results(t, calls, options) {
  const wrapped = calls.map(
    (call) =>
      `new Promise((resolve) => ${call('(...w) => resolve(["ok", ...w]), (...w) => resolve(["error", ...w])')})`,
  );
  const { printed, events } = await evaluate(
    t,
    `Promise.all([${wrapped}]).then((all) => print(JSON.stringify(all)))`,
    options,
  );
  assert.equal(printed.length, 1, JSON.stringify(events.all));
  return printed[0];
}

test('GET and POST: method, headers and body arrive, the text comes back', async (t) => {
  const { url, seen } = await httpServer(t);
  const got = await results(t, [
    (callbacks) => `httpGET('${url}/get?a=1', { 'X-One': 'eins' }, ${callbacks})`,
    (callbacks) => `httpPOST('${url}/post', 'bödy', { 'Content-Type': 'text/plain' }, ${callbacks})`,
    (callbacks) => `httpGET('${url}/plain', {}, ${callbacks})`,
  ]);
  assert.deepEqual(got, [
    ['ok', 'ä GET', ''],
    ['ok', 'ä POST', ''],
    ['ok', 'ä GET', ''],
  ]);
  const of = (path) => seen.find(({ url }) => url === path);
  assert.equal(of('/get?a=1').headers['x-one'], 'eins');
  assert.equal(of('/post').body, 'bödy');
  assert.equal(of('/post').headers['content-type'], 'text/plain');
  assert.equal(of('/post').method, 'POST');
});

test('what goes wrong comes to the error callback', async (t) => {
  const { url } = await httpServer(t);
  const paths = {
    '/status/404': /^HTTP 404 Not Found: its body$/,
    '/status/500': /^HTTP 500 /,
    '/large': /larger than 16 MiB/,
  };
  Object.assign(paths, { '/cut': /aborted|hang up|ECONNRESET/, '/round': /^more than 5 redirects$/ });
  const urls = [...Object.keys(paths).map((one) => url + one), 'http://127.0.0.1:9/'];
  const got = await results(
    t,
    urls.map((one) => (callbacks) => `httpGET('${one}', {}, ${callbacks})`),
  );
  for (const [i, pattern] of [...Object.values(paths), /ECONNREFUSED/].entries()) {
    assert.equal(got[i][0], 'error');
    assert.match(got[i][1], pattern);
  }
});

test('redirects are followed', async (t) => {
  const { url, seen } = await httpServer(t);
  const got = await results(t, [
    (callbacks) => `httpGET('${url}/to/301', { a: 'b' }, ${callbacks})`,
    (callbacks) => `httpPOST('${url}/to/303', 'x', {}, ${callbacks})`,
    (callbacks) => `httpPOST('${url}/to/307', 'kept', {}, ${callbacks})`,
    (callbacks) => `httpPOST('${url}/to/302', 'body', { 'Content-Length': '4', 'Content-Type': 'a/b' }, ${callbacks})`,
  ]);
  assert.deepEqual(
    got.map(([, text]) => text),
    ['ä GET', 'ä GET', 'ä POST', 'ä GET'], // a GET that announces a body would wait for it
  );
  assert.deepEqual(
    seen.filter(({ url, body }) => url === '/there' && body).map(({ body }) => body),
    ['kept'],
  );
});

test('a redirect to another origin does not take credentials along, however they are spelt', async (t) => {
  const [first, second] = [await httpServer(t), await httpServer(t)];
  const headers = "{ AUTHORIZATION: 'secret', Cookie: 'secret', host: 'first.example', 'X-Other': 'told' }";
  await results(t, [
    (callbacks) => `httpGET('${first.url}/away/${new URL(second.url).port}', ${headers}, ${callbacks})`,
  ]);
  assert.equal(first.seen[0].headers.authorization, 'secret');
  const [{ headers: there }] = second.seen;
  assert.deepEqual([there.authorization, there.cookie, there['x-other']], [undefined, undefined, 'told']);
  assert.equal(there.host, new URL(second.url).host);
});

test('callbacks are optional, and wrong arguments are errors at the call that say how it is meant', async (t) => {
  const { url, seen } = await httpServer(t);
  const { events, code } = await evaluate(t, `httpGET('${url}/alone')`);
  assert.equal(code, 0);
  assert.equal(seen.length, 1);
  assert.equal(events.all.filter(({ event }) => event === 'error').length, 0);

  const calls = {
    'httpGET()': /url must be a string .*not undefined.*httpGET\(url, headers, /,
    "httpGET('ftp://a')": /url must be a string .*not "ftp:\/\/a"/,
    "httpGET('http://a', 'b')": /headers must be an object, not a string/,
    "httpGET('http://a', {}, {})": /success must be a function, not an object/,
    "httpPOST('http://a', { a: 1 })": /body must be a string or bytes, not an object/,
    "httpPOST('http://a', '', {}, null, 1)": /error must be a function, not a number.*httpPOST\(url, body, /,
  };
  for (const [call, pattern] of Object.entries(calls)) {
    const { events, code } = await evaluate(t, `\n\n${call}`);
    const error = await events.next({ event: 'error', where: 'start' });
    assert.match(error.message, pattern);
    assert.equal(error.line, 3);
    assert.equal(code, 1);
  }
});

test('a request that fails without a callback is reported; one without an answer says how long it waited', async (t) => {
  const { events } = await evaluate(t, "httpGET('http://127.0.0.1:9/')");
  const error = await events.next({ event: 'error', where: 'httpGET' });
  assert.match(error.message, /ECONNREFUSED/);

  const silent = http.createServer();
  t.after(() => silent.closeAllConnections());
  const port = await listen(t, silent);
  const hurry = 'const real = AbortSignal.timeout; AbortSignal.timeout = () => real.call(AbortSignal, 50);';
  const { printed } = await evaluate(
    t,
    `${hurry} httpGET('http://127.0.0.1:${port}/', {}, null, (message) => print(JSON.stringify(message)))`,
  );
  assert.deepEqual(printed, ['no answer within 30 s']);
});

test('a callback that throws is reported and harms nobody', async (t) => {
  const { url } = await httpServer(t);
  const { events, code } = await evaluate(t, `httpGET('${url}/', {}, () => { throw new Error('in success') })`);
  const error = await events.next({ event: 'error', message: 'in success' });
  assert.equal(error.where, 'success callback of httpGET');
  assert.equal(error.line, 1);
  assert.equal(code, 0);
});

test('certificate is the SHA-256 of the server’s public key; an unknown authority is an error', async (t) => {
  const dir = folder(t);
  const [keyFile, certFile] = ['key.pem', 'cert.pem'].map((name) => path.join(dir, name));
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...ec, '-keyout', keyFile, '-out', certFile, '-days', '2', ...subject], {
    stdio: 'pipe',
  });
  const cert = fs.readFileSync(certFile);
  const port = await listen(
    t,
    https.createServer({ key: fs.readFileSync(keyFile), cert }, (_, response) => response.end('secret')),
  );
  const script = path.join(dir, 'get.js');
  const callbacks = "(...words) => print(words.join(' ')), (message) => print('failed: ' + message)";
  fs.writeFileSync(script, `httpGET('https://localhost:${port}/', {}, ${callbacks})`);

  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  const trusted = command(t, [script], { env: { NODE_EXTRA_CA_CERTS: certFile } });
  const hash = createHash('sha256').update(spki).digest('hex');
  assert.equal((await trusted.events.next({ event: 'print' })).text, `secret ${hash}`);
  const stranger = command(t, [script], { env: { NODE_EXTRA_CA_CERTS: '' } });
  assert.match((await stranger.events.next({ event: 'print' })).text, /^failed: .*certificate/);
});

test('allowNet holds for httpGET, fetch, node:http and node:net', async (t) => {
  const { url, seen } = await httpServer(t);
  const { port } = new URL(url);
  const other = await httpServer(t);
  const code = `
    const fail = (error) => (error.cause ?? error).message;
    const net = require('net');
    const get = (one) => new Promise((resolve) => httpGET(one, {}, resolve, resolve));
    const raw = (...words) => new Promise((resolve) => net.connect(...words, () => resolve('connected')).on('error', (e) => resolve(e.message)).unref());
    const plain = (one) => new Promise((resolve) => require('http').get(one, () => resolve('answered')).on('error', (e) => resolve(e.message)));
    Promise.all([get('${url}'), get('${other.url}'), fetch('${other.url}').catch(fail), plain('${other.url}'),
      raw(${new URL(other.url).port}, '127.0.0.1'), raw({ port: ${port}, host: 'localhost' }), raw(${port}), raw('/nowhere.sock'), raw(${port}, '127.0.0.1')])
      .then((all) => { print(JSON.stringify(all)); process.exit(0) })`;
  const { printed } = await evaluate(t, code, { allowNet: [`127.0.0.1:${port}`] });
  const denied = /^connections to .* are not allowed here; --allow-net /;
  const [first, ...rest] = printed[0];
  assert.equal(first, 'ä GET');
  assert.equal(rest.pop(), 'connected');
  assert.equal(rest.length, 7);
  for (const message of rest) assert.match(message, denied);
  assert.equal(seen.length, 1);
  assert.equal(other.seen.length, 0);
});

test('allowNet: [] allows nothing, nor the services that the script names', async (t) => {
  const { events, code } = await evaluate(t, "_STD_.ws.open('wss://a.example', null, print)", {
    allowNet: [],
    local: false,
  });
  const error = await events.next({ event: 'error', where: 'start' });
  assert.equal(error.message, 'connections to a.example:443 are not allowed here; --allow-net a.example allows them');
  assert.equal(code, 1);
});

test('the forms of a host', () => {
  const allowed = ruleOf(['api.example', 'b.example:8080', '*.c.example', '[::1]:80', '2001:db8::1']);
  const yes = [
    ['API.example', 1],
    ['b.example', 8080],
    ['x.y.c.example', 443],
    ['::1', '80'],
    ['[2001:db8::1]', 5],
  ];
  const no = [
    ['xapi.example', 1],
    ['b.example', 8081],
    ['c.example', 443],
    ['xc.example', 443],
    ['::1', 81],
    ['127.0.0.1', 80],
  ];
  for (const [host, port] of yes) assert.ok(allowed(host, port), host);
  for (const [host, port] of no) assert.ok(!allowed(host, port), host);
  assert.throws(() => ruleOf(['']), /allowNet: "" is no host/);
});
