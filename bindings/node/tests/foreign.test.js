'use strict';
// Text that strangers wrote, on its way to a terminal: the commands print none of it that would steer one.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { jsonLine, shown, shownLines, shownMessage, shownPayload } = require('../lib/foreign.js');
const { HERE, client, eventually, service, within } = require('./lib/harness');
const { command, folder } = require('./processor/lib/harness');

const COMMAND = path.join(HERE, 'bin', 'acurast.js');
const { texts, bytes } = JSON.parse(fs.readFileSync(path.join(HERE, '..', '..', 'tests', 'vectors', 'foreign.json')));
const BODIES = bytes.map(({ hex }) => Buffer.from(hex, 'hex'));
const RANGES = [[0, 0x1f], [0x7f, 0x9f], [0x61c, 0x61c], [0x200e, 0x200f], [0x2028, 0x202e], [0x2066, 0x2069]]; // prettier-ignore
const STEERING = RANGES.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
const HOSTILE = '\x1b]0;owned\x07\r\x9b2J \u202eevil\u2069 \u2028 \ud800';
const HARMLESS = '\\x1b]0;owned\\x07\\x0d\\u{9b}2J \\u{202e}evil\\u{2069} \\u{2028} ';

/** Whether no line of it has a character that steers. */
function isHarmless(text) {
  return ![...text].some((character) => character !== '\n' && STEERING.includes(character.codePointAt(0)));
}

test('the table', () => {
  for (const { what, text, shown: wanted } of texts) {
    assert.equal(shown(text), wanted, what);
    assert.equal(shownPayload(Buffer.from(text)), wanted, what);
    assert.ok(isHarmless(wanted) && isHarmless(jsonLine(text)), what);
    assert.equal(JSON.parse(jsonLine(text)), text);
  }
  for (const body of BODIES) assert.equal(shownPayload(body), `0x${body.toString('hex')}`);
});

test('of all characters those that steer are escaped, and half a pair', () => {
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    const surrogate = code >= 0xd800 && code <= 0xdfff;
    assert.equal(shown(character) !== character, surrogate || STEERING.includes(code), code.toString(16));
  }
  assert.equal(shown('\ud83d \udc19'), '\\u{d83d} \\u{dc19}');
});

test('each output has one meaning', () => {
  const back = (text) => text.replace(/\\x([0-9a-f]{2})|\\u\{([0-9a-f]+)\}/g, (_, two, more) => String.fromCodePoint(parseInt(two ?? more, 16)));
  const parts = ['\\', 'x', 'u{', '1b', '}', '\x1b', '\u202e', '5c'];
  for (const a of parts) for (const b of parts) for (const c of parts) for (const d of parts) assert.equal(back(shown(a + b + c + d)), a + b + c + d);
});

test('lines stay lines where they may, and those of a message are set in', () => {
  assert.equal(shownLines('a\tb\nc\r\n\x1b'), 'a\tb\nc\\x0d\n\\x1b');
  assert.equal(shownMessage('a\nerror (script) forged'), 'a\n    error (script) forged');
});

