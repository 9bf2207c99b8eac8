'use strict';
// Bytes in every form that scripts have them in: hexadecimal, a Buffer, a Uint8Array, another view, an ArrayBuffer; keys in all
// their lengths; and what is no such thing.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const http = require('node:http');
const { test } = require('node:test');
const { secp256k1 } = require('@noble/curves/secp256k1');
const { p256 } = require('@noble/curves/p256');
const { ed25519 } = require('@noble/curves/ed25519');
const { dapp, deploy, evaluate } = require('./lib/harness');

const FORMS = `(hex) => {
  const bytes = Buffer.from(hex, 'hex');
  const padded = new Uint8Array(bytes.length + 3); // a view that begins within its buffer
  padded.set(bytes, 2);
  return [hex, '0x' + hex, hex.toUpperCase(), bytes, new Uint8Array(bytes), padded.subarray(2, bytes.length + 2),
    new DataView(padded.buffer, 2, bytes.length), Uint8Array.from(bytes).buffer];
}`;

test('signers take bytes in every form, and sign them with the keys that they name', async (t) => {
  const digest = crypto.randomBytes(32).toString('hex');
  const { printed } = await evaluate(
    t,
    `const forms = (${FORMS})('${digest}');
     const of = (name) => forms.map((form) => _STD_.signers[name].sign(form));
     print(JSON.stringify([_STD_.job.getPublicKeys(), of('secp256r1'), of('secp256k1'), of('ed25519')]))`,
  );
  const [keys, ...signatures] = printed[0];
  const checks = [
    (one) => p256.verify(one, digest, keys.p256, { lowS: false }),
    (one) => secp256k1.verify(one, digest, keys.secp256k1), // refuses a high s
    (one) => ed25519.verify(one, digest, keys.ed25519),
  ];
  for (const [i, check] of checks.entries()) {
    assert.equal(signatures[i].length, 8);
    for (const one of signatures[i]) assert.ok(check(one));
  }
});

test('signers.secp256k1.sign gives the low s each time', async (t) => {
  const digests = Array.from({ length: 64 }, () => crypto.randomBytes(32).toString('hex'));
  const { printed } = await evaluate(
    t,
    `print(JSON.stringify([_STD_.job.getPublicKeys().secp256k1, ${JSON.stringify(digests)}.map((one) => _STD_.signers.secp256k1.sign(one))]))`,
  );
  const [key, signatures] = printed[0];
  for (const [i, one] of signatures.entries()) {
    assert.ok(!secp256k1.Signature.fromCompact(one).hasHighS());
    assert.ok(secp256k1.verify(one, digests[i], key));
  }
});

test('what is sealed in one form of key, salt and payload opens in each other', async (t) => {
  const curves = { secp256r1: 'prime256v1', secp256k1: 'secp256k1' };
  for (const [name, curve] of Object.entries(curves)) {
    const ecdh = crypto.createECDH(curve);
    ecdh.generateKeys();
    const raw = ecdh.getPublicKey().subarray(1).toString('hex'); // 64 bytes, as in the vendor's own tests
    const full = ecdh.getPublicKey('hex');
    const { printed } = await evaluate(
      t,
      `const { encrypt, decrypt } = _STD_.signers.${name};
       const forms = ${FORMS};
       const keys = [...forms('${raw}'), ...forms('${full}')], salts = forms('00ff'), plains = forms('1234');
       print(JSON.stringify(keys.map((key, i) => {
         const sealed = encrypt(key, salts[i % 8], plains[i % 8]);
         return forms(sealed).map((one, j) => decrypt(keys[(i + j) % keys.length], salts[j], one));
       })))`,
    );
    assert.deepEqual(printed[0].flat(), Array(16 * 8).fill('1234'));
  }
});

test('ws.send takes recipients and payloads in every form', async (t) => {
  const code = `_STD_.ws.open('wss://a.example', () => _STD_.ws.registerPayloadHandler(({ payload }) => {
    const { to, text } = JSON.parse(Buffer.from(payload, 'hex'));
    const forms = ${FORMS};
    const payloads = forms(Buffer.from(text).toString('hex'));
    for (const one of to) forms(one).forEach((form, i) => _STD_.ws.send(form, payloads[i]));
  }))`;
  const run = await deploy(t, { code });
  await run.deployment.ready;
  const user = await dapp(t, run);
  const { id, publicKey, uncompressedKey } = user.client.identity;
  const to = [id, publicKey, uncompressedKey, uncompressedKey.slice(2)];
  await user.send(JSON.stringify({ to, text: 'ä' }));
  for (let i = 0; i < to.length * 8; i++) assert.equal(await user.next(), 'ä');
});

test('a payload that is changed after ws.send goes out as it was', async (t) => {
  const code = `_STD_.ws.open('wss://a.example', () => _STD_.ws.registerPayloadHandler(({ sender }) => {
    const bytes = Buffer.from('before');
    _STD_.ws.send(sender, bytes);
    bytes.fill(0);
  }))`;
  const run = await deploy(t, { code });
  await run.deployment.ready;
  assert.equal(await (await dapp(t, run)).ask('?'), 'before');
});

test('httpPOST takes bytes for a body', async (t) => {
  const bodies = [];
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => response.end(String(bodies.push(Buffer.concat(chunks).toString('hex')))));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { events } = await evaluate(
    t,
    `for (const body of [Buffer.from('00ff', 'hex'), new Uint8Array([0, 255]), new Uint8Array([0, 255]).buffer])
       httpPOST('http://127.0.0.1:${server.address().port}/', body, {}, (text) => print(text), (m) => print(JSON.stringify(m)))`,
  );
  assert.equal(events.all.filter(({ event }) => event === 'print').length, 3);
  assert.deepEqual(bodies, ['00ff', '00ff', '00ff']);
});

test('print shows what is hexadecimal already as it is', async (t) => {
  const texts = ['00ff', '0x00FF', 'abc', '%s %d', ''];
  const { deployment, events } = await deploy(t, { code: `${JSON.stringify(texts)}.forEach((text) => print(text))` });
  await deployment.ended;
  assert.deepEqual(
    events.all.filter(({ event }) => event === 'print').map(({ text }) => text),
    texts,
  );
});
