'use strict';
// Whole scripts in the style that is deployed: the examples, each with a dApp that talks to it.

const assert = require('node:assert/strict');
const { createPublicKey, verify } = require('node:crypto');
const { once } = require('node:events');
const http = require('node:http');
const path = require('node:path');
const { test } = require('node:test');
const { client, within } = require('../lib/harness');
const { dapp, deploy, example, folder } = require('./lib/harness');

async function priceServer(t, price) {
  const server = http.createServer((request, response) => {
    const { searchParams } = new URL(request.url, 'http://localhost');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ pair: searchParams.get('pair'), price }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}/price`;
}

/** ECDSA over a message's SHA-256 by Node's own crypto, from a compressed secp256k1 key. */
function isSigned(message, signature, compressed) {
  const header = Buffer.from('3036301006072a8648ce3d020106052b8104000a032200', 'hex'); // SPKI of a compressed point
  const key = createPublicKey({
    key: Buffer.concat([header, Buffer.from(compressed, 'hex')]),
    format: 'der',
    type: 'spki',
  });
  return verify('sha256', Buffer.from(message), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'hex'));
}

test('a JSON-RPC oracle with bundled axios signs the median of its sources', async (t) => {
  const outfile = path.join(folder(t), 'bundle.js');
  const { build } = require('esbuild');
  await build({ entryPoints: [example('oracle.js')], bundle: true, platform: 'node', minify: true, outfile });
  const sources = await Promise.all([priceServer(t, 3), priceServer(t, '5.25'), priceServer(t, 100)]);
  const dead = 'http://127.0.0.1:9/';
  const run = await deploy(t, outfile, { env: { SOURCES: [...sources, dead].join() } });
  await run.events.next({ event: 'output', text: /oracle: open/ });
  const user = await dapp(t, run);

  const asker = await client(t, run.deployment.service);
  const { publicKey } = run.deployment;
  assert.deepEqual(await within(asker.request(publicKey, 'ping')), { status: 'alive', slot: 0 });
  const { body } = await within(asker.request(publicKey, 'price', { pair: 'EUR/CHF' }));
  assert.equal(JSON.parse(body).price, 5.25);
  await assert.rejects(within(asker.request(publicKey, 'nothing')), { remoteCode: -32601 });

  const { id, result } = await user.askJson({ jsonrpc: '2.0', id: 7, method: 'price', params: { pair: 'EUR/CHF' } });
  assert.equal(id, 7);
  assert.deepEqual(JSON.parse(result.body), { pair: 'EUR/CHF', price: 5.25, sources: 3 });
  assert.ok(isSigned(result.body, result.signature, result.publicKey));
  assert.ok(!isSigned(result.body + ' ', result.signature, result.publicKey));

  const errorOf = async (request) => (await user.askJson(request)).error.code;
  assert.equal(await errorOf({ id: 8, method: 'nothing' }), -32601);
  assert.equal(await errorOf({ id: 9, method: 'price' }), -32602);
  assert.equal(JSON.parse(await user.ask('{')).error.code, -32700);
  assert.deepEqual((await user.askJson({ id: 1, method: 'ping' })).result, { status: 'alive', slot: 0 });
});

test('prices by JSON-RPC, without anything to bundle', async (t) => {
  const { deployment } = await deploy(t, example('price.js'));
  const { service, publicKey } = await deployment.ready;
  const asker = await client(t, service);
  const ask = (...words) => within(asker.request(publicKey, ...words));
  assert.deepEqual(await ask('price', { pair: 'EUR/CHF' }), { pair: 'EUR/CHF', price: 0.94 });
  await assert.rejects(ask('price', { pair: 'CHF/CHF' }), { remoteCode: -32602 });
  await assert.rejects(ask('price'), { remoteCode: -32602 });
  await assert.rejects(ask('nothing'), { remoteCode: -32601 });
});

test('a live-code evaluator: eval, and console.log reassigned', async (t) => {
  const run = await deploy(t, example('live.js'));
  await run.deployment.ready;
  const user = await dapp(t, run);
  await user.send('console.log("a", 1); [1, 2].map((x) => x * 2)');
  assert.deepEqual(JSON.parse(await user.next()), { type: 'log', data: ['a', 1] });
  assert.deepEqual(JSON.parse(await user.next()), { type: 'result', data: [2, 4] });
  await run.events.next({ event: 'print', text: 'a 1' });
  const asked = async (code) => JSON.parse(await user.ask(code)).data;
  assert.equal(await asked('new Function("a", "return a + 1")(41)'), 42);
  assert.equal(await asked('typeof _STD_.ws.send + typeof require("fs").readFileSync'), 'functionfunction');
  assert.equal(await asked('new Promise((resolve) => setTimeout(resolve, 1, "late"))'), 'late');
  assert.equal(await asked('}'), "SyntaxError: Unexpected token '}'");
  assert.equal(await asked('missing.thing'), 'ReferenceError: missing is not defined');
});

test('an API key in the environment', async (t) => {
  const run = await deploy(t, example('api-key.js'), { env: { API_KEY: 's3cret' } });
  await run.deployment.ready;
  const user = await dapp(t, run);
  assert.deepEqual(await user.askJson({ apiKey: 's3cret', question: 'hey' }), { ok: true, answer: 'HEY' });
  assert.deepEqual(await user.askJson({ apiKey: 'other', question: 'hey' }), { ok: false, error: 'unauthorized' });
});

test('without its API key that script cannot start', async (t) => {
  const { deployment, events } = await deploy(t, example('api-key.js'));
  assert.equal(await within(deployment.ended), 1);
  const error = await events.next({ event: 'error', where: 'start' });
  assert.equal(error.message, 'API_KEY is not set');
  assert.equal(error.file, example('api-key.js'));
  assert.equal(error.line, 7);
});

test('a worker fans its results out', async (t) => {
  const run = await deploy(t, example('fan-out.js'));
  await run.deployment.ready;
  const { service } = run.deployment;
  const [asking, watching] = await Promise.all([client(t, service), client(t, service)]);
  const job = { from: 0, to: 3000, slice: 100, watchers: [watching.publicKey, `0x${watching.id}`] };
  await asking.sendJson(run.deployment.id, job);
  const results = async (of, count) => {
    const primes = [];
    for (let i = 0; i < count; i++) primes.push(...(await within(of.receive())).json().primes);
    return primes;
  };
  const [once, twice] = await Promise.all([results(asking, 30), results(watching, 60)]);
  assert.equal(once.length, 430); // primes below 3000
  assert.deepEqual(once.slice(0, 4), [2, 3, 5, 7]);
  assert.equal(twice.length, 860);
});

test('a handler that throws is reported with its place, and the deployment goes on', async (t) => {
  const file = example('throws.js');
  const run = await deploy(t, file);
  await run.deployment.ready;
  const user = await dapp(t, run);
  await user.send('now');
  const thrown = await run.events.next({ event: 'error', message: 'thrown in the handler' });
  assert.deepEqual([thrown.where, thrown.name, thrown.file, thrown.line], ['payload handler', 'TypeError', file, 5]);
  await user.send('rejected');
  const rejected = await run.events.next({ event: 'error', message: 'rejected in the handler' });
  assert.deepEqual([rejected.where, rejected.name, rejected.line], ['payload handler', 'RangeError', 7]);
  assert.equal(await user.ask('later'), 'later');
  const later = await run.events.next({ event: 'error', where: 'script' });
  assert.deepEqual([later.name, later.file, later.line], ['TypeError', file, 6]);
  assert.equal(await user.ask('still there'), 'still there');
  assert.equal(await run.deployment.stop(), 0);
});

test('two deployments in one process have a _STD_ each', async (t) => {
  const code = `globalThis.mine = _STD_.env.NAME;
    _STD_.ws.open(['wss://a.example'], () => _STD_.ws.registerPayloadHandler(({ sender }) =>
      _STD_.ws.send(sender, Buffer.from(globalThis.mine + _STD_.job.getPublicKeys().p256).toString('hex'))));`;
  const runs = await Promise.all(['one', 'two'].map((NAME) => deploy(t, { code }, { env: { NAME } })));
  for (const [index, run] of runs.entries()) {
    await run.deployment.ready;
    const user = await dapp(t, run);
    assert.equal(await user.ask(''), `${['one', 'two'][index]}${run.deployment.publicKey}`);
  }
  assert.equal(globalThis._STD_, undefined);
});
