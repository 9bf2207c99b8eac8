'use strict';
// The README's code does what it says: programs as they stand, and the guides' lines in a scope that has what they name.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const acurast = require('..');
const { Program } = require('../../../tests/interop/lib/program');
const { authority } = require('./lib/certs');
const { client, eventually, run, service: serviceOf, within } = require('./lib/harness');
const { blocks, fragment } = require('./lib/page');

const { Client, Identity, Service } = acurast;
const PACKAGE = path.dirname(__dirname);
const PAGE = path.join(PACKAGE, 'README.md');
const README = fs.readFileSync(PAGE, 'utf8');
const BLOCKS = blocks(PAGE, 'js');
const NOBODY = '00'.repeat(16);
// Inside the package, so that its programs find it by its name.
const folder = fs.mkdtempSync(path.join(__dirname, 'run-'));
let service;

before(async () => (service = await Service.start()));
after(async () => {
  await service.close();
  fs.rmSync(folder, { recursive: true });
});

/** The program under a title, on our service; short, as the README's readers expect. */
function program(title, replaced = {}, lines = 12) {
  let code = BLOCKS[title];
  assert.ok(code.trim().split('\n').filter(Boolean).length <= lines, code);
  for (const [old, fresh] of Object.entries({ 'ws://127.0.0.1:9001': service.url, ...replaced })) code = code.replace(old, fresh);
  const file = path.join(folder, `${title.replace(/\W/g, '-')}-${programs++}.mjs`);
  fs.writeFileSync(file, code);
  // Without what node:test tells its children, so that a test which is started by hand reports as one.
  return new Program(title, ['-u', 'NODE_TEST_CONTEXT', process.execPath, file], { file: '/usr/bin/env' });
}

let programs = 0;

/** Runs a program that asks `to`, and gives its lines. */
async function ask(title, to) {
  const dapp = program(title, { '02…': to }, 14);
  assert.equal((await dapp.wait()).code, 0, dapp.errors.join('\n'));
  return dapp.lines;
}

/** One of the README's processors, on a key of its own, once it has said `word` and its id or key. */
async function processor(title, word) {
  const identity = Identity.generate();
  const file = path.join(folder, `${identity.id}.pem`);
  fs.writeFileSync(file, identity.toPem());
  const running = program(title, { 'key.pem': file });
  assert.equal(await running.line(), `${word} ${word === 'id' ? identity.id : identity.publicKey}`);
  return { running, identity };
}

