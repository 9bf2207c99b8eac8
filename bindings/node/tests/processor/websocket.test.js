'use strict';
// `_STD_.ws`: opening, the handler, sending, closing, and calls that are not meant like that.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { acurast, client, service, within } = require('../lib/harness');
const { dapp, deploy, evaluate } = require('./lib/harness');

const URLS = "['wss://ws-1.example', 'wss://ws-2.example ']";

test('open says how it is meant when it is called in another way', async (t) => {
  const calls = {
    "_STD_.ws.open('wss://a.example', {}, () => {})":
      /^success must be a function, not an object\. This is how it is meant: _STD_/,
    "_STD_.ws.open('wss://a.example', () => {}, 'x')": /^error must be a function, not a string/,
    '_STD_.ws.open(() => {})': /^url must be a ws:\/\/ or wss:\/\/ address or a list of them, not a function/,
    '_STD_.ws.open()': /^url must be .*, not undefined/,
    '_STD_.ws.open([])': /^url must be .*, not an empty list/,
    '_STD_.ws.open([undefined])': /^url must be .*, not undefined/,
    "_STD_.ws.open(['wss://a.example', 'https://b.example'])": /^url must be .*, not "https:\/\/b\.example"/,
    "_STD_.ws.open(['wss://a.example', 'wss://b.example:x'])": /^url must be .*, not "wss:\/\/b\.example:x"/,
    '_STD_.ws.registerPayloadHandler({})':
      /^handler must be a function, not an object\. This is how it is meant: _STD_\.ws\.reg/,
    '_STD_.ws.registerPayloadHandler()': /^handler must be a function/,
    "_STD_.ws.send('00', '')": /^recipient \(a public key or an id\) must be 16 or 33 or 64 or 65 bytes, not 1$/,
    "_STD_.ws.send({}, '')": /^recipient .* must be a string of hexadecimal digits, or bytes, not an object$/,
    "_STD_.ws.send('00'.repeat(16), 'text')": /^payload must be hexadecimal digits; this has other characters\. Buffer\.from\(text\)\.toString\('hex'\) makes such digits of a text$/,
    "_STD_.ws.send('00'.repeat(16))": /^payload must be a string of hexadecimal digits, or bytes, not undefined$/,
    "_STD_.ws.send('00'.repeat(16), '', 1)": /^success must be a function, not a number/,
    '_STD_.ws.close(1)': /^success must be a function, not a number/,
  };
  const attempts = Object.keys(calls).map((call) => `() => ${call}`);
  const { printed } = await evaluate(
    t,
    `print(JSON.stringify([${attempts}].map((call) => { try { call() } catch (e) { return e.message } })))`,
  );
  for (const [i, pattern] of Object.values(calls).entries()) assert.match(String(printed[0][i]), pattern);
});

test('a list that cannot be opened leaves the connection alone', async (t) => {
  const there = await service(t);
  const code = `_STD_.ws.open(${JSON.stringify(there.url)}, () => {
      _STD_.ws.registerPayloadHandler(({ sender, payload }) => _STD_.ws.send(sender, payload));
      try { _STD_.ws.open('wss://name:word@a.example') } catch (error) { print(error.message) }
    });`;
  const run = await deploy(t, { code }, { local: false });
  await run.events.next({ event: 'print', text: /name or password is not allowed/ });
  assert.equal(await (await dapp(t, { ...run, service: there.url })).ask('still there?'), 'still there?');
});

test('a handler registered late misses nothing, and keeps the order', async (t) => {
  const code = `_STD_.ws.open(${URLS}, () => {
      print('open');
      globalThis.register = () => _STD_.ws.registerPayloadHandler(({ sender, payload }) => _STD_.ws.send(sender, payload));
      setTimeout(function wait() { require('fs').existsSync(_STD_.job.storageDir + '/now') ? register() : setTimeout(wait, 5) }, 5);
      print(_STD_.job.storageDir);
    });`;
  const run = await deploy(t, { code });
  await run.deployment.ready;
  const { text: storage } = await run.events.next({ event: 'print', text: /storage$/ });
  const user = await dapp(t, run);
  for (let i = 0; i < 3000; i++) await user.send(String(i)); // more than the inbox takes: the rest waits at the service
  require('node:fs').writeFileSync(`${storage}/now`, '');
  for (let i = 0; i < 3000; i++) assert.equal(await user.next(), String(i));
});

