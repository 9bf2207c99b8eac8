'use strict';
// Clients of one key at once: a gateway that makes one for each request. They share a connection, and each gets its own answers.

const assert = require('node:assert');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { OURS, Running, Service, eventually, keyPair, program } = require('./lib/programs');
const { AcurastClient } = require('../../lib/compat');
const { Questions } = require('../../lib/compat/questions');
const { connect } = require('../..');

let folder, service;

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-shared-'));
  service = await Service.start();
});

after(async () => {
  await Running.killAll();
  await service?.end();
  fs.rmSync(folder, { recursive: true });
});

/** Processors that collect what they are asked; answers are given by the test. */
async function processors(context, number) {
  return Promise.all(Array.from({ length: number }, async () => {
    const client = await connect(service.url);
    context.after(() => client.close());
    return client;
  }));
}

async function started(context, keys, options) {
  const client = new AcurastClient(service.url, options);
  const got = [];
  client.onMessage(({ payload }) => got.push(payload.toString()));
  await client.start(keys);
  context.after(() => client.close());
  return { client, got, has: (number) => eventually(() => got.length >= number, `${number} messages`) };
}

function accepted() {
  const page = `${service.url.replace('ws', 'http')}/metrics`;
  return fetch(page).then(async (answer) => Number(/^acurast_handshakes_total\{result="accepted"\} (\d+)$/m.exec(await answer.text())[1]));
}

describe('a gateway with 20 clients, 5 ms apart', () => {
  async function gateway(form, ids) {
    const running = Running.of(OURS, program('gateway.js'), [service.url, JSON.stringify(keyPair()), ids.join(), form], folder);
    const { code, told } = await running.whole();
    assert.strictEqual(code, 0, running.errors.join('\n'));
    return told[0];
  }

  for (const number of [1, 3])
    test(`texts, answered in order by ${number}`, async (context) => {
      const all = await processors(context, number);
      for (const one of all) one.on('message', (message) => one.sendText(message.sender, `answer to ${message.text()}`));
      const answers = await gateway('text', all.map(({ id }) => id));
      assert.deepStrictEqual(answers, Array.from({ length: 20 }, (_, index) => `answer to question ${index}`));
    });

  test('texts, answered backwards by who quotes them', async (context) => {
    const [one] = await processors(context, 1);
    const asked = [];
    one.on('message', (message) => {
      if (asked.push(message) < 20) return;
      for (const each of asked.reverse()) one.sendText(each.sender, `answer to ${each.text()}`);
    });
    const answers = await gateway('text', [one.id]);
    assert.deepStrictEqual(answers, Array.from({ length: 20 }, (_, index) => `answer to question ${index}`));
  });

  test('requests with ids, answered backwards', async (context) => {
    const [one] = await processors(context, 1);
    const asked = [];
    one.on('message', (message) => {
      if (asked.push(message) < 20) return;
      for (const each of asked.reverse()) one.sendJson(each.sender, { jsonrpc: '2.0', id: each.json().id, result: 1 });
    });
    const answers = await gateway('json', [one.id]);
    assert.deepStrictEqual(answers, Array.from({ length: 20 }, (_, index) => `r${index}`));
  });
});

