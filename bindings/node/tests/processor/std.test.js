'use strict';
// The members of `_STD_`, each against the documentation or against Node's own crypto.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { accountOf, addressOf } = require('../../lib/processor/address.js');
const { NOT_OFFERED } = require('../../lib/processor/members.js');
const { HERE, evaluate, folder } = require('./lib/harness');

const CURVES = {
  secp256r1: { node: 'prime256v1', jwk: 'P-256', file: 'p256', oid: '06082a8648ce3d030107' },
  secp256k1: { node: 'secp256k1', jwk: 'secp256k1', file: 'secp256k1', oid: '06052b8104000a' },
};

/** An expression of a script, evaluated by a deployment. */
async function value(t, expression, options) {
  const { printed, events } = await evaluate(t, `print(JSON.stringify(${expression}))`, options);
  assert.equal(printed.length, 1, JSON.stringify(events.all));
  return printed[0];
}

function ecKey(curve) {
  const ecdh = crypto.createECDH(CURVES[curve].node);
  ecdh.generateKeys();
  return { ecdh, compressed: ecdh.getPublicKey(null, 'compressed') };
}

function privateKeyOf(curve, { ecdh }) {
  const point = ecdh.getPublicKey();
  const numbers = { d: ecdh.getPrivateKey(), x: point.subarray(1, 33), y: point.subarray(33) };
  const words = Object.entries(numbers).map(([name, bytes]) => [name, bytes.toString('base64url')]);
  const jwk = { kty: 'EC', crv: CURVES[curve].jwk, ...Object.fromEntries(words) };
  return crypto.createPrivateKey({ key: jwk, format: 'jwk' });
}

/** A state folder with these keys, by file name. */
function stateWith(t, keys) {
  const state = folder(t);
  for (const [name, key] of Object.entries(keys)) {
    const pem = key.export({ type: 'pkcs8', format: 'pem' });
    fs.writeFileSync(path.join(state, `${name}.pem`), pem, { mode: 0o600 });
  }
  return state;
}

test('getPublicKeys and getEncryptionKeys are five keys, in the documented forms', async (t) => {
  const keys = await value(t, '[_STD_.job.getPublicKeys(), _STD_.job.getEncryptionKeys()]');
  assert.deepEqual(
    keys.map((of) => Object.keys(of)),
    [
      ['p256', 'secp256k1', 'ed25519'],
      ['p256', 'secp256k1'],
    ],
  );
  const { ed25519, ...rest } = keys[0];
  assert.match(ed25519, /^[0-9a-f]{64}$/);
  const points = [...Object.values(rest), ...Object.values(keys[1])];
  for (const key of points) assert.match(key, /^0[23][0-9a-f]{64}$/);
  assert.equal(new Set([...points, ed25519]).size, 5);
});

test('job, device, app_info, env and random', async (t) => {
  const got = await value(
    t,
    `{ id: _STD_.job.getId(), slot: _STD_.job.getSlot(), key: _STD_.device.getPublicKey(), address: _STD_.device.getAddress(),
       version: _STD_.app_info.version, env: [_STD_.env.A, _STD_.env['B'], environment('A'), environment('none') === undefined],
       random: [1, 2].map(() => _STD_.random.generateSecureRandomHex()), storage: require('fs').statSync(_STD_.job.storageDir).isDirectory() }`,
    { env: { A: 'x', B: '' } },
  );
  assert.deepEqual(Object.keys(got.id), ['origin', 'id']);
  assert.equal(got.id.origin.kind, 'Acurast');
  assert.match(got.id.origin.source, /^[0-9a-f]{64}$/);
  assert.equal(typeof got.id.id, 'string');
  assert.equal(got.slot, 0);
  assert.equal(got.address, addressOf(accountOf(Buffer.from(got.key, 'hex'))));
  assert.match(got.version, /^\d+\.\d+\.\d+-local$/);
  assert.deepEqual(got.env, ['x', '', 'x', true]);
  for (const one of got.random) assert.match(one, /^[0-9a-f]{64}$/);
  assert.notEqual(got.random[0], got.random[1]);
  assert.equal(got.storage, true);
});

