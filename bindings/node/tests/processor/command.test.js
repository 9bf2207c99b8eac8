'use strict';
// The command: its flags, what it prints, its exit codes, its keys on disk, and its end.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const util = require('node:util');
const { runDeployment } = require('../../lib/processor');
const { main } = require('../../lib/processor/cli.js');
const { client } = require('../lib/harness');
const { command, dapp, deploy, evaluate, example, folder, within } = require('./lib/harness');

/** A script in a folder of its own. */
function script(t, name, text) {
  const file = path.join(folder(t), name);
  fs.writeFileSync(file, text);
  return file;
}

test('--local tells people where it is and how to talk to it', async (t) => {
  const run = command(t, [example('echo.js'), '--local'], { json: false });
  const paste = /npx acurast send --url (ws:\/\/127\.0\.0\.1:\d+) --to ([0-9a-f]{66}) --wait 1 'hello'/;
  const shown = new Promise((resolve) =>
    run.child.stderr.on('data', () => paste.test(run.err) && resolve(paste.exec(run.err))),
  );
  const [, url, key] = await within(shown, 'the line to paste');
  const send = path.join(__dirname, '..', '..', 'bin', 'acurast.js');
  const { execFile } = require('node:child_process');
  const words = [send, 'send', '--url', url, '--to', key, '--wait', '1', 'hello'];
  const answer = await new Promise((resolve) => execFile(process.execPath, words, (_, stdout) => resolve(stdout)));
  assert.equal(answer, 'hello\n');
  assert.match(run.err, / public key +[0-9a-f]{66}\n +id +[0-9a-f]{32}\n +address +5\w+\n/);
  run.child.kill('SIGTERM');
  assert.deepEqual(await run.ended, { code: 0, signal: null });
  assert.equal(run.out, 'open: success\n'); // the script's own words alone
});

test('--json prints one object a line, first start and last end', async (t) => {
  const file = script(t, 'a.js', "print('a', 1); console.log('b\\nc'); console.error('d'); print({ e: 1 })");
  const run = command(t, [file]);
  assert.deepEqual(await run.ended, { code: 0, signal: null });
  const [start, ...rest] = run.events.all;
  assert.deepEqual(Object.keys(start), ['event', 'script', 'id', 'publicKey', 'address']);
  assert.equal(start.script, fs.realpathSync(file));
  assert.deepEqual(rest, [
    { event: 'print', text: 'a 1' },
    { event: 'output', stream: 'stdout', text: 'b\nc' },
    { event: 'output', stream: 'stderr', text: 'd' },
    { event: 'print', text: '{ e: 1 }' },
    { event: 'end', code: 0 },
  ]);
});

test('a stranger with two requests in one packet does not hold up the local service', async (t) => {
  const run = command(t, [example('echo.js'), '--local']);
  const { service, publicKey } = await run.events.next({ event: 'ready' });
  const stranger = net.connect(Number(new URL(service).port), '127.0.0.1');
  let answer = '';
  stranger.on('data', (bytes) => (answer += bytes));
  stranger.write('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx'.repeat(2));
  await within(once(stranger, 'close'));
  assert.match(answer, /^HTTP\/1\.1 200 /);
  const one = await client(t, service);
  const [message] = await Promise.all([once(one, 'message'), one.send(publicKey, Buffer.from('still there?'))]);
  assert.equal(message[0].text(), 'still there?');
});

test('the ready event names service, id and public key', async (t) => {
  const run = command(t, [example('echo.js'), '--local']);
  const { service } = await run.events.next({ event: 'start' });
  const { id, publicKey } = run.events.all[0];
  assert.deepEqual(await run.events.next({ event: 'ready' }), { event: 'ready', service, id, publicKey });
});

const noParser = !util.parseEnv && 'this Node is older than 20.12 and cannot read env files';

test('--env goes before --env-file', { skip: noParser }, async (t) => {
  const dir = folder(t);
  fs.writeFileSync(path.join(dir, '.env'), '# remark\nA=file\nB="two words"\n');
  const file = script(t, 'env.js', 'print(JSON.stringify(_STD_.env))');
  const run = command(t, [file, '--env', 'A=flag', '--env', 'C=a=b', '--env-file', path.join(dir, '.env')]);
  const { text } = await run.events.next({ event: 'print' });
  assert.deepEqual(JSON.parse(text), { A: 'flag', B: 'two words', C: 'a=b' });
});

