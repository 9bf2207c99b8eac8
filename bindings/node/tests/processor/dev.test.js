'use strict';
// `acurast-processor dev`: bundles, restarts with the same id and clients, errors with their lines in the TypeScript, a debugger.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { describe, test } = require('node:test');
const { HERE, acurast, client, eventually, service: serviceOf } = require('../lib/harness');
const { command, folder, within } = require('./lib/harness');

const SCRIPT = path.join(__dirname, 'scripts', 'workshop.ts');
const interop = createRequire(path.join(HERE, '..', '..', 'tests', 'interop', 'package.json'));

/** A project of two files of TypeScript. */
function project(t) {
  const made = folder(t);
  const [main, util] = ['script.ts', 'util.ts'].map((name) => path.join(made, name));
  fs.copyFileSync(SCRIPT, main);
  fs.appendFileSync(main, "import { hello } from './util';\nprint(hello(1));\n");
  fs.writeFileSync(util, 'export interface Never {\n  used: string;\n}\nexport const hello = (n: number): string => `hello ${n}`;\n');
  const edit = (file, from, to) => fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(from, to));
  return { made, main, util, edit };
}

const QUESTION = '{"jsonrpc":"2.0","id":1,"params":["EUR"]}';

async function asked(dapp, to) {
  await dapp.sendText(to, QUESTION);
  return (await within(dapp.receive(), 'an answer')).json().result;
}

test('a change starts it again: the id, the storage, the service and its clients stay', async (t) => {
  const { main, util, edit } = project(t);
  fs.appendFileSync(main, "import fs from 'node:fs';\nconst runs = `${_STD_.job.storageDir}/runs`;\nfs.appendFileSync(runs, 'x');\nprint(fs.readFileSync(runs, 'utf8'));\n");
  const said = command(t, ['dev', main]);
  const { service, publicKey } = await said.events.next({ event: 'ready' });
  const dapp = await client(t, service);
  assert.equal(await asked(dapp, publicKey), 0.94);
  edit(util, '`hello', '`good morning');
  await said.events.next({ event: 'restart', number: 2 });
  await said.events.next({ event: 'print', text: 'good morning 1' });
  edit(main, '0.94', '0.95');
  await said.events.next({ event: 'restart', number: 3 });
  assert.equal(await asked(dapp, publicKey), 0.95);
  await said.events.next({ event: 'print', text: 'xxx' });
  const ids = said.events.all.filter(({ event }) => event === 'start').map(({ id }) => id);
  assert.deepEqual([ids.length, new Set(ids).size], [3, 1]);
  said.child.kill('SIGTERM');
  assert.deepEqual(await said.ended, { code: 0, signal: null });
});

test('what is sent while it starts again is answered by the new one', async (t) => {
  const { main, edit } = project(t);
  const said = command(t, ['dev', main]);
  const { service, publicKey } = await said.events.next({ event: 'ready' });
  const dapp = await client(t, service);
  edit(main, '0.94', '0.95');
  await said.events.next({ event: 'state', state: 'closed' });
  assert.equal(await asked(dapp, publicKey), 0.95);
});

test('a build that fails says where, and the script before goes on', async (t) => {
  const { main, util, edit } = project(t);
  const said = command(t, ['dev', main]);
  const { service, publicKey } = await said.events.next({ event: 'ready' });
  edit(util, 'export const', 'export const const');
  const error = await said.events.next({ event: 'error', where: 'build' });
  assert.deepEqual([error.file, error.line, error.name], [fs.realpathSync(util), 4, 'BuildError']);
  assert.equal(await asked(await client(t, service), publicKey), 0.94);
  edit(util, 'export const const', 'export const');
  await said.events.next({ event: 'build', ok: true, changed: false });
  assert.ok(!said.events.all.some(({ event }) => event === 'restart'));
});

test('a first build that fails waits for a change', async (t) => {
  const { main, edit } = project(t);
  edit(main, 'const PRICES', 'const 1');
  const said = command(t, ['dev', main]);
  await said.events.next({ event: 'error', where: 'build' });
  edit(main, 'const 1', 'const PRICES');
  await said.events.next({ event: 'ready' });
});

