'use strict';
// runDeployment() for tests: the record, the clock, HTTP that the test answers, and several processors at once.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { runDeployment, runDeployments } = require('../../lib/processor');
const { client, within } = require('../lib/harness');
const { deploy, evaluate, example } = require('./lib/harness');

async function running(t, code, options = {}) {
  const deployment = await runDeployment({ code }, { local: true, ...options });
  t.after(() => deployment.stop());
  return deployment;
}

const ECHO = `
  _STD_.ws.open('ws://127.0.0.1:1');
  _STD_.ws.registerPayloadHandler(({ sender, payload }) => _STD_.ws.send(sender, payload));
`;

describe('what a deployment did', () => {
  test('each message in and out: peer, bytes, text, JSON, time', async (t) => {
    const deployment = await running(t, ECHO);
    const { service } = await deployment.ready;
    const dapp = await client(t, service);
    const before = Date.now();
    await dapp.sendJson(deployment.publicKey, { hello: 1 });
    const out = await deployment.waitFor({ event: 'message', direction: 'out' });
    assert.deepEqual([out.peer, out.json(), out.text(), out.failed], [dapp.id, { hello: 1 }, '{"hello":1}', undefined]);
    assert.ok(out.time >= before && out.time <= Date.now());
    assert.ok(Buffer.isBuffer(out.payload));
    assert.deepEqual([deployment.sent, deployment.received.length], [[out], 1]);
    await dapp.sendText(deployment.publicKey, 'again');
    assert.equal((await deployment.waitFor({ direction: 'out' }, { after: out })).text(), 'again');
  });

  test('a send that fails is told with its reason', async (t) => {
    const deployment = await running(t, `_STD_.ws.send('${'ab'.repeat(16)}', '00', null, () => {});`);
    const { failed } = await deployment.waitFor({ direction: 'out' });
    assert.match(failed, /no connection is open/);
    assert.equal(deployment.sent[0].failed, failed);
  });

  test('what it printed, and its errors', async (t) => {
    const deployment = await running(t, "print('one', 2); setTimeout(() => { throw new Error('later') })");
    await deployment.waitFor({ event: 'error', message: 'later' });
    assert.deepEqual([deployment.printed, deployment.errors.map(({ where }) => where)], [['one 2'], ['script']]);
  });

  test('waiting in vain says what came instead', async (t) => {
    const deployment = await running(t, `print('this'); ${ECHO}`);
    await deployment.ready;
    await assert.rejects(deployment.waitFor({ event: 'print', text: /that/ }, { timeout: 20 }), /20 ms have passed without .*that.*text: 'this'/s);
    const waits = deployment.waitFor({ event: 'print', text: 'never' });
    const refused = assert.rejects(waits, /the deployment has ended/);
    await deployment.stop();
    await refused;
    await assert.rejects(deployment.waitFor({ event: 'print', text: 'never' }), /the deployment has ended/);
    assert.equal((await deployment.waitFor(({ text }) => text === 'this')).event, 'print');
    await assert.rejects(deployment.waitFor('print'), TypeError);
  });

  test('the command tells no messages, which are for tests and the page', async (t) => {
    const { events } = await deploy(t, example('echo.js'));
    await events.next({ event: 'ready' });
    assert.ok(!events.all.some(({ event }) => event === 'moved'));
  });
});

describe('a clock', () => {
  test('stands still until it is moved, for timers and dates', async (t) => {
    const code = `
      print(new Date().toISOString());
      const every = setInterval(() => print(Date.now()), 60_000);
      setTimeout(async () => { await null; clearInterval(every); setTimeout(print, 500, 'done') }, 150_000);`;
    const deployment = await running(t, code, { clock: 0 });
    await deployment.clock.advance(0);
    assert.deepEqual(deployment.printed, ['1970-01-01T00:00:00.000Z']);
    await deployment.clock.advance(120_000);
    assert.deepEqual(deployment.printed.slice(1), ['60000', '120000']);
    await Promise.all([deployment.clock.advance(30_000), deployment.clock.advance(500)]);
    assert.deepEqual(deployment.printed.slice(3), ['done']);
    assert.equal(deployment.clock.now.getTime(), 150_500);
    assert.equal(await deployment.stop(), 0);
  });

  test('starts where it is told', async (t) => {
    for (const [clock, year] of [[new Date('2031-05-01'), '2031'], ['2040-01-02T03:04:05Z', '2040'], [true, String(new Date().getFullYear())]]) {
      const deployment = await running(t, 'print(new Date().getFullYear())', { clock });
      await deployment.waitFor({ event: 'print', text: year });
      await deployment.stop();
    }
  });

  test('leaves the connection alone', async (t) => {
    const deployment = await running(t, ECHO, { clock: 0 });
    const { service } = await within(deployment.ready, 'the connection');
    const dapp = await client(t, service);
    const before = Date.now();
    await dapp.sendText(deployment.id, 'x');
    assert.equal((await within(dapp.receive(), 'the echo')).text(), 'x');
    const { time } = await deployment.waitFor({ direction: 'out' });
    assert.ok(time >= before && time <= Date.now(), 'messages have the true time');
  });

  test('what is no clock, and no move', async (t) => {
    for (const clock of ['soon', NaN, {}, 'x'.repeat(9)]) await assert.rejects(running(t, '', { clock }), { code: 'ERR_INVALID_ARG_VALUE' });
    const deployment = await running(t, '', { clock: 0 });
    for (const ms of [-1, 0.5, NaN, '1', 2 ** 31]) assert.throws(() => deployment.clock.advance(ms), RangeError);
    await deployment.stop();
    await assert.rejects(deployment.clock.advance(1), /has ended/);
    assert.equal((await running(t, '')).clock, undefined);
  });
});