/** `npx acurast` with these words: { child, out, err, ended }. */
function start(t, words) {
  const child = spawn(process.execPath, [COMMAND, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const said = { child, out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (said.err += text));
  said.ended = within(once(child, 'close'), `the end of ${words.join(' ')}`);
  return said;
}

const SENT = [...texts.map(({ text }) => Buffer.from(text)), ...BODIES];
const LINES = [...texts.map((row) => row.shown), ...BODIES.map((body) => `0x${body.toString('hex')}`)];

async function listener(t, url, flags) {
  const said = start(t, ['listen', '--url', url, '--count', String(SENT.length), ...flags]);
  await eventually(() => said.err.includes(' connected\n'), 'the listener');
  return { said, id: said.err.split(' ')[1] };
}

test('listen prints nothing that steers', async (t) => {
  const { url } = await service(t);
  const [plain, json] = [await listener(t, url, []), await listener(t, url, ['--json'])];
  const dapp = await client(t, url);
  for (const body of SENT) for (const { id } of [plain, json]) await dapp.send(id, body);
  assert.deepEqual([await plain.said.ended, await json.said.ended], [[0, null], [0, null]]); // prettier-ignore
  assert.equal(plain.said.out, LINES.map((line) => `${dapp.id} ${line}\n`).join(''));
  assert.ok(isHarmless(json.said.out));
  const objects = json.said.out.trim().split('\n').map((line) => JSON.parse(line)).slice(1); // prettier-ignore
  assert.deepEqual(
    objects.map(({ hex }) => hex),
    SENT.map((body) => body.toString('hex')),
  );
  for (const [i, { text }] of texts.entries()) assert.equal(objects[i].text, text);
});

test('send --wait prints nothing that steers', async (t) => {
  const { url } = await service(t);
  const dapp = await client(t, url);
  const asking = start(t, ['send', '--url', url, '--to', dapp.id, '--wait', String(SENT.length), '?']);
  const { sender } = await within(dapp.receive(), 'the question');
  for (const body of SENT) await dapp.send(sender, body);
  assert.deepEqual(await asking.ended, [0, null]);
  assert.equal(asking.out, LINES.map((line) => `${line}\n`).join(''));
});

test('errors that repeat words print nothing that steers', async (t) => {
  for (const words of [['id', HOSTILE], ['id', '--key', HOSTILE], [HOSTILE], ['id', `--${HOSTILE}`]]) {
    const said = start(t, words);
    await said.ended;
    assert.match(said.err, /owned/);
    assert.ok(isHarmless(said.err), said.err);
  }
  const run = command(t, [HOSTILE], { json: false });
  await run.ended;
  assert.ok(run.err.includes(HARMLESS) && isHarmless(run.err), run.err);
});

/** A web server whose answers are hostile, down to the reason in its first line: its URL. */
async function hostileServer(t) {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (request) => {
      const ok = /^GET \/ok/.test(request);
      const head = ok ? 'HTTP/1.1 200 OK' : 'HTTP/1.1 500 \x1b[31mred';
      socket.end(`${head}\r\nConnection: close\r\n\r\n${HOSTILE}\nerror (script) forged\n  ended       forged`);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

const SCRIPT = `const url = _STD_.env.URL;
  httpGET(url + '/bad', {}); // nobody takes the error: the runner's log has it
  httpGET(url + '/ok', {}, (body) => {
    print(body);
    console.log(body);
    console.error(body);
    process.stdout.write(body + '\\n');
    Object.assign(globalThis, { body });
    setTimeout(() => { throw Object.assign(new Error(body), { name: body }); });
    Promise.reject(body);
    throw new TypeError(body);
  });`;

test('the runner prints nothing of a web server that steers', async (t) => {
  const file = path.join(folder(t), 'a.js');
  fs.writeFileSync(file, SCRIPT);
  const env = ['--env', `URL=${await hostileServer(t)}`];
  const [people, json] = [command(t, [file, ...env], { json: false }), command(t, [file, ...env])];
  assert.equal((await people.ended).code, 1);
  assert.equal((await json.ended).code, 1);
  for (const text of [people.out, people.err, json.out, json.err]) assert.ok(isHarmless(text), JSON.stringify(text));
  assert.equal(people.out.split(HARMLESS).length, 4); // printed and written three times
  assert.ok(people.err.split(HARMLESS).length > 5, people.err);
  const log = people.err.split('\n').filter((line) => line.startsWith('error (httpGET)'));
  assert.equal(log.length, 1);
  assert.ok(log[0].includes(`HTTP 500 \\x1b[31mred: ${HARMLESS}`), log[0]);
  const written = people.err.split('\n').filter((line) => line.startsWith('error (script) forged'));
  assert.equal(written.length, 1); // by console.error of the script itself; none by what the runner says
  const [printed] = json.events.all.filter(({ event }) => event === 'print');
  assert.ok(printed.text.startsWith(HOSTILE.slice(0, -1)));
});
