'use strict';
// The README's programs do what it says.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, it } = require('node:test');
const { Identity, Service } = require('..');
const { Program } = require('../../../tests/interop/lib/program');

const PACKAGE = path.dirname(__dirname);
const README = fs.readFileSync(path.join(PACKAGE, 'README.md'), 'utf8');
const BLOCKS = Object.fromEntries([...README.matchAll(/## ([^\n]+)\n[^#]*?```js\n([^]*?)```/g)].map(([, title, code]) => [title, code]));
// Inside the package, so that its programs find it by its name.
const folder = fs.mkdtempSync(path.join(__dirname, 'run-'));
let service;

before(async () => (service = await Service.start()));
after(async () => {
  await service.close();
  fs.rmSync(folder, { recursive: true });
});

/** The program under a title, on our service; at most ten lines, as the README's readers expect. */
function program(title, replaced = {}, lines = 12) {
  let code = BLOCKS[title];
  assert.ok(code.trim().split('\n').filter(Boolean).length <= lines, code);
  for (const [old, fresh] of Object.entries({ 'ws://127.0.0.1:9001': service.url, ...replaced })) code = code.replace(old, fresh);
  const file = path.join(folder, `${title.replace(/\W/g, '-')}.mjs`);
  fs.writeFileSync(file, code);
  // Without what node:test tells its children, so that a test which is started by hand reports as one.
  return new Program(title, ['-u', 'NODE_TEST_CONTEXT', process.execPath, file], { file: '/usr/bin/env' });
}

/** The README's echo processor, on a key of its own: { echo, identity }. */
async function processor() {
  const identity = Identity.generate();
  fs.writeFileSync(path.join(folder, 'key.pem'), identity.toPem());
  const echo = program('An echo processor', { 'key.pem': path.join(folder, 'key.pem') });
  assert.equal(await echo.line(), `id ${identity.id}`);
  return { echo, identity };
}

it('the dApp that asks is answered by the processor', async () => {
  const identity = Identity.generate();
  fs.writeFileSync(path.join(folder, 'answers.pem'), identity.toPem());
  const processor = program('A processor that answers', { 'key.pem': path.join(folder, 'answers.pem') });
  assert.equal(await processor.line(), `key ${identity.publicKey}`);
  const ask = async (title, to) => {
    const dapp = program(title, { '02…': to }, 14);
    assert.equal((await dapp.wait()).code, 0, dapp.errors.join('\n'));
    return dapp.lines;
  };
  const answer = ["{ pair: 'EUR/CHF', price: 0.94 }"];
  assert.deepEqual(await ask('A dApp that asks', identity.publicKey), answer);
  assert.deepEqual(await ask('Requests', identity.id), answer);
  assert.deepEqual(await ask('Requests', '00'.repeat(16)), ['nobody is there']);
  await processor.kill();
});

it('the dApp asks the echo processor', async () => {
  const { echo, identity } = await processor();
  const dapp = program('A dApp', { '02…': identity.publicKey });
  assert.equal((await dapp.wait()).code, 0, dapp.errors.join('\n'));
  assert.deepEqual(dapp.lines, [`${identity.id} hello`]);
  await echo.kill();
});

it('what became of a payload is told', async () => {
  const { echo, identity } = await processor();
  for (const [to, told] of [[identity.id, 'delivered'], ['00'.repeat(16), 'not delivered']]) {
    const dapp = program('Know what became of it', { '02…': to });
    assert.equal((await dapp.wait()).code, 0, dapp.errors.join('\n'));
    assert.deepEqual(dapp.lines, [told]);
  }
  await echo.kill();
});

it('the test of a dApp passes', async () => {
  const test = program('Tests of your dApp', { 'ws://127.0.0.1:9001': 'none' }, 20);
  const { code } = await test.wait();
  assert.equal(code, 0, test.lines.join('\n'));
  assert.ok(test.lines.some((line) => /^# pass 1$|^ℹ pass 1$/.test(line)), test.lines.join('\n'));
});

it('the commands of the shell are those of the program', () => {
  const commands = [...README.matchAll(/^ {4}npx acurast (\w+)/gm)].map(([, name]) => name);
  const help = fs.readFileSync(path.join(PACKAGE, 'bin', 'acurast.js'), 'utf8');
  assert.ok(commands.length >= 4);
  for (const name of commands) assert.match(help, new RegExp(`^  ${name} +`, 'm'));
});