describe('HTTP that the test answers', () => {
  const results = (t, code, http, more) => evaluate(t, code, { http, ...more }).then(({ printed }) => printed);
  const PRINT = 'const show = (value) => print(JSON.stringify(value)); const failed = (error) => show(String(error.cause?.message ?? error.message ?? error));';

  test('every way of asking: httpGET, httpPOST, fetch, node:https, axios', async (t) => {
    const asked = [];
    const http = async (request) => {
      asked.push([request.method, request.url, request.headers.get('x-key'), await request.text()]);
      return { n: asked.length };
    };
    const axios = JSON.stringify(require.resolve('axios'));
    const code = `${PRINT} (async () => {
      const headers = { 'X-Key': 'k' };
      show(await new Promise((ok, no) => httpGET('https://a.example/1?q=ü', headers, ok, no)));
      show(await new Promise((ok, no) => httpPOST('http://b.example:81/2', 'body', headers, ok, no)));
      show(await (await fetch('https://c.example/3', { method: 'PUT', body: 'put', headers })).json());
      show(await new Promise((ok) => require('https').get({ hostname: 'd.example', path: '/4', headers }, (r) => r.setEncoding('utf8').on('data', ok))));
      show((await require(${axios}).post('https://e.example:8443/5', { a: 1 }, { headers })).data);
      show(await new Promise((ok) => require('http').request(new URL('http://[::1]:82/6'), { method: 'POST', headers: ['x-key', 'k'] }, (r) => r.setEncoding('utf8').on('data', ok)).end('raw')));
    })().catch(failed)`;
    assert.deepEqual(await results(t, code, http), ['{"n":1}', '{"n":2}', { n: 3 }, '{"n":4}', { n: 5 }, '{"n":6}']);
    assert.deepEqual(asked, [
      ['GET', 'https://a.example/1?q=%C3%BC', 'k', ''],
      ['POST', 'http://b.example:81/2', 'k', 'body'],
      ['PUT', 'https://c.example/3', 'k', 'put'],
      ['GET', 'https://d.example/4', 'k', ''],
      ['POST', 'https://e.example:8443/5', 'k', '{"a":1}'],
      ['POST', 'http://[::1]:82/6', 'k', 'raw'],
    ]);
  });

  test('a Response, a status, text, nothing, a failure', async (t) => {
    const answers = {
      '/text': () => 'plain',
      '/response': () => new Response('made', { status: 201, headers: { 'x-a': 'b' } }),
      '/404': () => new Response('gone', { status: 404 }),
      '/nothing': () => undefined,
      '/throws': () => { throw new Error('network'); },
      '/broken': () => Response.error(),
    };
    const code = `${PRINT} (async () => {
      for (const path of ${JSON.stringify(Object.keys(answers))})
        show(await new Promise((ok) => httpGET('https://x.example' + path, {}, ok, (error) => ok('error: ' + error))));
      const response = await fetch('https://x.example/response');
      show([response.status, response.headers.get('x-a'), response.url]);
    })().catch(failed)`;
    const [text, response, gone, nothing, throws, broken, fetched] = await results(t, code, (request) => answers[new URL(request.url).pathname]());
    assert.deepEqual([text, response, fetched], ['plain', 'made', [201, 'b', 'https://x.example/response']]);
    assert.match(gone, /^error: HTTP 404 .*gone/);
    assert.match(nothing, /HTTP 501 .*the test has no answer to GET https:\/\/x\.example\/nothing/);
    for (const one of [throws, broken]) assert.match(one, /^error: socket hang up/);
  });

  test('redirects lead to the test again', async (t) => {
    const http = ({ url }) => (url.endsWith('/from') ? Response.redirect('https://other.example/to') : `at ${url}`);
    const code = `${PRINT} (async () => {
      show(await new Promise((ok, no) => httpGET('https://x.example/from', {}, ok, no)));
      show(await (await fetch('https://x.example/from')).text());
      show((await fetch('https://x.example/from', { redirect: 'manual' })).status);
    })().catch(failed)`;
    assert.deepEqual(await results(t, code, http), ['at https://other.example/to', 'at https://other.example/to', 302]);
  });

  test('allowNet holds for where a request is meant to go', async (t) => {
    const code = `${PRINT} (async () => {
      for (const host of ['good.example', 'bad.example']) {
        show(await new Promise((ok) => httpGET('https://' + host, {}, ok, (error) => ok(error))));
        await fetch('https://' + host).then(async (response) => show(await response.text()), failed);
      }
    })()`;
    const [one, two, three, four] = await results(t, code, () => 'in', { allowNet: ['good.example'] });
    assert.deepEqual([one, two], ['in', 'in']);
    for (const refused of [three, four]) assert.match(refused, /bad\.example.*are not allowed here/);
  });

  test('what was asked is kept, and another program learns nothing at that port', async (t) => {
    const deployment = await running(t, "httpPOST('https://x.example/y', 'body', { a: 'b' }, (text) => print(text));", { http: () => 'ok' });
    await deployment.waitFor({ event: 'print', text: 'ok' });
    const [{ method, url, headers, body }] = deployment.requests;
    assert.deepEqual([method, url, headers.a, body.toString()], ['POST', 'https://x.example/y', 'b', 'body']);
    assert.ok(!Object.keys(headers).some((name) => name.startsWith('x-acurast')));
    await assert.rejects(running(t, '', { http: {} }), { code: 'ERR_INVALID_ARG_VALUE' });
    const { FakeHttp } = require('../../lib/processor/fakes/server.js');
    const fake = await FakeHttp.start(() => 'secret', () => {});
    t.after(() => fake.close());
    assert.equal((await fetch(`http://127.0.0.1:${fake.address.port}/`)).status, 403);
  });
});