describe('a shared connection', () => {
  test('is one for the service, and each client has its own answers and its own end', async (context) => {
    const keys = keyPair();
    const [one, two] = await processors(context, 2);
    const before = await accepted();
    const states = [];
    const a = await started(context, keys);
    const b = await started(context, keys, { onState: ({ state }) => states.push(state) });
    assert.strictEqual(await accepted(), before + 1);
    await a.client.send(one.id, 'from a');
    await b.client.send(two.id, 'from b');
    await two.sendText((await two.receive()).sender, 'to b');
    await b.has(1);
    await one.sendText((await one.receive()).sender, 'to a');
    await a.has(1);
    assert.deepStrictEqual([a.got, b.got, states], [['to a'], ['to b'], ['connected']]);
    await b.client.close();
    assert.strictEqual(states.at(-1), 'closed');
    await assert.rejects(b.client.send(two.id, 'late'), { code: 'ACURAST_BAD_STATE' });
    await a.client.send(one.id, 'still here');
    assert.strictEqual((await one.receive()).text(), 'still here');
  });

  test('what nobody asked for goes to the oldest; an answer to who has gone goes to nobody', async (context) => {
    const keys = keyPair();
    const [one, two] = await processors(context, 2);
    const [a, b, c] = [await started(context, keys), await started(context, keys), await started(context, keys)];
    await two.sendText(keys.id, 'news');
    await a.has(1);
    await b.client.send(one.id, JSON.stringify({ id: 7 }));
    await one.receive();
    await b.client.close();
    await c.client.send(one.id, JSON.stringify({ id: 8 }));
    await one.receive();
    await one.sendJson(keys.id, { id: 7, late: true });
    await one.sendJson(keys.id, { id: 8 });
    await c.has(1);
    await two.sendText(keys.id, 'more news');
    await a.has(2);
    assert.deepStrictEqual([a.got, b.got, c.got], [['news', 'more news'], [], ['{"id":8}']]);
  });

  test('other services or options, or shared: false, are connections of their own', async (context) => {
    const keys = keyPair();
    const a = await started(context, keys, { onState: () => {}, maxPayload: 1000 });
    const before = await accepted();
    await started(context, keys, { onState: () => {}, maxPayload: 1000 });
    assert.strictEqual(await accepted(), before);
    await started(context, keys, { maxPayload: 2000 });
    assert.strictEqual(await accepted(), before + 1);
    await assert.rejects(a.client.send(keys.id, 'replaced'), { code: 'ACURAST_BAD_STATE' });
    await started(context, keys, { maxPayload: 2000, shared: false, onState: () => {} });
    assert.strictEqual(await accepted(), before + 2);
  });

  test('the last bytes of a client go out before the next one of its key connects', async (context) => {
    const keys = keyPair();
    const [one] = await processors(context, 1);
    for (let round = 0; round < 20; round++) {
      const { client } = await started(context, keys);
      const sent = client.send(one.id, Buffer.alloc(100_000, round));
      client.close();
      const next = await started(context, keys);
      await sent;
      assert.strictEqual((await one.receive()).payload[0], round);
      await next.client.close();
    }
  });

  test('a client that is closed while the one before it ends sends first', async (context) => {
    const keys = keyPair();
    const [one] = await processors(context, 1);
    const { client } = await started(context, keys);
    const closed = client.close();
    const next = new AcurastClient(service.url);
    const start = next.start(keys);
    const sent = next.send(one.id, 'in time');
    await Promise.all([closed, next.close(), sent, start.catch(() => {})]);
    assert.strictEqual((await one.receive({ timeout: 10_000 })).text(), 'in time');
  });

  test('many clients that start at once are no leak of listeners', async (context) => {
    const keys = keyPair();
    const warnings = [];
    const listen = (warning) => warnings.push(warning.name);
    process.on('warning', listen);
    const all = await Promise.all(Array.from({ length: 50 }, () => started(context, keys)));
    await Promise.all(all.map(({ client }) => client.close()));
    await new Promise(setImmediate);
    process.off('warning', listen);
    assert.deepStrictEqual(warnings, []);
  });

  test('that is closed for good warns once, and every client can start again', async (context) => {
    const keys = keyPair();
    const all = [await started(context, keys), await started(context, keys), await started(context, keys)];
    const warnings = [];
    const listen = (warning) => warnings.push(warning.name);
    process.on('warning', listen);
    const [taken] = [once(process, 'warning')];
    const other = await started(context, keys, { shared: false });
    await taken;
    await other.client.close();
    for (const { client } of all) await client.start(keys);
    await new Promise(setImmediate);
    process.off('warning', listen);
    assert.deepStrictEqual(warnings, ['AcurastWarning']);
  });
});

test('no error advises to pass what was passed', async (context) => {
  const keys = keyPair();
  const errors = [];
  for (const reconnectWhenReplaced of [true, false]) {
    const onState = ({ error }) => error && errors.push(error.message);
    const { client } = await started(context, keys, { onState, reconnectWhenReplaced, shared: false });
    const { client: newer } = await started(context, keys, { shared: false, onState: () => {} });
    await eventually(() => errors.length > 0, 'the error');
    await client.close();
    await newer.close();
    const [message] = errors.splice(0);
    assert.match(message, /; use one identity in one place only/);
    assert.strictEqual(message.includes('pass reconnectWhenReplaced'), !reconnectWhenReplaced, message);
  }
});