test('as a program of its own, --env-file is not for Node', { skip: noParser }, async (t) => {
  const env = { PATH: `${path.dirname(process.execPath)}:${process.env.PATH}` };
  const run = command(t, [example('echo.js'), '--env-file', '/nowhere/.env'], { env, json: false, node: [] });
  assert.equal((await run.ended).code, 1, run.err);
  assert.match(run.err, /acurast-processor: ENOENT.*\/nowhere\/\.env/);
});

test('wrong usage: code 2 and a reason', async (t) => {
  const file = example('echo.js');
  const cases = [
    [[], /name a script/],
    [[file, file], /one script, please/],
    [[file, '--nothing'], /'--nothing'/],
    [[file, '--env', 'novalue'], /--env takes KEY=VALUE, not "novalue"/],
    [[file, '--service', 'http://a'], /service must be a ws:\/\/ or wss:\/\/ address, not "http:\/\/a"/],
    [[file, '--service', ''], /service must be a ws:\/\/ or wss:\/\/ address, not ""/],
    [[file, '--service', 'ws://a:b'], /service must be a ws:\/\/ or wss:\/\/ address, not "ws:\/\/a:b"/],
    [[file, '--local', '--service', 'ws://a'], /service and local exclude each other/],
    [[file, '--key', file, '--state', '/tmp'], /key and state exclude each other/],
    [[file, '--without', 'ws'], /without must be one of chains, /],
    [[file, '--allow-net', 'a b:c:d'], /allowNet: "a b:c:d" is no host/],
  ];
  const [[words, pattern]] = cases;
  const run = command(t, words, { json: false });
  assert.equal((await run.ended).code, 2, run.err);
  assert.match(run.err, pattern);
  assert.equal(run.out, '');
  // A process for each of them would cost more than all the rest.
  for (const [each, reason] of cases) {
    const written = t.mock.method(process.stderr, 'write', () => true);
    const code = await main(each);
    written.mock.restore();
    assert.match(written.mock.calls.map(({ arguments: [text] }) => text).join(''), reason);
    assert.equal(code, 2);
  }
});

test('what cannot start: code 1, with file and line', async (t) => {
  const cases = [
    ['missing.js', undefined, /ENOENT/],
    ['syntax.js', 'print(1);\nlet x = ;\n', { name: 'SyntaxError', line: 2 }],
    ['syntax.mjs', 'print(1);\n\nlet x = ;\n', { name: 'SyntaxError', line: 3 }],
    [
      'throws.js',
      '\nfunction f() {\n  throw new RangeError("no");\n}\nf();',
      { name: 'RangeError', line: 3, column: 9 },
    ],
    ['late.mjs', 'await 1;\n\nnull.x;', { name: 'TypeError', line: 3 }],
    ['needs.js', "\nrequire('./nothing-here');", { name: 'Error', code: 'MODULE_NOT_FOUND', line: 2 }],
    ['odd.js', 'throw "a string"', { message: 'a string' }],
  ];
  const files = cases.map(([name, text]) => (text === undefined ? `/nowhere/${name}` : script(t, name, text)));
  const runs = files.map((file) => command(t, [file]));
  for (const [i, [name, , wanted]] of cases.entries()) {
    assert.equal((await runs[i].ended).code, 1, name);
    if (wanted instanceof RegExp) assert.match(runs[i].err, wanted);
    else {
      const error = await runs[i].events.next({ event: 'error', where: 'start', ...wanted });
      if (wanted.line) assert.equal(error.file, fs.realpathSync(files[i]));
    }
  }
});

test('errors that nobody caught are reported; a script that then ends has failed', async (t) => {
  const file = script(t, 'a.js', "Promise.reject(new TypeError('nobody'));\nsetTimeout(() => print('on'), 20);");
  const run = command(t, [file]);
  const error = await run.events.next({ event: 'error', where: 'unhandled rejection' });
  assert.deepEqual([error.message, error.file, error.line], ['nobody', fs.realpathSync(file), 1]);
  await run.events.next({ event: 'print', text: 'on' });
  assert.equal((await run.ended).code, 1);
});

