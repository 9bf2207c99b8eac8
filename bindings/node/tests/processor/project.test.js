'use strict';
// Folders with an acurast.json, as the vendor's command makes them; preludes; authorities of one's own; and what is left behind.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { test } = require('node:test');
const { Service } = require('../..');
const { runDeployment } = require('../../lib/processor');
const { authority } = require('../lib/certs');
const { HERE, command, evaluate, folder, within } = require('./lib/harness');

const COMMAND = path.join(HERE, 'bin', 'acurast-processor.js');
const PRINT = "print(JSON.stringify({ env: { ..._STD_.env }, file: require('path').basename(__filename) }))";

/** A folder with an acurast.json of these projects, and these files. */
function project(t, projects, files = {}) {
  const made = folder(t);
  const all = { 'acurast.json': JSON.stringify({ projects }), 'dist/bundle.js': PRINT, ...files };
  for (const [name, text] of Object.entries(all)) {
    fs.mkdirSync(path.dirname(path.join(made, name)), { recursive: true });
    fs.writeFileSync(path.join(made, name), text);
  }
  return made;
}

const ONE = { projectName: 'one', fileUrl: 'dist/bundle.js', network: 'canary', includeEnvironmentVariables: [] };

async function run(t, words, options) {
  const said = command(t, words, options);
  const { code } = await said.ended;
  const printed = said.events.all.filter(({ event }) => event === 'print').map(({ text }) => JSON.parse(text));
  return { code, printed, err: said.err };
}

test('a folder runs the script of its project, with the variables that it names', async (t) => {
  const made = project(
    t,
    { one: { ...ONE, includeEnvironmentVariables: ['A', 'B', 'C'] } },
    { '.env': "A=of the file\nB='quoted = #1'\nC=of the file\nACURAST_MNEMONIC=abandon abandon about\nOTHER=1\n" },
  );
  const { code, printed } = await run(t, [made, '--env', 'A=of the flag', '--env', 'D=more'], { env: { C: 'of the shell' } });
  assert.equal(code, 0);
  assert.deepEqual(printed[0], {
    env: { A: 'of the flag', B: 'quoted = #1', C: 'of the shell', D: 'more' },
    file: 'bundle.js',
  });
});