describe('errors have their lines in the TypeScript', () => {
  const cases = {
    'at its start': ["\nthrow new TypeError('at once');\n", 'start'],
    'later': ["\nsetTimeout(() => {\n  throw new TypeError('at once');\n}, 1);\n", 'script'],
    'rejected': ["\nvoid (async (): Promise<void> => {\n  await null;\n  throw new TypeError('at once');\n})();\n", 'unhandled rejection'],
  };
  for (const [what, [code, where]] of Object.entries(cases))
    test(what, async (t) => {
      const { main } = project(t);
      fs.appendFileSync(main, code);
      const line = fs.readFileSync(main, 'utf8').split('\n').findIndex((one) => one.includes('at once')) + 1;
      const said = command(t, ['dev', main]);
      const error = await said.events.next({ event: 'error', where });
      assert.deepEqual([error.file, error.line, error.message], [fs.realpathSync(main), line, 'at once']);
      assert.match(error.stack, new RegExp(`script\\.ts:${line}:`));
    });

  test('a bundle with a source map that runs without dev', async (t) => {
    const made = folder(t);
    const [from, to] = [path.join(made, 'source.ts'), path.join(made, 'bundle.js')];
    fs.writeFileSync(from, "interface A { a: string }\n\nfunction fail(a: A): never {\n  throw new Error(a.a);\n}\nfail({ a: 'mapped' });\n");
    require('esbuild').buildSync({ entryPoints: [from], outfile: to, bundle: true, platform: 'node', sourcemap: 'inline' });
    const error = await command(t, [to]).events.next({ event: 'error' });
    assert.deepEqual([error.file, error.line], [fs.realpathSync(from), 4]);
  });
});

test('ESM with await at its top, and what it requires', async (t) => {
  const file = path.join(folder(t), 'script.mts');
  fs.writeFileSync(file, "import { createHash } from 'node:crypto';\nconst late: string = await Promise.resolve('late');\nprint(late, typeof createHash, typeof require('node:fs').readFileSync);\n");
  const said = command(t, ['dev', file]);
  await said.events.next({ event: 'print', text: 'late function function' });
  await said.events.next({ event: 'done', code: 0 });
});

/** The inspector's protocol through one socket: calls and events of this process, and of a worker. */
class Debugger {
  #socket;
  #number = 0;
  #waiting = new Map();
  events = [];

  static async at(url) {
    const made = new Debugger();
    const WebSocket = interop('ws');
    made.#socket = new WebSocket(url);
    made.#socket.on('message', (data) => made.#hear(JSON.parse(data)));
    await within(new Promise((resolve) => made.#socket.once('open', resolve)), 'the debugger');
    return made;
  }

  #hear(told) {
    if (told.method === 'NodeWorker.receivedMessageFromWorker') return this.#hear({ ...JSON.parse(told.params.message), worker: true });
    if (told.id === undefined) return this.events.push(told);
    this.#waiting.get(told.id)?.(told);
  }

  #call(id, send) {
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    send();
    return within(answer, 'an answer of the debugger').then(({ result, error }) => {
      assert.equal(error, undefined, JSON.stringify(error));
      return result;
    });
  }

  call(method, params = {}) {
    const id = ++this.#number;
    return this.#call(id, () => this.#socket.send(JSON.stringify({ id, method, params })));
  }

  inWorker(sessionId, method, params = {}) {
    const id = ++this.#number;
    const message = JSON.stringify({ id, method, params });
    return this.#call(id, () => this.call('NodeWorker.sendMessageToWorker', { sessionId, message }));
  }

  async event(method, fits = () => true) {
    let found;
    await eventually(() => (found = this.events.find((one) => one.method === method && fits(one.params))), method);
    return found.params;
  }

  close() {
    this.#socket.terminate();
  }
}

test('--inspect-brk: a signal ends it while it waits; a port that is taken is told', async (t) => {
  const first = command(t, [SCRIPT.replace('workshop.ts', 'live-code.js'), '--inspect-brk=0']);
  const { url } = await first.events.next({ event: 'inspect' });
  const second = command(t, ['dev', SCRIPT, `--inspect=${new URL(url).port}`], { json: false });
  assert.equal((await second.ended).code, 1);
  assert.match(second.err, /the debugger cannot listen at 127\.0\.0\.1:\d+: take another port/);
  first.child.kill('SIGINT');
  assert.deepEqual(await first.ended, { code: null, signal: 'SIGINT' });
});

function missingSocket() {
  try {
    interop.resolve('ws');
    return false;
  } catch {
    return 'the packages of tests/interop are not installed';
  }
}