test('process.exit of the script is the command’s', async (t) => {
  const run = command(t, [script(t, 'a.js', 'setTimeout(() => process.exit(7)); setInterval(() => {}, 1000)')]);
  assert.equal((await run.ended).code, 7);
});

test('ESM where the file says so, and CommonJS as the main file', async (t) => {
  const dir = folder(t);
  const write = (name, text) => {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), text);
  };
  write('helper.cjs', "module.exports = 'helped'");
  const body =
    "import helped from './helper.cjs';\nawait null;\nprint(helped, import.meta.url.split('/').pop(), typeof require);";
  write('a.mjs', body);
  write('typed/package.json', '{ "type": "module" }');
  write('typed/helper.cjs', "module.exports = 'typed'");
  write('typed/plain.js', 'print(typeof require, this === undefined)');
  write('typed/a.js', body);
  write('syntax.js', body);
  write(
    'c.js',
    "print(require.main === module, require('./helper.cjs'), __filename.split('/').pop(), process.argv.length);",
  );
  const wanted = {
    'a.mjs': 'helped a.mjs undefined',
    'typed/a.js': 'typed a.js undefined',
    'typed/plain.js': 'undefined true',
    'c.js': 'true helped c.js 2',
  };
  const detects =
    process.features.require_module || process.allowedNodeEnvironmentFlags.has('--experimental-detect-module');
  if (detects) wanted['syntax.js'] = 'helped syntax.js undefined';
  const runs = Object.keys(wanted).map((name) => command(t, [path.join(dir, name)]));
  for (const [i, text] of Object.values(wanted).entries()) {
    assert.equal((await runs[i].events.next({ event: 'print' })).text, text);
    assert.equal((await runs[i].ended).code, 0);
  }
});

test('--state keeps keys and storage; without it they are fresh', async (t) => {
  const dir = path.join(folder(t), 'made', 'here');
  const file = script(
    t,
    'a.js',
    `const fs = require('fs'), kept = _STD_.job.storageDir + '/kept';
     const before = fs.existsSync(kept) ? fs.readFileSync(kept, 'utf8') : 'nothing';
     fs.writeFileSync(kept, 'something');
     print(JSON.stringify([_STD_.job.getPublicKeys(), _STD_.job.getEncryptionKeys(), _STD_.device.getAddress(), before]))`,
  );
  const print = async (words) => JSON.parse((await command(t, [file, ...words]).events.next({ event: 'print' })).text);
  const first = await print(['--state', dir]);
  const second = await print(['--state', dir]);
  assert.deepEqual(second.slice(0, 3), first.slice(0, 3));
  assert.deepEqual([first[3], second[3]], ['nothing', 'something']);
  assert.equal(fs.statSync(dir).mode & 0o777, 0o700);
  const names = fs.readdirSync(dir).sort();
  assert.deepEqual(names.filter((name) => name !== 'storage').length, 6);
  for (const name of names.filter((one) => one.endsWith('.pem')))
    assert.equal(fs.statSync(path.join(dir, name)).mode & 0o777, 0o600);
  const [fresh, again] = [await print([]), await print([])];
  assert.notDeepEqual(fresh[0], again[0]);
  assert.equal(again[3], 'nothing');
});

test('two runners that make the same state at once have the same keys', async (t) => {
  const state = folder(t);
  const code = 'print(JSON.stringify([_STD_.job.getPublicKeys(), _STD_.job.getEncryptionKeys()]))';
  const runs = await Promise.all(Array.from({ length: 4 }, () => evaluate(t, code, { state })));
  for (const { printed } of runs) assert.deepEqual(printed[0], runs[0].printed[0]);
});

test('a key file that others can read, or that holds no key, is refused', async (t) => {
  const state = folder(t);
  await evaluate(t, '', { state });
  const file = path.join(state, 'device.pem');
  fs.chmodSync(file, 0o640);
  await assert.rejects(runDeployment({ code: '' }, { state }), /device\.pem can be read by others; chmod go-r mends it/);
  fs.chmodSync(file, 0o600);
  fs.writeFileSync(file, 'nothing');
  await assert.rejects(runDeployment({ code: '' }, { state }), /device\.pem holds no key/);
});