test('addresses, by known answers of the Substrate tools', () => {
  const alice = Buffer.from('d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d', 'hex');
  assert.equal(addressOf(alice), '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
  const ecdsa = Buffer.from('020a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a1', 'hex');
  assert.equal(addressOf(accountOf(ecdsa)), '5C7C2Z5sWbytvHpuLTvzKunnnRwQxft1jiqrLD5rhucQ5S9X');
});

for (const [curve, { file, oid }] of Object.entries(CURVES)) {
  test(`${curve}.sign signs a digest as it is, with the pair of getPublicKeys`, async (t) => {
    const message = crypto.randomBytes(100);
    const digest = crypto.createHash('sha256').update(message).digest('hex');
    const [key, signature, prefixed] = await value(
      t,
      `[_STD_.job.getPublicKeys().${file}, ...['', '0x'].map((x) => _STD_.signers.${curve}.sign(x + '${digest}'))]`,
    );
    const point = Buffer.from(key, 'hex');
    const algorithm = Buffer.concat([Buffer.from('06072a8648ce3d0201', 'hex'), Buffer.from(oid, 'hex')]);
    const der = (tag, ...parts) => {
      const body = Buffer.concat(parts);
      return Buffer.concat([Buffer.of(tag, body.length), body]);
    };
    const spki = der(0x30, der(0x30, algorithm), der(0x03, Buffer.of(0), point));
    const publicKey = crypto.createPublicKey({ key: spki, format: 'der', type: 'spki' });
    for (const one of [signature, prefixed]) {
      assert.match(one, /^[0-9a-f]{128}$/);
      const rs = Buffer.from(one, 'hex');
      assert.ok(crypto.verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, rs));
    }
  });

  test(`${curve}.encrypt and decrypt, against Node's own crypto`, async (t) => {
    const ours = ecKey(curve);
    const peers = Array.from({ length: 4 }, () => ecKey(curve));
    peers.push(peerWithLeadingZero(curve, ours));
    const salts = [Buffer.alloc(16), crypto.randomBytes(16), Buffer.alloc(0), crypto.randomBytes(33), ours.compressed];
    const plains = [
      Buffer.alloc(0),
      Buffer.from('ä'),
      crypto.randomBytes(1000),
      Buffer.alloc(1),
      crypto.randomBytes(64),
    ];
    const jobs = peers.map((peer, i) => ({
      peer: peer.compressed.toString('hex'),
      salt: salts[i].toString('hex'),
      plain: plains[i].toString('hex'),
      sealed: seal(curve, secretOf(peer, ours), peer.compressed, ours.compressed, salts[i], plains[i]).toString('hex'),
    }));
    const signer = `_STD_.signers.${curve}`;
    const results = await value(
      t,
      `JSON.parse(environment('JOBS')).map(({ peer, salt, plain, sealed }) =>
        [${signer}.encrypt(peer, salt, plain), ${signer}.decrypt(peer, '0x' + salt, sealed)])`,
      {
        state: stateWith(t, { [`${file}-encryption`]: privateKeyOf(curve, ours) }),
        env: { JOBS: JSON.stringify(jobs) },
      },
    );
    for (const [i, [sealed, plain]] of results.entries()) {
      assert.equal(plain, jobs[i].plain);
      const opened = open(curve, secretOf(peers[i], ours), peers[i].compressed, ours.compressed, salts[i], sealed);
      assert.equal(opened.toString('hex'), jobs[i].plain);
    }
  });

  test(`${curve}.decrypt opens what was sealed with a secret that lost its leading zero, and nothing forged`, async (t) => {
    const ours = ecKey(curve);
    const peer = peerWithLeadingZero(curve, ours);
    const stripped = secretOf(peer, ours).subarray(1);
    assert.notEqual(stripped[0], 0);
    const plain = Buffer.from('sealed by the vendor');
    const sealed = seal(curve, stripped, peer.compressed, ours.compressed, Buffer.alloc(16), plain);
    const forged = Buffer.from(sealed);
    forged[20] ^= 1;
    const code = `
      const { decrypt } = _STD_.signers.${curve};
      const [peer, salt] = ['${peer.compressed.toString('hex')}', '00'.repeat(16)];
      const thrown = (sealed, of = salt) => { try { return decrypt(peer, of, sealed) } catch (error) { return error.message } };
      print(JSON.stringify([decrypt(peer, salt, '${sealed.toString('hex')}'), thrown('${forged.toString('hex')}'),
        thrown('${sealed.toString('hex')}', '01'.repeat(16)), thrown('00')]))`;
    const state = stateWith(t, { [`${file}-encryption`]: privateKeyOf(curve, ours) });
    const { printed } = await evaluate(t, code, { state });
    const [opened, ...refused] = printed[0];
    assert.equal(opened, plain.toString('hex'));
    for (const message of refused) assert.doesNotMatch(message, /^[0-9a-f]*$/);
  });
}

function secretOf(peer, ours) {
  return peer.ecdh.computeSecret(ours.compressed); // 32 bytes, always
}

function peerWithLeadingZero(curve, ours) {
  for (let tries = 0; tries < 20_000; tries++) {
    const peer = ecKey(curve);
    const secret = secretOf(peer, ours);
    if (secret[0] === 0 && secret[1] !== 0) return peer;
  }
  throw new Error('no secret with a leading zero was found');
}

// The scheme, written down once more and by other means than the core's.
function keyOf(curve, secret, one, other, salt) {
  const keys = [one, other].sort((a, b) => a.length - b.length || Buffer.compare(a, b));
  const info = Buffer.concat([Buffer.from(`ECDH ${curve} AES-256-GCM-SIV`), ...keys]);
  return Buffer.from(crypto.hkdfSync('sha256', secret, salt, info, 32));
}

