'use strict';
// The service, embedded and as a program of its own: what a client sees of its going and coming back.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const programs = require('../../../tests/interop/lib/program');
const { acurast, client, freePort, run, service, state, within } = require('./lib/harness');

const HAVE_PROGRAM = fs.existsSync(path.join(programs.BIN, 'acurast-service'));
const needsProgram = { skip: HAVE_PROGRAM ? false : `acurast-service is not in ${programs.BIN}` };

test('its address, its figures, its admin address', async (t) => {
  const started = await service(t, { adminListen: '127.0.0.1:0', threads: 2 });
  assert.equal(started.url, `ws://127.0.0.1:${started.port}`);
  const one = await client(t, started.url);
  assert.match(started.metrics(), /^acurast_connections 1$/m);
  const answer = await fetch(`${started.adminUrl}/metrics`);
  assert.match(await answer.text(), /^acurast_connections 1$/m);
  started.reload();
  assert.equal(one.state, 'connected');
  assert.throws(() => new acurast.Service(), TypeError);
});

test('an address that is given is taken', async (t) => {
  const port = await freePort();
  const started = await service(t, { host: '127.0.0.1', port });
  assert.equal(started.port, port);
  const listed = await service(t, { listen: ['127.0.0.1:0', '127.0.0.1:0'] });
  await client(t, listed.url);
  const wide = await service(t, { host: '::1' }).catch((error) => error);
  if (wide instanceof Error) t.diagnostic(`no IPv6 here: ${wide.message}`);
  else await client(t, wide.url);
});

test('a drain is told to its clients, ends once, and is awaited by all who close', async (t) => {
  const started = await service(t);
  const one = await client(t, started.url);
  const seen = [];
  started.on('state', (event) => seen.push(event.state));
  const errors = [];
  const told = []; // with states: it may have tried again, in vain, before the service has ended
  one.on('error', (error) => errors.push(error));
  one.on('state', ({ error }) => error && told.push(error));
  const down = state(one, 'disconnected');
  await Promise.all([started.close(), started.close()]);
  const event = await down;
  assert.equal(event.error.code, 'ACURAST_DRAINING');
  assert.equal(event.closeCode, 1001);
  assert.ok(event.retryIn >= 0);
  assert.equal(told[0], event.error);
  assert.deepEqual(errors, told);
  assert.deepEqual(seen, ['draining', 'closed']);
});

test('a client is back when the service is back on its port, and its sends arrive once, in order', async (t) => {
  const first = await service(t);
  const [one, two] = await Promise.all([0, 1].map(() => client(t, first.url, { backoffMax: 50 })));
  const down = Promise.all([one, two].map((each) => state(each, 'disconnected')));
  await first.close();
  await down;
  const sends = Array.from({ length: 100 }, (_, i) => two.sendText(two.id, String(i)));
  const up = Promise.all([one, two].map((each) => state(each, 'connected')));
  await service(t, { port: first.port });
  await up;
  await within(Promise.all(sends));
  for (let i = 0; i < 100; i++) assert.equal((await within(two.receive())).text(), String(i));
  assert.equal(two.stats().connections, 2);
  await one.connect(); // at once, since it is
});

test('a client goes to the next service where the first is away', async (t) => {
  const port = await freePort();
  const started = await service(t);
  const one = await client(t, [`ws://127.0.0.1:${port}`, ` ${started.url} `], { backoffMax: 50 });
  assert.equal(one.url, started.url);
});

test('a newer connection of the same key closes the older one, with the reason', async (t) => {
  const started = await service(t);
  const identity = acurast.Identity.generate();
  const one = await client(t, started.url, { identity });
  const waits = assert.rejects(one.receive(), acurast.ReplacedError);
  const over = state(one, 'closed');
  await client(t, started.url, { identity });
  const event = await over;
  assert.ok(event.error instanceof acurast.ReplacedError);
  await within(waits);
  await assert.rejects(one.send(one.id, new Uint8Array()), { code: 'ACURAST_REPLACED' });
  await assert.rejects(one.connect(), { code: 'ACURAST_REPLACED' });
  await assert.rejects(async () => {
    for await (const _ of one);
  }, acurast.ReplacedError);
});

test('the program acurast-service, killed and started again', needsProgram, async (t) => {
  const first = await programs.Service.start();
  t.after(() => first.kill());
  const one = await client(t, first.url, { backoffMax: 50 });
  await one.sendText(one.id, 'before');
  assert.equal((await within(one.receive())).text(), 'before');
  const down = state(one, 'disconnected');
  await first.kill();
  assert.match((await down).error.code, /^ACURAST_(LOST|DRAINING)$/);
  const send = one.sendText(one.id, 'while away');
  const second = await programs.Service.start('--listen', `127.0.0.1:${first.port}`);
  t.after(() => second.end());
  await within(send);
  assert.equal((await within(one.receive())).text(), 'while away');
});

test('a thousand messages through the program, both ways', needsProgram, async (t) => {
  const started = await programs.Service.start();
  t.after(() => started.end());
  const echo = await client(t, started.url);
  echo.on('message', (message) => echo.send(message.sender, message.payload));
  const one = await client(t, started.url);
  await Promise.all(Array.from({ length: 1000 }, (_, i) => one.sendText(echo.publicKey, String(i))));
  for (let i = 0; i < 1000; i++) assert.equal((await within(one.receive())).text(), String(i));
});

test('a service tells what it does at its own log level', async () => {
  const started = await acurast.Service.start({ logLevel: 'info' });
  const lines = [];
  started.on('log', (line) => lines.push(`${line.level} ${line.text}`));
  await started.close();
  assert.ok(lines.some((line) => /^info what=listening urls=/.test(line)), lines.join('\n'));
  assert.equal(lines.at(-1), 'info what=closed');
  await assert.rejects(acurast.Service.start({ logLevel: 'loud' }), { code: 'ACURAST_BAD_OPTION' });
});

test('log lines come to whoever listens', async () => {
  const ended = await run(`
    acurast.configure({ logLevel: 'debug' });
    try { acurast.configure({ logLevel: 'loud' }); } catch (error) { console.log(error.code); }
    const service = await acurast.Service.start();
    const client = new acurast.Client(service.url);
    client.on('log', (line) => console.log(line.level, typeof line.text));
    try { acurast.configure({ threads: 2 }); } catch (error) { console.log(error.code); }
    await client.connect();
    await client.close();
    await service.close();
  `);
  assert.equal(ended.code, 0, ended.err);
  const lines = ended.out.trim().split('\n');
  assert.deepEqual(lines.slice(0, 2), ['ACURAST_BAD_OPTION', 'ACURAST_BAD_STATE']);
  assert.ok(lines.slice(2).some((line) => /^(debug|info) string$/.test(line)), ended.out);
});
