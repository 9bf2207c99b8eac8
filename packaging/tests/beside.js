'use strict';
// One process, two copies of OpenSSL:  node beside.js CERTIFICATES FIRST SECONDS
//
// FIRST is `acurast` or `node`: who uses TLS first. Then requests go through acurast by TLS while Node's https does the same, and
// node:crypto signs. The last line is `beside: ...` with what was done.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');

const [folder, first, seconds] = process.argv.slice(2);
const at = (name) => path.join(folder, name);
const end = Date.now() + Number(seconds) * 1000;
const done = { requests: 0, handshakes: 0, signatures: 0 };

async function nodes() {
  const server = https.createServer({ cert: fs.readFileSync(at('cert.pem')), key: fs.readFileSync(at('key.pem')) }, (request, answer) => {
    request.resume().on('end', () => answer.end('TEXT'.repeat(1000)));
  });
  await new Promise((ready) => server.listen(0, 'localhost', ready));
  const ca = fs.readFileSync(at('ca.pem'));
  const { privateKey, publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const get = () =>
    new Promise((resolve, reject) => {
      const request = https.get({ host: 'localhost', port: server.address().port, ca, agent: false }, (answer) => {
        let size = 0;
        answer.on('data', (data) => (size += data.length)).on('end', () => resolve(size));
      });
      request.on('error', reject);
    });
  do {
    assert.equal(await get(), 4000);
    done.handshakes++;
    const signature = crypto.sign('sha256', 'signed', privateKey);
    assert.equal(crypto.verify('sha256', 'signed', publicKey, signature), true);
    assert.equal(crypto.verify('sha256', 'forged', publicKey, signature), false);
    done.signatures++;
  } while (Date.now() < end);
  server.close();
}

async function ours() {
  const { Service, connect } = require('acurast');
  const service = await Service.start({ tlsCert: at('cert.pem'), tlsKey: at('key.pem') });
  const settings = { timeout: 30_000, caFile: at('ca.pem') };
  const url = service.url.replace('127.0.0.1', 'localhost');
  const processor = await connect(url, settings);
  processor.serve({ echo: (params) => params });
  do {
    const dapp = await connect(url, settings);
    for (let number = 0; number < 20; number++) {
      const asked = { number, text: 'e'.repeat(1000 * number) };
      assert.deepEqual(await dapp.request(processor.publicKey ?? processor.id, 'echo', asked, { timeout: 30_000 }), asked);
      done.requests++;
    }
    await dapp.close();
  } while (Date.now() < end);
  await processor.close();
  await service.close();
}

(async () => {
  const order = first === 'acurast' ? [ours, nodes] : [nodes, ours];
  await Promise.all(order.map((one) => one()));
  for (const [what, times] of Object.entries(done)) assert.ok(times > 0, what);
  console.log(`beside: ${first} first, ${JSON.stringify(done)}`);
})();
