'use strict';
// Members that stand in for what only a phone has: tunnel, network, sentry, _DEVTOOLS_; what --without makes absent; and what nobody knows.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { scriptHash } = require('../../lib/processor/script-hash.js');
const { command, deploy, evaluate, folder, within } = require('./lib/harness');

const KEY = crypto
  .generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  .privateKey.export({ type: 'pkcs8', format: 'der' })
  .toString('base64');

/** A script with the tunnel's calls as promises, and `spec(localAddr)`. */
const TUNNEL = (code) => `
  const http = require('node:http');
  const of = (name, ...words) => new Promise((resolve, reject) => _STD_.tunnel[name](...words, resolve, reject));
  const spec = (localAddr, more) => ({ serverAddrs: ['relay.example:443'], domainSuffix: 'a.example', localAddr,
    primaryKey: { algorithm: 'Secp256r1', bytes: '${KEY}' }, ...more });
  const failed = (promise) => promise.then(() => 'no failure', (message) => message);
  const tell = (value) => print(JSON.stringify(value));
  (async () => { ${code} })().catch((error) => tell(String(error)));`;

const SERVER = `
  const server = http.createServer((request, response) => response.end('hello ' + request.url)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const local = '127.0.0.1:' + server.address().port;`;

test('a tunnel leads from its URL to the script, once, until it is stopped', async (t) => {
  const code = TUNNEL(`${SERVER}
    const before = await of('status');
    const info = await of('start', spec(local, { certPem: 'PEM' }));
    tell({ before, info, running: await of('status'), pem: await of('certPem'), again: await failed(of('start', spec(local))) });
    await new Promise((resolve) => (globalThis.goOn = resolve), setInterval(() => require('fs').existsSync(_STD_.job.storageDir + '/stop') && goOn(), 20));
    await of('stop');
    tell({ stopped: await of('status'), pem: await of('certPem'), twice: await failed(of('stop')), next: (await of('start', spec(local))).clientId });
    process.exit();`);
  const { deployment, events } = await deploy(t, { code: `print(_STD_.job.storageDir);${code}` }, { allowNet: [] });
  const { text: storage } = await events.next({ event: 'print', text: /storage$/ });
  const first = JSON.parse((await events.next({ event: 'print', text: /before/ })).text);
  const { url, clientId } = first.info;
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.match(clientId, /^[0-9a-f]{32}$/);
  const { info: _info, ...rest } = first;
  assert.deepEqual(rest, { before: -1, running: 1, pem: 'PEM', again: 'a tunnel is active already: call _STD_.tunnel.stop first' });
  const answers = await Promise.all([1, 2, 3].map(async (i) => (await fetch(`${url}/${i}`)).text()));
  assert.deepEqual(answers, ['hello /1', 'hello /2', 'hello /3']);
  fs.writeFileSync(path.join(storage, 'stop'), '');
  const last = JSON.parse((await events.next({ event: 'print', text: /stopped/ })).text);
  assert.deepEqual(last, { stopped: 2, pem: null, twice: 'no tunnel is active', next: clientId });
  assert.equal(await within(deployment.ended), 0);
  await assert.rejects(fetch(url));
});

test('a tunnel to where nobody listens closes what comes; a connection that ends one way goes on the other way', async (t) => {
  const code = TUNNEL(`
    const net = require('node:net');
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      let text = '';
      socket.on('data', (chunk) => (text += chunk)).on('end', () => socket.end('all of ' + text));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { url } = await of('start', spec('127.0.0.1:' + server.address().port));
    tell(url);`);
  const { events } = await deploy(t, { code });
  const url = new URL(JSON.parse((await events.next({ event: 'print' })).text));
  const talk = () =>
    new Promise((resolve, reject) => {
      let text = '';
      const socket = net.connect({ host: url.hostname, port: url.port, allowHalfOpen: true }, () => socket.end('it'));
      socket.on('data', (chunk) => (text += chunk)).on('error', reject).on('close', () => resolve(text));
    });
  assert.equal(await within(talk()), 'all of it');

  const dead = await deploy(t, { code: TUNNEL("tell((await of('start', spec('127.0.0.1:9'))).url)") });
  const nowhere = JSON.parse((await dead.events.next({ event: 'print' })).text);
  await assert.rejects(fetch(nowhere));
});