function seal(curve, secret, one, other, salt, plain) {
  const iv = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv('aes-256-gcm', keyOf(curve, secret, one, other, salt), iv);
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(curve, secret, one, other, salt, hex) {
  const sealed = Buffer.from(hex, 'hex');
  const decipher = crypto.createDecipheriv(
    'aes-256-gcm',
    keyOf(curve, secret, one, other, salt),
    sealed.subarray(0, 12),
  );
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
}

test('ed25519.sign signs the bytes', async (t) => {
  const [key, signature] = await value(t, `[_STD_.job.getPublicKeys().ed25519, _STD_.signers.ed25519.sign('0x00ff')]`);
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key, 'hex').toString('base64url') };
  const publicKey = crypto.createPublicKey({ key: jwk, format: 'jwk' });
  assert.ok(crypto.verify(null, Buffer.from([0, 255]), publicKey, Buffer.from(signature, 'hex')));
});

test('wrong arguments of signers are named', async (t) => {
  const calls = {
    "secp256r1.sign('00')": /^payload \(a digest\) must be 32 bytes, not 1$/,
    'secp256k1.sign(new Uint8Array(31))': /^payload \(a digest\) must be 32 bytes, not 31$/,
    'secp256k1.sign({})': /^payload \(a digest\) must be a string of hexadecimal digits, or bytes, not an object$/,
    "ed25519.sign('xy')": /^payload must be hexadecimal digits; this has other characters\. Buffer\.from\(text\)/,
    "ed25519.sign('abc')": /^payload must be hexadecimal digits; this has 3 digits, an odd number$/,
    "secp256r1.encrypt('00', '', '')": /^publicKey must be 33 or 64 or 65 bytes, not 1$/,
    "secp256r1.encrypt('02'.repeat(33), undefined, '')": /^salt must be a string of hexadecimal digits, or bytes, not undefined$/,
    "secp256k1.decrypt('02'.repeat(33), '', 1)": /^payload must be a string of hexadecimal digits, or bytes, not a number$/,
  };
  const attempts = Object.keys(calls).map((call) => `() => _STD_.signers.${call}`);
  const messages = await value(
    t,
    `[${attempts}].map((call) => { try { return call() } catch (error) { return error.message } })`,
  );
  for (const [i, pattern] of Object.values(calls).entries()) assert.match(messages[i], pattern);
});

test('what is not offered says so, with its place in the documentation, when it is used and not before', async (t) => {
  const documented = fs.readFileSync(path.join(HERE, 'lib', 'processor', 'README.md'), 'utf8');
  const section = documented.slice(documented.indexOf('## Not offered'));
  for (const heading of Object.values(NOT_OFFERED)) assert.match(section, new RegExp(`^### ${heading}$`, 'm'));

  const uses = {
    '_STD_.p2p.start({}, () => {})': '_STD_.p2p.start',
    'new _STD_.webview.Tab()': '_STD_.webview.Tab',
    '`${_STD_.p2p}`': '_STD_.p2p',
    '_STD_.llama.server.start([])': '_STD_.llama.server.start',
    '_STD_.webview.getDebugUrl()': '_STD_.webview.getDebugUrl',
    '_STD_.webview()': '_STD_.webview',
  };
  const attempts = Object.keys(uses).map((use) => `() => ${use}`);
  const got = await value(
    t,
    `[${attempts}].map((use) => { try { return [use()] } catch (e) { return [e.code, e.message, e.member] } })`,
  );
  for (const [i, member] of Object.values(uses).entries()) {
    assert.equal(got[i][0], 'ACURAST_NOT_OFFERED');
    assert.equal(got[i][2], member);
    assert.ok(got[i][1].startsWith(`${member} is not offered by acurast-processor; see "`), got[i][1]);
  }
});

test('what is not offered can be looked at, printed, awaited, replaced and left out', async (t) => {
  const looks = `[typeof _STD_.p2p, !!_STD_.p2p?.start, Object.keys(_STD_).includes('p2p'), JSON.stringify({ a: _STD_.llama }),
    (console.log(_STD_, _STD_.p2p), 1), (_STD_.webview = { newTab: () => 'mine' }).newTab(), _STD_.webview.newTab()]`;
  const { printed } = await evaluate(
    t,
    `(async () => { const waited = await _STD_.llama; print(JSON.stringify([...${looks}, typeof waited])) })()`,
  );
  assert.deepEqual(printed[0], ['function', true, false, '{}', 1, 'mine', 'mine', 'function']);
  assert.equal(await value(t, `'p2p' in _STD_ || typeof _STD_.webview`, { without: ['p2p', 'webview'] }), 'undefined');
});

test('globals can be shadowed and replaced', async (t) => {
  const shadowed = `const print_ = print; const fetch = 1; const httpGET = 2; { const print = 3; const _STD_ = fetch + httpGET + print;
    print_(JSON.stringify(_STD_)); } globalThis.environment = () => 'replaced'; print_(JSON.stringify(environment('x')))`;
  assert.deepEqual((await evaluate(t, shadowed)).printed, [6, 'replaced']);
});
