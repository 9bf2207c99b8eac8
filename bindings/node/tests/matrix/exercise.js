'use strict';
// One version of Node at work with the package: signing, verifying, and wss:// as client and as service with an authority of
// our own, while Node's own crypto and https are in use in the same process before, during and after.
//
//   node exercise.js FOLDER URL     the two authorities good-* and bad-*, another service that has a certificate of the good one;
//                                   prints what was done as JSON

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { on, once } = require('node:events');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { promisify } = require('node:util');
const { Client, Identity, Service, connect, idOf, verify } = require('../..');

const [folder, elsewhere] = process.argv.slice(2);
const file = (name) => path.join(folder, name);
const text = (name) => fs.readFileSync(file(name), 'utf8');
const ROUNDS = 300;
const PAYLOAD = crypto.randomBytes(2000);
const done = { versions: process.versions.node, openssl: process.versions.openssl, uv: process.versions.uv };

/** Each side verifies what the other has signed, with the same key. */
function signAndVerify() {
  const identity = Identity.generate();
  const secret = crypto.createPrivateKey(identity.toPem());
  const message = crypto.randomBytes(100);
  const ours = identity.sign(message);
  const theirs = crypto.sign('sha256', message, { key: secret, dsaEncoding: 'ieee-p1363' });
  assert.ok(crypto.verify('sha256', message, { key: crypto.createPublicKey(secret), dsaEncoding: 'ieee-p1363' }, ours));
  assert.ok(verify(identity.publicKey, message, theirs));
  assert.ok(!verify(identity.publicKey, Buffer.from('another'), theirs));
  const short = crypto.createHash('sha256').update(Buffer.from(identity.publicKey, 'hex')).digest('hex').slice(0, 32);
  assert.equal(idOf(identity.publicKey), short);
  const other = Identity.generate('ed25519');
  assert.ok(crypto.verify(null, message, crypto.createPublicKey(crypto.createPrivateKey(other.toPem())), other.sign(message)));
}

async function startHttps() {
  const server = https.createServer({ key: text('good-key.pem'), cert: text('good-cert.pem') }, (request, response) => {
    request.pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** One exchange by Node's own TLS; what came back. */
function ask(url, body) {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method: body ? 'POST' : 'GET', ca: text('good-ca.pem'), agent: false }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part)).on('end', () => resolve(Buffer.concat(parts)));
    });
    request.on('error', reject).end(body);
  });
}

const echoes = async (server) => assert.deepEqual(await ask(`https://127.0.0.1:${server.address().port}/`, PAYLOAD), PAYLOAD);

/** Node's crypto and https, over and over until told to stop; how often. */
async function keepBusy(server, stop) {
  const scrypt = promisify(crypto.scrypt);
  let count = 0;
  do {
    await Promise.all([echoes(server), scrypt('secret', 'salt', 32, { N: 1024 })]);
    count += 1;
  } while (!stop.aborted);
  return count;
}

async function exchange(url) {
  await using(connect(url, { caFile: file('good-ca.pem'), timeout: 20_000 }), async (answerer) => {
    await using(connect(url, { caPem: text('good-ca.pem'), timeout: 20_000 }), async (asker) => {
      const questions = answerer[Symbol.asyncIterator]();
      const answers = asker[Symbol.asyncIterator]();
      for (let round = 0; round < ROUNDS; round++) {
        await asker.send(answerer.publicKey, PAYLOAD);
        const question = (await questions.next()).value;
        await answerer.send(question.sender, question.payload);
        assert.deepEqual(Buffer.from((await answers.next()).value.payload), PAYLOAD);
      }
    });
  });
}

/** `await using`, which not every version has. */
async function using(opening, body) {
  const opened = await opening;
  try {
    return await body(opened);
  } finally {
    await opened.close();
  }
}

/** An authority that did not sign the service's certificate does not get a client through, and the client says why. */
async function refuse(url) {
  const client = new Client(url, { caFile: file('bad-ca.pem') });
  const connecting = client.connect({ timeout: 20_000 }).catch((error) => error);
  for await (const [change] of on(client, 'state')) {
    if (change.state !== 'disconnected') continue;
    assert.equal(change.error.code, 'ACURAST_TLS');
    break;
  }
  await client.close();
  assert.equal((await connecting).code, 'ACURAST_CLOSED');
}

async function main() {
  const server = await startHttps();
  await echoes(server);
  signAndVerify();
  const service = await Service.start({ tlsCert: file('good-cert.pem'), tlsKey: file('good-key.pem') });
  assert.match(service.url, /^wss:/);
  const stop = new AbortController();
  const busy = keepBusy(server, stop.signal);
  await Promise.all([service.url, elsewhere].flatMap((url) => [exchange(url), refuse(url)]));
  done.healthy = (await ask(`https://127.0.0.1:${service.port}/healthz`)).toString().trim();
  stop.abort();
  done.busy = await busy;
  done.rounds = ROUNDS;
  await service.close();
  signAndVerify();
  await echoes(server);
  server.close();
  console.log(JSON.stringify(done));
}

main();