describe('several processors', () => {
  test('what two of three agree on', async (t) => {
    const prices = ['0.94', '0.94', '7'];
    await using(t, runDeployments(example('price.js'), 3, (slot) => ({ http: () => ({ price: prices[slot] }) })), async (all) => {
      assert.deepEqual([all.length, new Set(all.map(({ id }) => id)).size], [3, 3]);
      for (const one of all) assert.equal(one.service, undefined);
      const dapp = await client(t, all.service);
      assert.ok(dapp);
    });
  });

  test('a quorum, one of them wrong', async (t) => {
    const code = `
      _STD_.ws.open('ws://127.0.0.1:1');
      _STD_.ws.registerPayloadHandler(({ sender, payload }) => {
        const { id } = JSON.parse(Buffer.from(payload, 'hex'));
        const result = _STD_.job.getSlot() === 2 ? 'wrong' : _STD_.env.WORD;
        _STD_.ws.send(sender, Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result })).toString('hex'));
      });`;
    await using(t, runDeployments({ code }, 3, { env: { WORD: 'right' } }), async (all) => {
      const dapp = await client(t, all.service);
      const { value } = await dapp.requestMany(all.map(({ publicKey }) => publicKey), 'word', undefined, { need: 2, agree: true });
      assert.equal(value, 'right');
      for (const one of all) assert.equal((await one.waitFor({ direction: 'out' })).json().result, one === all[2] ? 'wrong' : 'right');
    });
  });

  test('one that does not start ends the others', async () => {
    const options = (slot) => (slot === 2 ? { env: { KEY: 5 } } : {});
    await assert.rejects(runDeployments({ code: ECHO }, 3, options), /env\.KEY must be a string/);
    await assert.rejects(runDeployments({ code: 'process.exit(4)' }, 2), /ended with code 4 before it was connected/);
  });

  test('a wrong number, and one key for all', async () => {
    for (const count of [0, 1.5, 101, '3', undefined]) await assert.rejects(runDeployments({ code: ECHO }, count), RangeError);
    await assert.rejects(runDeployments({ code: ECHO }, 2, { state: '/nowhere' }), /keys of their own/);
  });

  async function using(t, starting, act) {
    const all = await starting;
    t.after(() => all.stop());
    await act(all);
    assert.deepEqual(await all.stop(), Array(all.length).fill(0));
  }
});
