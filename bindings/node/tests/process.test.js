'use strict';
// How a process and a worker end: by themselves, by exit, by terminate; and clients that nobody holds any more.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const native = require('../lib/native');
const { HERE, acurast, client, eventually, run, service, within } = require('./lib/harness');

const clean = (ended, out = '', code = 0) => {
  assert.deepEqual({ code: ended.code, signal: ended.signal, out: ended.out }, { code, signal: null, out }, ended.err);
};

test('the process ends when the last client and the service are closed', async () => {
  const ended = await run(`
    const service = await acurast.Service.start();
    const client = await acurast.connect(service.url);
    client.on('message', async (message) => {
      console.log(message.text());
      await client.close();
      await service.close();
    });
    await client.sendText(client.id, 'hello');
    process.on('exit', (code) => console.log('exit', code));
  `);
  clean(ended, 'hello\nexit 0\n');
  assert.equal(ended.err, '');
});

test('an open client keeps the process, an unreferenced one does not', async () => {
  const ended = await run(`
    const service = await acurast.Service.start();
    const client = await acurast.connect(service.url);
    client.on('message', () => {});
    service.unref();
    client.unref().ref();
    setTimeout(() => { console.log('still here'); client.unref(); }, 50);
  `);
  clean(ended, 'still here\n');
});

test('unref() counts also before connect()', async () => {
  const ended = await run(`
    const service = (await acurast.Service.start()).unref();
    const client = new acurast.Client(service.url).unref();
    await client.connect();
    console.log(client.state);
    setTimeout(() => process.exit(9), 5000).unref();
  `);
  clean(ended, 'connected\n');
});

test('a client that was never connected keeps nobody', async () => {
  clean(await run(`new acurast.Client('ws://127.0.0.1:1').on('state', () => {});`));
});

test('process.exit in a handler ends at once, with its code', async () => {
  const ended = await run(`
    const service = await acurast.Service.start();
    const client = await acurast.connect(service.url);
    client.on('message', () => process.exit(7));
    for (let i = 0; i < 1000; i++) client.sendText(client.id, 'x');
  `);
  clean(ended, '', 7);
});

test('what is called in an exit handler is refused, not a crash', async () => {
  const ended = await run(`
    const service = await acurast.Service.start();
    const client = await acurast.connect(service.url);
    process.on('exit', () => {
      client.sendText(client.id, 'x').catch(() => {});
      client.close();
      try { new acurast.Client(service.url); } catch (error) { console.log(error.code); }
    });
    process.exit();
  `);
  clean(ended, 'ACURAST_CLOSED\n');
});

test('a listener that throws is an uncaught exception, and the other events still come', async () => {
  const ended = await run(`
    const service = await acurast.Service.start();
    const client = await acurast.connect(service.url);
    let seen = 0;
    process.on('uncaughtException', (error) => console.log(error.message));
    client.on('message', async (message) => {
      if (++seen === 3) { await client.close(); await service.close(); }
      throw new Error(message.text());
    });
    client.on('message', (message) => { throw new Error('of ' + message.text()); });
    await Promise.all(['a', 'b', 'c'].map((text) => client.sendText(client.id, text)));
  `);
  assert.equal(ended.code, 0, ended.err);
  assert.deepEqual(ended.out.trim().split('\n').sort(), ['a', 'b', 'c', 'of a', 'of b', 'of c']);
});

test('a listener that throws kills the process where nobody catches it', async () => {
  const ended = await run(`
    const service = await acurast.Service.start();
    const client = await acurast.connect(service.url);
    client.on('message', () => { throw new Error('mine'); });
    await client.sendText(client.id, 'x');
  `);
  assert.equal(ended.code, 1);
  assert.match(ended.err, /Error: mine/);
});

test('an asynchronous listener whose send fails for lack of a service harms nobody', async () => {
  const ended = await run(`
    const service = await acurast.Service.start({ drainTime: 100 });
    const client = await acurast.connect(service.url, { sendTimeout: 500, linger: 0 });
    let failed;
    const error = new Promise((resolve) => (failed = resolve));
    client.on('message', async (message) => {
      await service.close();
      await client.send(message.sender, message.payload);
    });
    client.on('state', async (event) => {
      if (event.state !== 'disconnected') return;
      client.on('error', (error) => error.code === 'ACURAST_EXPIRED' && failed(error));
      await client.sendText(client.id, 'and again');
    });
    await client.sendText(client.id, 'x');
    console.log((await error).code);
    await client.close();
  `);
  clean(ended, 'ACURAST_EXPIRED\n');
  assert.equal(ended.err, '');
});

test("an asynchronous listener of 'error' that fails with it does not run for ever", async () => {
  const ended = await run(`
    const client = new acurast.Client('ws://127.0.0.1:1', { backoffMin: 1000 });
    let told = 0;
    let failed;
    const first = new Promise((resolve) => (failed = resolve));
    client.on('error', async (error) => {
      if (++told === 100) process.exit(9);
      failed();
      throw error;
    });
    const connecting = client.connect().catch((error) => console.log(error.code));
    await first;
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate); // in which it could run on
    console.log(told < 10); // waits are random
    await client.close();
    await connecting;
  `);
  clean(ended, 'true\nACURAST_CLOSED\n');
});

test('a disconnected client with sends does not hold up an exit', async () => {
  const ended = await run(`
    const client = new acurast.Client('ws://127.0.0.1:1', { linger: '20s' });
    client.connect().catch(() => {});
    for (let i = 0; i < 100; i++) client.sendText(client.id, 'x');
    const start = performance.now();
    process.on('exit', () => console.log(performance.now() - start < 2000));
    process.exit();
  `);
  clean(ended, 'true\n');
});