test('`acurast-processor .`, as in such a folder', async (t) => {
  const made = project(t, { one: ONE });
  const child = spawn(process.execPath, [COMMAND, '.', '--json'], { cwd: made, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  assert.deepEqual(await within(once(child, 'close')), [0, null]);
  const printed = out.trim().split('\n').map((line) => JSON.parse(line)).find(({ event }) => event === 'print');
  assert.deepEqual(JSON.parse(printed.text), { env: {}, file: 'bundle.js' });
});

test('one of several projects is chosen by --project; a fileUrl that is a folder has an entrypoint', async (t) => {
  const made = project(
    t,
    { one: ONE, two: { ...ONE, fileUrl: 'app' }, three: { ...ONE, fileUrl: './app', entrypoint: 'other.js' } },
    { 'app/index.js': PRINT, 'app/other.js': PRINT },
  );
  for (const [name, file] of Object.entries({ one: 'bundle.js', two: 'index.js', three: 'other.js' })) {
    const { printed } = await run(t, [made, '--project', name]);
    assert.equal(printed[0].file, file);
  }
  const { code, err } = await run(t, [made]);
  assert.equal(code, 2);
  assert.match(err, /acurast\.json names several projects; --project takes one of: one, two, three/);
  assert.match((await run(t, [made, '--project', 'four'])).err, /has no project "four"; --project takes one of: one, two, three/);
  assert.match((await run(t, [made, '--project', 'toString'])).err, /has no project "toString"/);
});

test('the function takes a folder, too', async (t) => {
  const made = project(t, { one: { ...ONE, includeEnvironmentVariables: ['A'] } }, { '.env': 'A=1\n' });
  const events = [];
  const deployment = await runDeployment(made, { onEvent: (told) => events.push(told), project: 'one', env: { B: '2' } });
  assert.equal(await deployment.ended, 0);
  const { text } = events.find(({ event }) => event === 'print');
  assert.deepEqual(JSON.parse(text).env, { A: '1', B: '2' });
});

test('what is wrong with a project is said, and wrong usage', async (t) => {
  const wrong = [
    [project(t, { one: { ...ONE, fileUrl: 'dist/none.js' } }), /fileUrl is dist\/none\.js, which is not there: build the project first/],
    [project(t, { one: { ...ONE, fileUrl: 'ipfs://QmX' } }), /fileUrl is ipfs:\/\/QmX: .* a file of this machine alone/],
    [project(t, { one: { ...ONE, fileUrl: undefined } }), /the project has no "fileUrl"/],
    [project(t, { one: { ...ONE, runtime: 'Shell' } }), /the project has the runtime Shell/],
    [project(t, { one: { ...ONE, includeEnvironmentVariables: ['NOWHERE'] } }), /names NOWHERE, which \.env does not have/],
    [project(t, { one: { ...ONE, includeEnvironmentVariables: ['ACURAST_MNEMONIC'] } }), /ACURAST_MNEMONIC is a variable of the vendor's tool/],
    [project(t, { one: { ...ONE, includeEnvironmentVariables: 'A' } }), /must be a list of names/],
    [project(t, {}), /--project takes one of: \(none\)/],
    [project(t, {}, { 'acurast.json': '{' }), /acurast\.json cannot be read: /],
    [project(t, {}, { 'acurast.json': 'null' }), /has no "projects"/],
    [project(t, { one: null }), /./],
  ];
  for (const [made, pattern] of wrong) {
    const { code, err } = await run(t, [made]);
    assert.equal(code, 2, err);
    assert.match(err, pattern);
  }
});

test('preludes run before the script, in order, with its globals; one that throws is told with its line', async (t) => {
  const made = project(t, {}, {
    'a.js': '_STD_.p2p = { start: () => 1 }; globalThis.order = [require.main === module];',
    'b.mjs': "import { sep } from 'node:path'; order.push(sep);",
    'script.js': 'print(JSON.stringify([...order, _STD_.p2p.start(), require.main === module]))',
    'bad.js': "\n\nthrow new Error('mine')",
  });
  const at = (name) => path.join(made, name);
  const { printed } = await run(t, [at('script.js'), '--prelude', at('a.js'), '--prelude', at('b.mjs')]);
  assert.deepEqual(printed, [[false, path.sep, 1, true]]);
  const said = command(t, [at('script.js'), '--prelude', at('bad.js')]);
  assert.equal((await said.ended).code, 1);
  const error = await said.events.next({ event: 'error', where: 'start' });
  assert.deepEqual([error.message, error.line, path.basename(error.file)], ['mine', 3, 'bad.js']);
  assert.ok(!said.events.all.some(({ event }) => event === 'print'));
  assert.match((await run(t, [at('script.js'), '--prelude', at('none.js')])).err, /none\.js/);
});

const OPEN = (url) =>
  `_STD_.ws.open('${url}', () => { print(JSON.stringify('open')); process.exit() }, (message) => { print(JSON.stringify(message)); process.exit(3) });`;

test('--ca-file lets wss:// services and httpGET of an authority of one\'s own through, and the error without it names the flag', async (t) => {
  const made = folder(t);
  const { ca, cert, key } = authority(made, 'own');
  const service = await Service.start({ tlsCert: cert, tlsKey: key });
  t.after(() => service.close());
  const server = https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, (_request, response) => response.end('text'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const file = path.join(made, 'script.js');
  fs.writeFileSync(
    file,
    `httpGET('https://localhost:${server.address().port}/', {}, (text) => { print(JSON.stringify(text)); ${OPEN(service.url)} }, (m) => print(JSON.stringify(m)))`,
  );
  assert.deepEqual((await run(t, [file, '--ca-file', ca])).printed, ['text', 'open']);

  const [told] = (await evaluate(t, `httpGET('https://localhost:${server.address().port}/', {}, print, (m) => print(JSON.stringify(m)))`)).printed;
  assert.match(told, /--ca-file \(caFile\) takes a private authority/);

  fs.writeFileSync(file, OPEN(service.url));
  const said = command(t, [file]);
  const { reason } = await said.events.next({ event: 'state', reason: /TLS/ });
  assert.match(reason, /--ca-file/);
  said.child.kill();
  assert.match((await run(t, [file, '--ca-file', path.join(made, 'none.pem')])).err, /none\.pem/);
  fs.writeFileSync(path.join(made, 'bad.pem'), 'no certificate');
  const bad = command(t, [file, '--ca-file', path.join(made, 'bad.pem')]);
  assert.equal((await bad.ended).code, 1);
  assert.match((await bad.events.next({ event: 'error' })).message, /ca-?file/i);
});

/** The command in a folder for temporary files of its own: { child, left(): what is in it }. */
function scratched(t, words, stdout = 'pipe') {
  const temporary = folder(t);
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, [COMMAND, ...words], { env, stdio: ['ignore', stdout, 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  child.stderr.resume();
  return { child, left: () => fs.readdirSync(temporary) };
}

test('nothing is left behind where the reader goes away, as head does', async (t) => {
  const file = path.join(folder(t), 'script.js');
  fs.writeFileSync(file, "for (let i = 0; ; i++) print('line ' + i);");
  const { child, left } = scratched(t, [file, '--local']);
  await within(once(child.stdout, 'data'));
  assert.equal(left().length, 1);
  child.stdout.destroy();
  assert.deepEqual(await within(once(child, 'close')), [1, null]);
  assert.deepEqual(left(), []);
});

for (const [title, signals] of Object.entries({
  'SIGTERM ends it': ['SIGTERM'],
  'the terminal is closed': ['SIGHUP'],
  'a second signal ends it at once': ['SIGINT', 'SIGINT'],
})) {
  test(`nothing is left behind where ${title}`, async (t) => {
    const file = path.join(folder(t), 'script.js');
    // It ends neither by itself nor by the first signal's word, so that the thread is ended.
    fs.writeFileSync(file, "print('on'); setInterval(() => {}, 1000); require('worker_threads').parentPort.removeAllListeners('message');");
    const { child, left } = scratched(t, [file]);
    await within(once(child.stdout, 'data'));
    assert.equal(left().length, 1);
    child.kill(signals[0]);
    if (signals[1]) setTimeout(() => child.kill(signals[1]), 550);
    await within(once(child, 'close'));
    assert.deepEqual(left(), []);
  });
}

test('nothing is left behind where a program that uses the function ends by itself', async (t) => {
  const temporary = folder(t);
  const code = `require(${JSON.stringify(path.join(HERE, 'lib', 'processor'))}).runDeployment({ code: 'setInterval(() => {}, 1000)' }).then(() => process.exit(7))`;
  const child = spawn(process.execPath, ['-e', code], { env: { ...process.env, TMPDIR: temporary }, stdio: 'inherit' });
  assert.deepEqual(await within(once(child, 'close')), [7, null]);
  assert.deepEqual(fs.readdirSync(temporary), []);
});

test('wrong options of these kinds are named', async (t) => {
  const rows = {
    fulfill: ['maybe', /fulfill must be one of success, fail, not "maybe"/],
    scriptHash: ['', /scriptHash must be the hash of the script, not ""/],
    project: [1, /project must be the name of a project, not a number/],
    chainRpc: [1, /chainRpc must be a string or a list of strings/],
    prelude: [1, /prelude must be a string or a list of strings/],
    caFile: ['/nowhere/ca.pem', /nowhere/],
    without: ['ws', /without must be one of chains, /],
  };
  for (const [name, [value, pattern]] of Object.entries(rows))
    await assert.rejects(evaluate(t, '', { [name]: value }), { message: pattern }, name);
  await assert.rejects(evaluate(t, '', { scriptHash: 'x'.repeat(257) }), { message: /may have 256 characters, not 257/ });
});