test('--inspect-brk: a debugger stops in the script’s thread, by the map of its TypeScript', { skip: missingSocket() }, async (t) => {
  const { main } = project(t);
  const said = command(t, ['dev', main, '--inspect-brk=0']);
  const { url, waits } = await said.events.next({ event: 'inspect' });
  assert.deepEqual([new URL(url).hostname, waits], ['127.0.0.1', true]);
  const tool = await Debugger.at(url);
  t.after(() => tool.close());
  assert.ok(!said.events.all.some(({ event }) => event === 'start'), 'it waits');
  await tool.call('NodeWorker.enable', { waitForDebuggerOnStart: true });
  await tool.call('Runtime.runIfWaitingForDebugger');
  const { sessionId } = await tool.event('NodeWorker.attachedToWorker');
  await tool.inWorker(sessionId, 'Debugger.enable');
  await tool.inWorker(sessionId, 'Runtime.runIfWaitingForDebugger');
  await tool.event('Debugger.paused'); // before the first line of the runner's own
  await tool.inWorker(sessionId, 'Debugger.resume');
  const { scriptId, sourceMapURL, url: file } = await tool.event('Debugger.scriptParsed', ({ url }) => url.endsWith('script.cjs'));
  const map = JSON.parse(fs.readFileSync(new URL(sourceMapURL, file), 'utf8'));
  const sources = map.sources.map((one) => path.resolve(path.dirname(new URL(file).pathname), one));
  assert.ok(sources.includes(fs.realpathSync(main)), sources.join());
  const { scriptSource } = await tool.inWorker(sessionId, 'Debugger.getScriptSource', { scriptId });
  const lineNumber = scriptSource.split('\n').findIndex((line) => line.includes('const price = PRICES'));
  await tool.inWorker(sessionId, 'Debugger.setBreakpointByUrl', { url: file, lineNumber });
  await tool.event('Debugger.paused', ({ callFrames: [frame] }) => frame.location.scriptId === scriptId); // and that of the script
  await tool.inWorker(sessionId, 'Debugger.resume');
  const { service, publicKey } = await said.events.next({ event: 'ready' });
  const dapp = await client(t, service);
  await dapp.sendText(publicKey, QUESTION);
  const { callFrames } = await tool.event('Debugger.paused', ({ callFrames: [frame] }) => frame.functionName === 'priceOf');
  assert.equal(callFrames[0].location.lineNumber, lineNumber);
  await tool.inWorker(sessionId, 'Debugger.resume');
  assert.equal((await within(dapp.receive(), 'the answer')).json().result, 0.94);
});

test('a project of the vendor’s command, a service of its own, a key, and nothing left behind', async (t) => {
  const { made, main, edit } = project(t);
  fs.writeFileSync(path.join(made, 'acurast.json'), JSON.stringify({ projects: { one: { fileUrl: 'script.ts', includeEnvironmentVariables: ['WORD'] } } }));
  fs.writeFileSync(path.join(made, '.env'), 'WORD=from the project\n');
  fs.appendFileSync(main, 'print(_STD_.env.WORD);\n');
  const identity = acurast.Identity.generate();
  const pem = path.join(made, 'key.pem');
  fs.writeFileSync(pem, identity.toPem(), { mode: 0o600 });
  const own = await serviceOf(t);
  const temporary = folder(t);
  const said = command(t, ['dev', made, '--service', own.url, '--key', pem], { env: { TMPDIR: temporary } });
  const { service, id } = await said.events.next({ event: 'ready' });
  assert.deepEqual([service, id], [own.url, identity.id]);
  await said.events.next({ event: 'print', text: 'from the project' });
  edit(main, '0.94', '0.95');
  await said.events.next({ event: 'restart' });
  await said.events.times(2, { event: 'ready', id });
  said.child.kill('SIGTERM');
  await said.ended;
  assert.deepEqual(fs.readdirSync(temporary), []);
});

test('without esbuild: what is missing, and how it comes', async (t) => {
  const made = folder(t);
  const hook = path.join(made, 'hook.js');
  fs.writeFileSync(hook, "const Module = require('module'); const real = Module._resolveFilename;\n" +
    "Module._resolveFilename = (name, ...rest) => { if (name === 'esbuild') throw Object.assign(new Error(\"Cannot find module 'esbuild'\"), { code: 'MODULE_NOT_FOUND' }); return real(name, ...rest); };");
  const said = command(t, ['dev', SCRIPT], { json: false, node: [process.execPath, '-r', hook] });
  assert.equal((await said.ended).code, 1);
  assert.match(said.err, /acurast-processor dev needs the package esbuild: npm install --save-dev 'esbuild@/);
});

test('wrong usage', async (t) => {
  for (const words of [['dev'], ['dev', SCRIPT, '--page=x'], ['dev', SCRIPT, '--inspect=70000'], ['dev', 'a.ts', 'b.ts'], [SCRIPT, '--inspect-brk=-1']]) {
    const said = command(t, words, { json: false });
    assert.equal((await said.ended).code, 2, words.join(' '));
  }
});

test('who wants none of this loads none of it', async (t) => {
  const made = folder(t);
  const [hook, script] = ['hook.js', 'script.js'].map((name) => path.join(made, name));
  fs.writeFileSync(hook, "if (require('worker_threads').isMainThread) process.on('exit', () => console.error(JSON.stringify(Object.keys(require.cache))));");
  fs.writeFileSync(script, 'print(Object.keys(require.cache).join())');
  const said = command(t, [script, '--local'], { json: false, node: [process.execPath, '-r', hook] });
  assert.equal((await said.ended).code, 0);
  for (const loaded of [said.err, said.out]) {
    assert.match(loaded, /processor/);
    assert.doesNotMatch(loaded, /processor\/(dev|page|fakes|workshop|tested|record)|esbuild|fake-timers/);
  }
});