test('what a connected client sends is written before an exit', async (t) => {
  const started = await service(t);
  const one = await client(t, started.url);
  const ended = await run(`
    const client = await acurast.connect('${started.url}');
    client.sendText('${one.id}', 'the last words');
    process.exit(0);
  `);
  clean(ended);
  assert.equal((await within(one.receive())).text(), 'the last words');
});

test('a relay that goes away is no reason to die', async () => {
  const ended = await run(`
    const service = await acurast.Service.start({ drainTime: 100 });
    const client = await acurast.connect(service.url);
    const gone = new Promise((resolve) => client.on('state', (event) => event.state === 'disconnected' && resolve()));
    await service.close();
    await gone;
    console.log(client.state === 'connected');
    await client.close();
  `);
  clean(ended, 'false\n');
  assert.equal(ended.err, '');
});

test('clients that nobody holds are closed when they are collected, with one warning', async () => {
  const ended = await run(
    `
    const native = require(${JSON.stringify(`${HERE}/lib/native`)});
    const service = await acurast.Service.start();
    const before = native.liveObjects();
    const make = async () => { // a frame of its own: newer versions keep the last client of one that goes on
      for (let i = 0; i < 20; i++) await acurast.connect(service.url);
      for (let i = 0; i < 20; i++) new acurast.Client(service.url);
      for (let i = 0; i < 20; i++) new acurast.Client(service.url).on('message', () => {});
      for (let i = 0; i < 20; i++) {
        const client = await acurast.connect(service.url);
        client.on('message', () => {}).on('state', () => {});
        await client.close();
      }
    };
    await make();
    const connected = () => Number(/^acurast_connections (\\d+)/m.exec(service.metrics())[1]);
    for (let end = Date.now() + 20000; Date.now() < end && (connected() || native.liveObjects() > before + 1); ) {
      gc();
      await new Promise(setImmediate);
    }
    console.log(connected(), native.liveObjects() <= before + 1); // the context of the clients stays
    await service.close();
  `,
    { flags: ['--expose-gc'] },
  );
  clean(ended, '0 true\n');
  assert.equal(ended.err.match(/ACURAST_UNCLOSED/g)?.length, 1, ended.err);
});

test('a client that listens, sends or waits is not collected', async () => {
  const ended = await run(
    `
    const service = await acurast.Service.start();
    const identity = acurast.Identity.generate();
    const listener = await (async () => {
      const client = await acurast.connect(service.url, { identity });
      client.on('message', (message) => client.send(message.sender, message.payload));
      return client.id;
    })();
    const waits = await (async () => (await acurast.connect(service.url)).receive({ signal: AbortSignal.timeout(500) }))
      .call().catch((error) => error.name);
    for (let i = 0; i < 100; i++) { gc(); await new Promise(setImmediate); }
    const asker = await acurast.connect(service.url);
    await asker.sendText(listener, 'there?');
    console.log((await asker.receive()).text(), waits);
    process.exit();
  `,
    { flags: ['--expose-gc'] },
  );
  clean(ended, 'there? TimeoutError\n');
});

const WORKER = `
  const { workerData, parentPort } = require('node:worker_threads');
  const acurast = require(${JSON.stringify(HERE)});
  (async () => {
    const client = await acurast.connect(workerData.url);
    client.on('message', (message) => client.send(message.sender, message.payload));
    for (let i = 0; i < 100; i++) client.send(client.id, Buffer.alloc(1000));
    parentPort.postMessage(client.id);
    parentPort.once('message', () => process.exit(3));
  })();
`;

async function worker(url) {
  const made = new Worker(WORKER, { eval: true, workerData: { url } });
  const [id] = await within(once(made, 'message'), 'the worker');
  return { made, id };
}

test('workers come, answer, and are terminated in the middle of traffic; nothing is left', async (t) => {
  const started = await service(t);
  const one = await client(t, started.url);
  const before = native.liveObjects();
  for (let round = 0; round < 4; round++) {
    const workers = await Promise.all([worker(started.url), worker(started.url), worker(started.url)]);
    await Promise.all(workers.map(({ id }) => one.sendText(id, 'hello')));
    for (const _ of workers) assert.equal((await within(one.receive())).text(), 'hello');
    const codes = await within(Promise.all(workers.map(({ made }) => made.terminate())), 'the end of the workers');
    assert.deepEqual(codes, [1, 1, 1]);
  }
  await eventually(() => native.liveObjects() <= before, 'everything of the workers to be given back');
});

test('a worker that exits keeps its code', async (t) => {
  const started = await service(t);
  const { made } = await worker(started.url);
  made.postMessage('exit');
  assert.deepEqual(await within(once(made, 'exit')), [3]);
});

test('the process ends while workers are at it', async () => {
  const ended = await run(`
    const { Worker } = require('node:worker_threads');
    const service = await acurast.Service.start();
    const source = ${JSON.stringify(WORKER)};
    const workers = [1, 2].map(() => new Worker(source, { eval: true, workerData: { url: service.url } }));
    await Promise.all(workers.map((each) => new Promise((resolve) => each.once('message', resolve))));
    process.exit(5);
  `);
  clean(ended, '', 5);
});

test('each loading of the addon is an environment of its own', async (t) => {
  const started = await service(t);
  const paths = Object.keys(require.cache).filter((path) => path.startsWith(`${HERE}/lib/`) || path === `${HERE}/index.js`);
  const kept = paths.map((path) => [path, require.cache[path]]);
  for (const path of paths) delete require.cache[path];
  const again = require(HERE);
  for (const [path, module] of kept) require.cache[path] = module;
  assert.notEqual(again.Client, acurast.Client);
  const other = await again.connect(started.url);
  const one = await client(t, started.url);
  await other.sendText(one.id, 'from the other');
  assert.equal((await within(one.receive())).text(), 'from the other');
  await other.close();
});
