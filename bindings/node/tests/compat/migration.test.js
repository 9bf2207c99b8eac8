'use strict';
// The programs of MIGRATION.md do what it says.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');

const { COMPAT, INTEROP, OURS, Program, Running, Service, VENDOR, keyPair, substituted } = require('./lib/programs');
const { Listener, keyFile } = require(path.join(INTEROP, 'lib', 'peer.js'));

const PACKAGE = path.join(__dirname, '..', '..');
const page = fs.readFileSync(path.join(PACKAGE, 'MIGRATION.md'), 'utf8');
const [vendors, strict, modern] = [...page.matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code);
let folder, service, key, echo;

before(async () => {
  folder = fs.mkdtempSync(path.join(PACKAGE, 'tests', 'run-')); // in the package, so that they find it by its name
  service = await Service.start();
  key = keyFile();
  echo = await Listener.start(service.url, key, '--echo');
});

after(async () => {
  await Running.killAll();
  await echo?.end();
  await service?.end();
  key?.remove();
  fs.rmSync(folder, { recursive: true });
});

function filled(code) {
  const { secretKey, publicKey } = keyPair();
  const values = { 'ws://127.0.0.1:9001': service.url, SECRET: secretKey, PUBLIC: publicKey, PROCESSOR: key.compressed };
  return Object.entries(values).reduce((text, [name, value]) => text.replace(name, value), code);
}

async function printed(name, code) {
  const file = path.join(folder, name);
  fs.writeFileSync(file, code);
  const running = new Program(name, [file], { file: process.execPath });
  assert.deepStrictEqual(await running.wait(), { code: 0, signal: null }, running.errors.join('\n'));
  return running.lines;
}

test('the page has its three programs', () => {
  for (const code of [vendors, strict, modern]) assert.match(code, /SECRET/);
});

test('the vendor’s program, before and after', async () => {
  const asked = ['what time is it?'];
  const after = vendors.replace("'@acurast/dapp'", "'acurast/compat'");
  assert.notStrictEqual(after, vendors);
  assert.deepStrictEqual(await printed('after.cjs', filled(after)), asked);
  const imported = after.replace(/^const (.*) = require\((.*)\)$/m, 'import $1 from $2');
  assert.deepStrictEqual(await printed('after.mjs', filled(imported)), asked);
  // The vendor's would hold its process for 15 s: what it prints is enough.
  const before = Running.of(VENDOR, filled(vendors), [], folder);
  assert.strictEqual(await before.line(), asked[0]);
});

test('the name that the page gives is the one that other tests put in', () => {
  assert.strictEqual(require.resolve('acurast/compat'), require.resolve(COMPAT));
  assert.ok(substituted(vendors, OURS).includes(COMPAT));
});

test('strict', async () => {
  assert.deepStrictEqual(await printed('strict.cjs', filled(strict)), ['1234']);
  assert.notDeepStrictEqual(await printed('guessing.cjs', filled(strict).replace('strict: true', '')), ['1234']);
});

test('the package’s own interface', async () => {
  assert.deepStrictEqual(await printed('modern.mjs', filled(modern)), ['what time is it?']);
});

test('every option and member that the page names is there', () => {
  const types = ['lib/compat/index.d.ts', 'lib/settings.d.ts', 'index.d.ts'].map((file) => fs.readFileSync(path.join(PACKAGE, file), 'utf8'));
  for (const name of ['WireMessage', 'connectionTimeoutMillis', 'maxPayloadLogLength', 'enableLogging', 'strict', 'onState', 'sendTimeout', 'reconnectWhenReplaced', 'forgeMessage', 'parseMessage'])
    assert.ok(page.includes(`\`${name}\``) && types.join('').includes(name), name);
});