const PROGRAMS = {
  async 'A processor that answers'() {
    const { running, identity } = await processor('A processor that answers', 'key');
    const answer = ["{ pair: 'EUR/CHF', price: 0.94 }"];
    const asked = [ask('A dApp that asks', identity.publicKey), ask('Requests', identity.id), ask('Requests', NOBODY)];
    assert.deepEqual(await Promise.all(asked), [answer, answer, ['nobody is there']]);
    await running.kill();
  },
  async 'An echo processor'() {
    const { running, identity } = await processor('An echo processor', 'id');
    const title = 'Know what became of it';
    const asked = [ask('A dApp', identity.publicKey), ask(title, identity.id), ask(title, NOBODY)];
    assert.deepEqual(await Promise.all(asked), [[`${identity.id} hello`], ['delivered'], ['not delivered']]);
    await running.kill();
  },
  async 'Tests of your dApp'() {
    const test = program('Tests of your dApp', {}, 20);
    const { code } = await test.wait();
    assert.equal(code, 0, test.lines.join('\n'));
    assert.ok(test.lines.some((line) => /^# pass 1$|^ℹ pass 1$/.test(line)), test.lines.join('\n'));
  },
  async 'Worker threads'() {
    const threads = program('Worker threads');
    assert.equal((await threads.wait()).code, 0, threads.errors.join('\n'));
    assert.match(threads.lines.join('\n'), /^worker [0-9a-f]{32}$/);
  },
};

// Programs that those above ask with.
const ASKERS = ['A dApp that asks', 'A dApp', 'Requests', 'Know what became of it'];

/** What the guides name: a client, a processor that answers and takes messages, and the package's own names. */
async function scope(t) {
  const made = await client(t, service.url);
  const peer = await client(t, service.url);
  peer.serve({ price: ({ pair }) => ({ pair, price: 0.94 }), key: ({ seed }) => ({ key: seed }) });
  const connect = async (...values) => {
    const opened = await acurast.connect(...values);
    t.after(() => opened.close());
    return (names.opened = opened);
  };
  const names = { ...acurast, connect, client: made, identity: made.identity, peer, SERVICE: service.url, PROCESSOR: peer.id, NAMES: ['a', 'b'] };
  return names;
}

const GUIDES = {
  async Answer(lines, names) {
    const priceOf = (pair, sender, signal) => {
      if (pair === 'none') throw new Error('no such pair');
      return [pair, sender, signal.aborted];
    };
    await fragment(BLOCKS.Answer, { ...names, priceOf }, lines);
    const { client: server, peer } = names;
    const asked = (params, options) => within(peer.request(server.id, 'price', params, options).catch(({ remoteCode }) => remoteCode));
    const told = [];
    assert.deepEqual(await asked({ pair: 'EUR/CHF' }, { onProgress: (value) => told.push(value) }), ['EUR/CHF', peer.id, false]);
    assert.deepEqual(told, ['looking']);
    assert.equal(await asked(), -32602);
    assert.equal(await asked({ pair: 'none' }), -32000);
    assert.deepEqual([lines.length, ...lines[0].slice(0, 2), lines[0][2].message], [1, 'price', peer.id, 'no such pair']);
  },
  async 'Ask many'(lines, names, t) {
    const more = await Promise.all([1, 2].map(() => client(t, service.url)));
    for (const each of more) each.serve({ price: ({ pair }) => ({ price: 0.94, pair }) });
    const PROCESSORS = [names.peer, ...more].map(({ publicKey }) => publicKey);
    await fragment(BLOCKS['Ask many'], { ...names, PROCESSORS }, lines);
    assert.deepEqual(lines, [[{ pair: 'EUR/CHF', price: 0.94 }, []]]);
  },
  async MessagePack(lines, names) {
    await fragment(BLOCKS.MessagePack, names, lines);
    assert.deepEqual(lines, [[32]]);
  },
  async Mailboxes(lines, names, t) {
    const identity = Identity.generate();
    const away = await acurast.connect(service.url, { identity });
    await away.close(); // it leaves a mailbox
    const sending = fragment(BLOCKS.Mailboxes, { ...names, PROCESSOR: identity.id }, lines);
    await Promise.race([sending, eventually(() => lines.length, 'the word of the mailbox')]);
    await client(t, service.url, { identity });
    await within(sending);
    assert.deepEqual(lines, [['it is away; its mailbox has it'], ['delivered']]);
  },
  async 'Who is here'(lines, names) {
    await fragment(BLOCKS['Who is here'], { ...names, OTHER: NOBODY }, lines);
    const { id, publicKey } = names.peer;
    assert.deepEqual(lines, [[id, 'here', publicKey], [NOBODY, 'not here', undefined], [publicKey]]);
  },
  async 'Who has left'(lines, names) {
    await fragment(BLOCKS['Who has left'], names, lines);
    await names.client.look([names.PROCESSOR]);
    await names.peer.close();
    await eventually(() => lines.length, 'the event');
    assert.deepEqual(lines, [[names.PROCESSOR, 'has left; now it is', 'away']]);
  },
  async Send(lines, names) {
    await fragment(BLOCKS.Send, names, lines);
    const came = [];
    while (came.length < 5) came.push(await names.peer.receive({ timeout: 10_000 }));
    assert.deepEqual(came[0].payload, Uint8Array.of(1, 2, 3));
    assert.deepEqual(came.slice(1).map((each) => each.text()).sort(), ['a', 'b', 'hello', '{"hello":"world"}']);
  },
  async 'Name a recipient'(lines, names) {
    const { publicKey, id } = names.peer;
    await fragment(BLOCKS['Name a recipient'], { ...names, KEY: publicKey }, lines);
    for (const text of ['by its key', 'by its id']) assert.equal((await names.peer.receive({ timeout: 10_000 })).text(), text);
    assert.deepEqual(lines, [[id, publicKey]]);
  },
  async 'Take messages'(lines, names) {
    const { peer, client: taker } = names;
    await peer.sendText(taker.id, 'first');
    await fragment(BLOCKS['Take messages'], names, lines);
    await peer.sendText(taker.id, 'second');
    await eventually(() => lines.length === 2, 'the second');
    assert.deepEqual(lines, [[peer.id, new Uint8Array(Buffer.from('first'))], ['second']]);
  },
  async 'Follow the connection'(lines, names, t) {
    const own = await serviceOf(t);
    await fragment(BLOCKS['Follow the connection'].replace('wss://one.example', own.url).replace('wss://two.example', own.url), names, lines);
    await own.close();
    await eventually(() => lines.length >= 2, 'the end of the connection');
    assert.deepEqual(lines[0].slice(0, 2), ['disconnected', own.url]);
    assert.ok(lines[0][2] >= 0 && typeof lines[1][0] === 'string');
  },
  async 'Bound what waits'(lines, names) {
    await fragment(BLOCKS['Bound what waits'], names, lines);
    for (const text of names.NAMES) assert.equal((await names.peer.receive({ timeout: 10_000 })).text(), text);
  },
  async 'Give up'(lines, names) {
    await fragment(BLOCKS['Give up'].replace('1000', '10'), names, lines);
    assert.deepEqual(lines, [['TimeoutError'], ['ACURAST_TIMEOUT']]);
  },
  async Errors(lines, names) {
    await fragment(BLOCKS.Errors, names, lines);
    const { code, retriable, text, advice } = acurast.TimeoutError.prototype;
    assert.deepEqual(lines, [['too late'], [code, retriable, text, advice]]);
  },
  async 'End a process'(lines, names) {
    await fragment(BLOCKS['End a process'], names, lines);
    assert.equal(names.client.state, 'closed');
  },
  async Seal(lines, names) {
    await fragment(BLOCKS.Seal, { ...names, KEY: names.peer.publicKey, SALT: Buffer.from('salt') }, lines);
    assert.deepEqual(lines, [['secret']]);
  },
  async TLS(lines, names, t) {
    const { ca, cert, key } = authority(folder, 'readme');
    const secure = await serviceOf(t, { tlsCert: cert, tlsKey: key });
    await fragment(BLOCKS.TLS.replace('wss://localhost:9001', secure.url).replace('ca.pem', ca), names, lines);
    assert.equal(names.opened.state, 'connected');
  },
  async Options() {
    const { code, out, err } = await run(`
      const { Service, configure, connect } = acurast;
      const service = await Service.start();
      const SERVICE = service.url;
      ${BLOCKS.Options}
      console.log(client.state);
      process.exit();`);
    assert.deepEqual([code, out], [0, 'connected\n'], err);
  },
};

describe('programs', { concurrency: true }, () => {
  for (const [title, check] of Object.entries(PROGRAMS)) it(title, check);
});

describe('guides', () => {
  for (const [title, check] of Object.entries(GUIDES)) it(title, async (t) => check([], await scope(t), t));
});

it('every block is run, and that of TypeScript is compiled with the types', () => {
  const run = [...Object.keys(PROGRAMS), ...ASKERS, ...Object.keys(GUIDES)];
  assert.deepEqual(Object.keys(BLOCKS).sort(), run.sort());
  const compiled = fs.readFileSync(path.join(__dirname, 'types', 'readme.mts'), 'utf8');
  assert.deepEqual(Object.values(blocks(PAGE, 'ts')).map((code) => `import { connect } from 'acurast';\n\n${code}`), [compiled]);
});

it('the calls of the table are there', () => {
  const [, table] = /## Guides\n\n[^|]*([^]*?)\n\n/.exec(README);
  const calls = table.split('\n').slice(2).map((row) => row.split('|')[2]);
  const holders = { client: Client.prototype, identity: Identity.prototype, Service };
  for (const [, holder, name] of calls.join().matchAll(/`(?:(client|identity|Service)\.)?(\w+)`/g)) {
    if (!holder && !/^(connect|configure|idOf|compressKey|AcurastError)$/.test(name)) continue; // an option, or a word of the language
    assert.equal(typeof (holder ? holders[holder] : acurast)[name], 'function', `${holder}.${name}`);
  }
});

it('the commands of the shell are those of the program', () => {
  const commands = [...README.matchAll(/^ {4}npx acurast (\w+)/gm)].map(([, name]) => name);
  const help = fs.readFileSync(path.join(PACKAGE, 'bin', 'acurast.js'), 'utf8');
  assert.ok(commands.length >= 4);
  for (const name of commands) assert.match(help, new RegExp(`^  ${name} +`, 'm'));
});