test('what is wrong in a tunnel is told to the error callback', async (t) => {
  const specs = {
    'undefined': /spec must be an object, not undefined/,
    "spec('nowhere')": /localAddr must be host:port, not "nowhere"/,
    "spec('a:0')": /localAddr must be host:port/,
    "spec('a:70000')": /localAddr must be host:port/,
    "spec('a:1', { serverAddrs: [] })": /serverAddrs must be a list of host:port/,
    "spec('a:1', { domainSuffix: '' })": /domainSuffix must be a domain/,
    "spec('a:1', { primaryKey: { algorithm: 'Ed25519', bytes: '' } })": /primaryKey\.algorithm must be 'Secp256r1'/,
    "spec('a:1', { primaryKey: { algorithm: 'Secp256r1', bytes: 'AAAA' } })": /primaryKey\.bytes must be a key as base64 of PKCS#8/,
  };
  const code = TUNNEL(`tell(await Promise.all([${Object.keys(specs)}].map((one) => failed(of('start', one)))));`);
  const { printed } = await evaluate(t, code);
  for (const [i, pattern] of Object.values(specs).entries()) assert.match(printed[0][i], pattern);
  const { events } = await evaluate(t, '_STD_.tunnel.stop()');
  assert.match((await events.next({ event: 'error', where: 'tunnel.stop' })).message, /no tunnel is active/);
});

test('network.whitelist says what was asked for, and refuses what is no host name', async (t) => {
  const { printed, events, code } = await evaluate(
    t,
    `_STD_.network.whitelist('a.example'); _STD_.network.whitelist(['b.example', '_c.d.example']);
     const thrown = ['https://a.example', 'a.example:80', 'a/b', '', [], 1].map((host) => {
       try { _STD_.network.whitelist(host); return 'taken' } catch (error) { return error.message } });
     print(JSON.stringify(thrown))`,
  );
  assert.equal(code, 0);
  const notes = events.all.filter(({ event }) => event === 'note');
  assert.deepEqual(notes.map(({ where }) => where), ['network.whitelist', 'network.whitelist']);
  assert.match(notes[1].text, /^b\.example, _c\.d\.example: /);
  for (const message of printed[0]) assert.match(message, /hosts must be a host name, without scheme, port and path/);
});

test('sentry.log and _DEVTOOLS_.uploadFile are told on; the file is kept', async (t) => {
  const state = folder(t);
  fs.chmodSync(state, 0o700);
  const code = `_STD_.sentry.log('went %s', 'wrong');
    _DEVTOOLS_.uploadFile('../a b.txt', 'täxt', 'text/plain', (file) => print(JSON.stringify(file)));
    _DEVTOOLS_.uploadFile('b.bin', new Uint8Array([0, 255]), 'application/octet-stream', (file) => print(JSON.stringify(file)));`;
  const { printed, events } = await evaluate(t, code, { state });
  const notes = events.all.filter(({ event }) => event === 'note');
  assert.deepEqual([notes[0].where, notes[0].text], ['sentry.log', 'went wrong']);
  const { createdAt, ...first } = printed[0];
  assert.deepEqual(first, { id: 1, filename: '../a b.txt', mimeType: 'text/plain', fileSize: 5 });
  assert.ok(!Number.isNaN(Date.parse(createdAt)));
  const kept = fs.readdirSync(path.join(state, 'devtools')).sort();
  assert.deepEqual(kept, ['1-.._a_b.txt', '2-b.bin']);
  assert.equal(fs.readFileSync(path.join(state, 'devtools', kept[0]), 'utf8'), 'täxt');
  assert.deepEqual([...fs.readFileSync(path.join(state, 'devtools', kept[1]))], [0, 255]);
});

const NAMES = ['chains', 'network', 'p2p', 'scriptHash', 'tunnel', 'webview', 'llama', 'sentry', 'ownAddress', '_DEVTOOLS_'];

test('--without makes each of them absent, and nothing else', async (t) => {
  const look = `${JSON.stringify(NAMES)}.filter((name) => (name === '_DEVTOOLS_' ? typeof globalThis[name] : typeof _STD_[name]) !== 'undefined')`;
  const code = `print(JSON.stringify([${look}, typeof globalThis.ownAddress, Object.keys(_STD_)]))`;
  const [all, , keys] = (await evaluate(t, code)).printed[0];
  assert.deepEqual(all, NAMES);
  for (const name of NAMES) {
    const [left, own, others] = (await evaluate(t, code, { without: name })).printed[0];
    assert.deepEqual(left, NAMES.filter((one) => one !== name));
    assert.equal(own, name === 'ownAddress' ? 'undefined' : 'function');
    assert.deepEqual(others, keys.filter((one) => one !== name));
  }
});

