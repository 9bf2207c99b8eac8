'use strict';
// Sends that nobody awaits, as real programs write them.

const assert = require('node:assert');
const { test } = require('node:test');

const { run } = require('../lib/harness');

const START = `
  const { AcurastClient } = require(${JSON.stringify(require.resolve('../../lib/compat'))});
  const service = await acurast.Service.start();
  const client = new AcurastClient(service.url);
  const { secretKey } = { secretKey: '07' };
  const soon = () => new Promise((resolve) => setTimeout(resolve, 20));
`;
const END = 'await client.close(); await service.close(); console.log("alive");';

test('failing ones are one warning, and the program goes on', async () => {
  const early = "client.send('02', 'too early'); client.send('not hex', 'x');";
  const later = "for (let i = 0; i < 5; i++) client.send(Buffer.alloc(17), 'x'); client.send('02', { no: 'payload' });";
  const { code, out, err } = await run(`${START} ${early} await client.start({ secretKey }); ${later} await soon(); ${END}`);
  assert.deepStrictEqual([code, out], [0, 'alive\n'], err);
  assert.strictEqual(err.match(/AcurastWarning/g).length, 1, err);
  assert.match(err, /ACURAST_UNAWAITED.*nobody awaits it/);
});

test('whoever awaits or chains is told, without a warning', async () => {
  const { code, out, err } = await run(`${START}
    try { await client.send('02', 'x'); } catch (error) { console.log(error.code); }
    await client.start({ secretKey });
    await client.send(Buffer.alloc(17), 'x').catch((error) => console.log(error.name));
    await Promise.allSettled([client.send('xyz', 'x')]).then(([one]) => console.log(one.status));
    const kept = client.send('xyz', 'x');
    kept.then(undefined, (error) => console.log(error.code));
    await client.send('07'.padStart(32, '0'), 'x').finally(() => console.log('finally'));
    await soon();
    ${END}`);
  const lines = ['ACURAST_BAD_STATE', 'BadRecipientError', 'rejected', 'ERR_INVALID_ARG_VALUE', 'finally', 'alive'];
  assert.deepStrictEqual([code, out.trim().split('\n').sort()], [0, lines.sort()], err);
  assert.strictEqual(err, '');
});

test('a promise that is looked at later still rejects', async () => {
  const { code, out } = await run(`${START}
    const sent = client.send('02', 'too early');
    await soon();
    try { await sent; } catch (error) { console.log(error.code); }
    ${END}`);
  assert.deepStrictEqual([code, out], [0, 'ACURAST_BAD_STATE\nalive\n']);
});

test('one whose service is away, and is closed: a warning, and the program ends as it would', async () => {
  const { code, out, err } = await run(`${START}
    await client.start({ secretKey });
    await service.close();
    for (let i = 0; i < 3; i++) client.send('07'.padStart(32, '0'), 'x');
    await client.close();
    await soon();
    console.log('alive');`);
  assert.deepStrictEqual([code, out], [0, 'alive\n'], err);
  assert.strictEqual(err.match(/ACURAST_UNAWAITED/g).length, 1, err);
});

test('a listener of states that throws keeps nothing from other clients of its key', async () => {
  const { code, out } = await run(`${START}
    process.on('uncaughtException', (error) => console.log(error.message));
    const states = [];
    const a = new AcurastClient(service.url, { onState: () => { throw new Error('mine') } });
    const b = new AcurastClient(service.url, { onState: ({ state }) => states.push(state) });
    await a.start({ secretKey });
    await b.start({ secretKey });
    await service.close();
    while (!states.includes('disconnected')) await soon();
    await Promise.all([a.close(), b.close()]);
    console.log('alive', states[0], states.at(-1));`);
  assert.deepStrictEqual([code, out.replaceAll('mine\n', '')], [0, 'alive connected closed\n']);
});

test('a program that chains without handling is told as by any other promise', async () => {
  const { code, err } = await run(`${START} client.send('02', 'x').then(() => {}); await soon(); ${END}`);
  assert.strictEqual(code, 1);
  assert.match(err, /BadStateError/);
});