describe('whose answer it is', () => {
  const S = 'aa'.repeat(16);
  const bytes = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const asker = (name) => ({ name, open: true });
  const all = () => true;

  /** Questions by name in order; `hears(answer)` names the asker. */
  function asked(...list) {
    const questions = new Questions();
    const askers = {};
    for (const [name, question] of list) questions.add(S, (askers[name] ??= asker(name)), bytes(question));
    const hears = (answer, listens = all) => {
      const found = questions.answered(S, bytes(answer), listens);
      return found ? found.name : found;
    };
    return { askers, hears, questions };
  }

  test('in the order of the questions, where nothing else tells', () => {
    const { hears } = asked(['a', 'time?'], ['b', 'time?'], ['c', 'more?']);
    assert.deepStrictEqual([hears('1'), hears('2'), hears('3')], ['a', 'b', 'c']);
  });

  test('an echo, an id, any other member that comes back', () => {
    assert.strictEqual(asked(['a', 'echo this'], ['b', 'echo that']).hears('echo that'), 'b');
    assert.strictEqual(asked(['a', 'echo this'], ['b', 'echo that']).hears('{"heard":"echo that"}'), 'b');
    assert.strictEqual(asked(['a', 'question 1'], ['b', 'question 17']).hears('answer to question 17'), 'b');
    assert.strictEqual(asked(['a', 'question 17'], ['b', 'question 1']).hears('answer to question 1'), 'b');
    assert.strictEqual(asked(['a', { id: 1 }], ['b', { id: 2 }]).hears({ id: 2, result: 0 }), 'b');
    assert.strictEqual(asked(['a', { id: 1 }], ['b', { id: '2' }]).hears({ id: 2 }), 'b');
    assert.strictEqual(asked(['a', { pair: 'BTC' }], ['b', { pair: 'ETH' }]).hears({ pair: 'ETH', price: 1 }), 'b');
  });

  test('numbers that come back by chance tell nothing', () => {
    const doubled = asked(['a', '1'], ['b', '2'], ['c', '4']);
    assert.deepStrictEqual([doubled.hears('2'), doubled.hears('4'), doubled.hears('8')], ['a', 'b', 'c']);
    const next = asked(['a', { n: 1, ok: true }], ['b', { n: 2, ok: false }]);
    assert.deepStrictEqual([next.hears({ n: 2, ok: false }), next.hears({ n: 3, ok: true })], ['a', 'b']);
    const long = asked(['a', '1000001'], ['b', '1000002']);
    assert.strictEqual(long.hears('1000002'), 'a');
  });

  test('the same id twice: in order', () => {
    const { hears } = asked(['a', { jsonrpc: '2.0', id: 1 }], ['b', { jsonrpc: '2.0', id: 1 }]);
    assert.deepStrictEqual([hears({ jsonrpc: '2.0', id: 1 }), hears({ jsonrpc: '2.0', id: 1 })], ['a', 'b']);
  });

  test('an answer with an id that nobody has asked with is nobody’s; a notification is no answer', () => {
    const { hears } = asked(['a', { jsonrpc: '2.0', id: 1 }], ['b', { jsonrpc: '2.0', id: 2 }]);
    assert.strictEqual(hears({ jsonrpc: '2.0', id: 3, result: 0 }), null);
    assert.strictEqual(hears({ jsonrpc: '2.0', method: 'tick' }), undefined);
    assert.strictEqual(hears({ jsonrpc: '2.0', id: null, error: {} }), 'a');
  });

  test('who does not listen comes last; who has closed gets nothing', () => {
    const { askers, hears } = asked(['a', 'x1'], ['b', 'x2'], ['c', 'x3']);
    assert.strictEqual(hears('?', ({ name }) => name !== 'a'), 'b');
    askers.a.open = false;
    assert.strictEqual(hears('?'), 'c');
  });

  test('a second answer goes to who got the first, a repeated one of who has closed to nobody', () => {
    const { askers, hears } = asked(['a', { id: 1 }], ['b', { id: 2 }]);
    assert.deepStrictEqual([hears({ id: 1 }), hears({ id: 1 })], ['a', 'a']);
    askers.a.open = false;
    assert.strictEqual(hears({ id: 1 }), null);
  });

  test('another sender answers nothing', () => {
    const { questions } = asked(['a', 'x']);
    assert.strictEqual(questions.answered('bb'.repeat(16), bytes('x'), all), undefined);
  });

  test('what was not sent waits for nothing', () => {
    const { askers, hears, questions } = asked(['a', 'x'], ['b', 'y']);
    questions.drop(S, askers.a);
    assert.strictEqual(hears('?'), 'b');
  });

  test('what is remembered is bounded', () => {
    const questions = new Questions();
    const one = asker('a');
    for (let number = 0; number < 10_000; number++) questions.add(number.toString(16).padStart(32, '0'), one, bytes('x'));
    assert.strictEqual(questions.answered('0'.repeat(32), bytes('y'), all), undefined);
    for (let number = 0; number < 10_000; number++) questions.add(S, number < 9_000 ? one : asker('b'), bytes('x'));
    assert.strictEqual(questions.answered(S, bytes('y'), all).name, 'b');
    const deep = Buffer.from(`{"a":${'['.repeat(5000)}${']'.repeat(5000)},"id":1}`);
    for (const odd of [deep, Buffer.from('{'), Buffer.from('{"a"'), Buffer.from([0x7b, 0xff]), Buffer.alloc(0), Buffer.from('null')])
      questions.answered(S, odd, all);
  });
});