test('a member that nobody knows names itself when it is used, and not before', async (t) => {
  const code = `
    const thrown = (use) => { try { return use() } catch ({ name, code, member, message }) { return [name, code, member, message] } };
    const [a, b] = [thrown(() => _STD_.foo.bar(1)), thrown(() => _STD_.chains.solana.signer.sign('00'))];
    const c = thrown(() => _STD_.chains.substrate.acurastTestnet.api.tx());
    const looks = ['foo' in _STD_, Object.keys(_STD_).includes('foo'), typeof _STD_.toString(), JSON.stringify({ x: _STD_.foo })];
    _STD_.foo = undefined;
    _STD_.mine = { go: () => 'went' };
    (async () => print(JSON.stringify({ a, b, c, looks, foo: typeof _STD_.foo, mine: _STD_.mine.go(), waited: (await _STD_) === _STD_ })))()`;
  const [got] = (await evaluate(t, code)).printed;
  for (const [one, member, missing] of [
    [got.a, '_STD_.foo.bar', '_STD_.foo'],
    [got.b, '_STD_.chains.solana.signer.sign', '_STD_.chains.solana'],
    [got.c, '_STD_.chains.substrate.acurastTestnet.api.tx', '_STD_.chains.substrate.acurastTestnet'],
  ]) {
    assert.deepEqual(one.slice(0, 3), ['UnknownMemberError', 'ACURAST_UNKNOWN_MEMBER', member]);
    assert.ok(one[3].startsWith(`${member} is not there: acurast-processor knows no ${missing}. `), one[3]);
  }
  const { a: _a, b: _b, c: _c, ...rest } = got;
  assert.deepEqual(rest, { looks: [false, false, 'string', '{}'], foo: 'undefined', mine: 'went', waited: true });
});

test("the modules '@acurast-job/…' are members of _STD_, and no other name is", async (t) => {
  const code = `const { storageDir } = require('@acurast-job/job');
    const missing = (name) => { try { require(name); return 'there' } catch ({ code }) { return code } };
    print(JSON.stringify([storageDir === _STD_.job.storageDir, require('@acurast-job/device').getAddress() === _STD_.device.getAddress(),
      missing('@acurast-job/none'), missing('@acurast-job/toString'), missing('@acurast-job/job/x')]))`;
  const { printed } = await evaluate(t, code);
  assert.deepEqual(printed[0], [true, true, ...Array(3).fill('MODULE_NOT_FOUND')]);
});

test('scriptHash is that of IPFS for the file of the script, unless it is given', async (t) => {
  const code = "print(JSON.stringify(_STD_.scriptHash)) // here so that it is not the answer of another script";
  const file = path.join(folder(t), 'a.js');
  fs.writeFileSync(file, code);
  const said = command(t, [file]);
  await said.ended;
  assert.deepEqual(JSON.parse((await said.events.next({ event: 'print' })).text), scriptHash(Buffer.from(code)));
  assert.deepEqual((await evaluate(t, code, { scriptHash: 'ipfs://QmX' })).printed, ['ipfs://QmX']);
});

// The first two are well known; the others were made by another implementation, ipfs-unixfs-importer.
test('the hash of a file, of one block and of many', () => {
  const known = {
    QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH: Buffer.alloc(0),
    QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o: Buffer.from('hello world\n'),
    QmcJK4pbk1MZc9jJAjZ9MeZWbqL3CnD2ZwupQRZbabAREL: Buffer.alloc(262_144, 'abc'),
    QmeTN4FbN9Naa6zxfyQikdPEdU57jK774XDnF2bevMNcLd: Buffer.alloc(262_145, 'abc'),
    QmX7m7mgY6yGEboLpXmFmSNjr1mKFh4FpzFCaMrbrQftpX: Buffer.alloc(600_000, 'abc'),
    QmYuCEfx7y1roVqh3Uw3p5VWm8gJV1BU8nv1JDezbGEgyx: Buffer.alloc(174 * 262_144 + 1, 'abc'),
  };
  for (const [hash, content] of Object.entries(known)) assert.equal(scriptHash(content), `ipfs://${hash}`);
});