test('sender, recipient and payload are hexadecimal; recipients may be ids and keys in every form', async (t) => {
  const code = `_STD_.ws.open('wss://a.example', () => _STD_.ws.registerPayloadHandler(({ sender, recipient, payload }) => {
      const { to, ...rest } = JSON.parse(Buffer.from(payload, 'hex'));
      const told = JSON.stringify({ sender, recipient, payload });
      for (const one of to) _STD_.ws.send(one, Buffer.from(told).toString('hex'), () => print('sent'), (m) => print('failed: ' + m));
    }))`;
  const run = await deploy(t, { code });
  await run.deployment.ready;
  const user = await dapp(t, run);
  const { id, publicKey, uncompressedKey } = user.client.identity;
  const to = [id, publicKey, uncompressedKey].flatMap((hex) => [hex, `0x${hex}`, hex.toUpperCase()]);
  const payload = Buffer.from(JSON.stringify({ to })).toString('hex');
  await user.send(JSON.stringify({ to }));
  for (const _ of to) {
    assert.deepEqual(JSON.parse(await user.next()), { sender: id, recipient: run.deployment.id, payload });
  }
  await run.events.times(to.length, { event: 'print', text: 'sent' });
  await user.send(JSON.stringify({ to: [`02${'ff'.repeat(32)}`] })); // no point of the curve
  await run.events.next({ event: 'print', text: /^failed: / });
});

test('a send that fails without a callback is reported', async (t) => {
  const { events } = await evaluate(t, "_STD_.ws.send('00'.repeat(16), '')");
  const error = await events.next({ event: 'error', where: 'ws.send' });
  assert.match(error.message, /no connection is open: call _STD_\.ws\.open first/);
});

test('open twice keeps the connection; close and open again makes another; then the script ends', async (t) => {
  const code = `
    const opened = () => new Promise((resolve, reject) => _STD_.ws.open(${URLS}, resolve, reject));
    const closed = () => new Promise((resolve, reject) => _STD_.ws.close(resolve, reject));
    (async () => {
      await closed();
      await Promise.all([opened(), opened()]);
      await opened();
      print('1');
      await closed();
      await opened();
      print('2');
      _STD_.ws.close();
    })();`;
  const { printed, events, code: exitCode } = await evaluate(t, code);
  assert.deepEqual(printed, [1, 2]);
  assert.equal(events.all.filter(({ event }) => event === 'ready').length, 2);
  assert.equal(exitCode, 0);
});

test('open with other services takes the place of the first', async (t) => {
  const [first, second] = [await service(t), await service(t)];
  const code = `const [a, b] = environment('URLS').split(' ');
    _STD_.ws.open(a, () => _STD_.ws.open(b, () => print('second')));`;
  const run = await deploy(t, { code }, { local: false, env: { URLS: `${first.url} ${second.url}` } });
  await run.events.next({ event: 'ready', service: first.url });
  await run.events.next({ event: 'ready', service: second.url });
  await run.events.next({ event: 'print', text: 'second' });
});

test('the script’s own list is used, trimmed and in order; service goes before it', async (t) => {
  const [one, other] = [await service(t), await service(t)];
  const echo = `_STD_.ws.registerPayloadHandler(({ sender, payload }) => _STD_.ws.send(sender, payload));`;
  const own = { code: `${echo} _STD_.ws.open([' ws://127.0.0.1:9 ', '  ${one.url}\\n', '${other.url}'])` };
  const run = await deploy(t, own, { local: false });
  assert.equal((await within(run.deployment.ready)).service, one.url);
  const given = await deploy(t, own, { service: ` ${other.url} ` });
  assert.equal((await within(given.deployment.ready)).service, other.url);
  const user = await client(t, other.url);
  await user.sendText(given.deployment.publicKey, 'there');
  assert.equal((await within(user.receive())).text(), 'there');
});

test('a service that is away: the deployment waits for it', async (t) => {
  const gone = await acurast.Service.start();
  const { url, port } = gone;
  await gone.close();
  const run = await deploy(
    t,
    { code: `_STD_.ws.open('${url}', () => print('open'), (m) => print('error ' + m))` },
    { local: false },
  );
  const lost = await run.events.next({ event: 'state', state: 'disconnected' });
  assert.ok(lost.reason);
  assert.ok(lost.retryIn >= 0);
  await service(t, { port });
  await run.events.next({ event: 'print', text: 'open' });
  assert.equal(run.events.all.filter(({ event, text }) => event === 'print' && text !== 'open').length, 0);
});

test('who takes the place of a deployment ends it with a reason', async (t) => {
  const started = await service(t);
  const identity = acurast.Identity.generate();
  const code = `_STD_.ws.open('wss://a.example', () => _STD_.ws.registerPayloadHandler(() => {}))`;
  const run = await deploy(t, { code }, { service: started.url, key: identity });
  assert.equal((await run.deployment.ready).id, identity.id);
  await client(t, started.url, { identity });
  const error = await run.events.next({ event: 'error', where: 'connection' });
  assert.match(error.name, /Replaced/);
  assert.equal(await within(run.deployment.ended), 1);
});

test('a deployment that is denied: the error callback gets the reason', async (t) => {
  const identity = acurast.Identity.generate();
  const started = await service(t, { deny: [identity.publicKey] });
  const code = `_STD_.ws.open('wss://a.example', () => print('open'), (message) => print('failed: ' + message))`;
  const run = await deploy(t, { code }, { service: started.url, key: identity });
  const { text } = await run.events.next({ event: 'print' });
  assert.match(text, /^failed: .* lists deny this identity/);
  assert.equal(await within(run.deployment.ended), 1);
});