test('--key is who connects', async (t) => {
  const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const pem = script(t, 'key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const runs = [1, 2].map(() => command(t, [example('echo.js'), '--local', '--key', pem]));
  const [one, two] = await Promise.all(runs.map((run) => run.events.next({ event: 'ready' })));
  const { x } = privateKey.export({ format: 'jwk' });
  assert.equal(one.publicKey.slice(2), Buffer.from(x, 'base64url').toString('hex'));
  assert.equal(one.id, two.id);
  const other = crypto.generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  await assert.rejects(runDeployment({ code: '' }, { key: other }), /key must be a P-256 key, not ed25519/);
});

test('it ends when nobody reads what it prints', async (t) => {
  const run = command(t, [script(t, 'a.js', "setInterval(() => print('on and on'), 1)")]);
  await run.events.next({ event: 'print' });
  run.child.stdout.destroy();
  assert.deepEqual(await run.ended, { code: 1, signal: null });
  assert.equal(run.err, '');
});

test('SIGINT closes the connection and ends, also under a script that never lets go', async (t) => {
  const open = "_STD_.ws.open('wss://a.example', () => { print('open');";
  const scripts = {
    'idle.js': `${open} });`,
    'busy.js': `${open} for (;;); });`,
  };
  for (const [name, text] of Object.entries(scripts)) {
    const run = command(t, [script(t, name, text), '--local']);
    await run.events.next({ event: 'print', text: 'open' });
    const began = Date.now();
    run.child.kill('SIGINT');
    assert.deepEqual(await run.ended, { code: 0, signal: null });
    assert.ok(Date.now() - began < 2000, `${name}: ${Date.now() - began} ms`);
    assert.deepEqual(run.events.all.at(-1), { event: 'end', code: 0 });
    if (name === 'idle.js') await run.events.next({ event: 'state', state: 'closed' });
  }
});

test('signals of the same moment are one', async (t) => {
  const run = command(t, [example('echo.js'), '--local']);
  await run.events.next({ event: 'ready' });
  run.child.kill('SIGINT');
  run.child.kill('SIGTERM');
  assert.deepEqual(await run.ended, { code: 0, signal: null });
  assert.deepEqual(run.events.all.at(-1), { event: 'end', code: 0 });
});

test('the function: ready, stop, events, and nothing left behind', async (t) => {
  const run = await deploy(t, example('echo.js'));
  const { deployment } = run;
  const { service, id, publicKey } = await within(deployment.ready);
  assert.deepEqual(
    { service, id, publicKey },
    { service: deployment.service, id: deployment.id, publicKey: deployment.publicKey },
  );
  assert.equal(await (await dapp(t, run)).ask('?'), '?');
  assert.equal(deployment.exitCode, undefined);
  assert.deepEqual(await Promise.all([deployment.stop(), deployment.stop()]), [0, 0]);
  assert.equal(deployment.exitCode, 0);
  assert.equal(await deployment.stop(), 0);
  const { printed } = await evaluate(t, 'print(JSON.stringify(_STD_.job.storageDir))');
  assert.equal(fs.existsSync(printed[0]), false);
});

test('the function: wrong options are named', async () => {
  const cases = [
    [[], /^source must be the path of a script, a file: URL or \{ code \}, not undefined$/],
    [['/tmp'], /^source must be the path of a script, not "\/tmp"$/],
    [[{ code: '' }, null], /^options must be an object, not null$/],
    [[{ code: '' }, { services: 'ws://a' }], /^there is no option services; there are allowNet, /],
    [[{ code: '' }, { env: { A: 1 } }], /^env\.A must be a string, not a number$/],
    [[{ code: '' }, { allowNet: 1 }], /^allowNet must be a string or a list of strings, not a number$/],
    [[{ code: '' }, { key: 1 }], /^key must be a PEM or an Identity, not a number$/],
    [[{ code: '' }, { state: 1 }], /^state must be the path of a folder, not a number$/],
    [[{ code: '' }, { onEvent: 1 }], /^onEvent must be a function, not a number$/],
  ];
  for (const [words, message] of cases) await assert.rejects(runDeployment(...words), { name: 'TypeError', message });
});

test('ready rejects where the deployment ends before', async (t) => {
  const { deployment } = await deploy(t, { code: '' });
  await assert.rejects(within(deployment.ready), /ended with code 0 before it was connected/);
});
