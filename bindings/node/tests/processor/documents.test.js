'use strict';
// What is written about the runner is so: its page, its declaration of `_STD_`, and `make demo`.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');
const ts = require('typescript');
const { NOT_OFFERED } = require('../../lib/processor/members.js');
const { within } = require('../lib/harness');
const { blocks } = require('../lib/page');
const { HERE, command, deploy, evaluate, example, folder } = require('./lib/harness');

const BIN = process.env.ACURAST_BIN || path.join(HERE, '..', '..', 'build', 'bin');
const FILE = path.join(HERE, 'lib', 'processor', 'README.md');
const PAGE = fs.readFileSync(FILE, 'utf8');
const BLOCKS = blocks(FILE, 'js');
const DECLARATION = path.join(HERE, 'acurast-processor.d.ts');
const run = promisify(execFile);

/** A file inside the package, so that it finds the package by its name. */
function inside(t, name, text) {
  const folder = fs.mkdtempSync(path.join(HERE, 'tests', 'run-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  fs.writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
}

test('the test on the page passes', async (t) => {
  const file = inside(t, 'page.mjs', BLOCKS['In tests'].replace("'./echo.js'", JSON.stringify(example('echo.js'))));
  // Without what node:test tells its children, so that it reports by itself.
  const { stdout } = await run('/usr/bin/env', [
    '-u',
    'NODE_TEST_CONTEXT',
    process.execPath,
    '--test-reporter=tap',
    file,
  ]);
  assert.match(stdout, /^# pass 1$/m);
});

/** Runs the script under a title to its end: [its exit code, what it printed]. */
async function script(t, title, options) {
  const { deployment, events } = await deploy(t, { code: BLOCKS[title] }, options);
  const code = await within(deployment.ended, 'the end of the script');
  return [code, ...events.all.filter(({ event }) => event === 'print').map(({ text }) => text)];
}

const SCRIPTS = {
  async 'It is real Node'(run) {
    assert.deepEqual(await run(), [0, 'true 2d711642']);
  },
  async 'It is a worker thread'(run) {
    assert.deepEqual(await run(), [3, 'false {}']);
  },
  async 'It is no sandbox'(run) {
    const [code, line] = await run({ allowNet: ['api.example.com'] });
    assert.equal(code, 0);
    assert.match(line, /^refused: .*elsewhere\.example/);
  },
  async 'It keeps what you let it keep'(run, t) {
    const state = folder(t);
    const runs = [await run({ state }), await run({ state }), await run()];
    const [first, second, fresh] = runs.map(([, line]) => line.split(' '));
    assert.deepEqual([second[0], first[1], second[1], fresh[1]], [first[0], '1', '2', '1']);
    assert.notEqual(fresh[0], first[0]);
  },
  async Chains(run) {
    assert.deepEqual(await run(), [0, '05020000001c070701000000064254435553 128', 'fulfilled o']);
  },
  async 'Not offered'(run) {
    assert.deepEqual(await run({ without: ['p2p'] }), [0, 'without', 'a stand-in']);
  },
};

for (const [title, check] of Object.entries(SCRIPTS)) {
  test(`the script of "${title}"`, (t) => check((options) => script(t, title, options), t));
}

test('every script of the page is run', () => {
  assert.deepEqual(Object.keys(BLOCKS).sort(), ['In tests', ...Object.keys(SCRIPTS)].sort());
});

test('the page has the flags that the command has', async (t) => {
  const said = command(t, ['--help'], { json: false });
  assert.equal((await said.ended).code, 0);
  const flagsIn = (text) => [...new Set(text.match(/--[a-z][a-z-]*/g))].sort();
  const table = PAGE.slice(PAGE.indexOf('## Flags'), PAGE.indexOf('Without `--local`'));
  assert.deepEqual(
    flagsIn(table),
    flagsIn(said.out).filter((flag) => !['--help', '--version'].includes(flag)),
  );
  const commands = PAGE.match(/^ {4}npx acurast-processor .*$/gm);
  assert.ok(commands.length >= 4);
  for (const flag of flagsIn(commands.join())) assert.ok(flagsIn(said.out).includes(flag), flag);
});

/** Members of an interface of the declaration: { name: its comment }. */
function members(name) {
  const source = ts.createSourceFile(DECLARATION, fs.readFileSync(DECLARATION, 'utf8'), ts.ScriptTarget.Latest, true);
  const found = {};
  const look = (node) => {
    if (ts.isInterfaceDeclaration(node) && node.name.text === name) {
      for (const member of node.members) {
        found[member.name.text] = ts
          .getJSDocCommentsAndTags(member)
          .map((one) => one.getText())
          .join(' ');
      }
    }
    ts.forEachChild(node, look);
  };
  look(source);
  return found;
}

test('the declaration has what _STD_ has, and says what is offered', async (t) => {
  const code = `print(JSON.stringify(Object.fromEntries(Object.entries(_STD_).map(([name, value]) => [name, typeof value === 'object' ? Object.keys(value) : []]))))`;
  const [there] = (await evaluate(t, code)).printed;
  const declared = members('Std');
  const offered = Object.keys(declared).filter((name) => !/not offered/.test(declared[name]));
  assert.deepEqual(offered.sort(), Object.keys(there).sort());
  for (const name of offered) assert.match(declared[name], /(Documented|Seen in use), offered/);
  assert.deepEqual(
    Object.keys(NOT_OFFERED).sort(),
    Object.keys(declared)
      .filter((name) => !offered.includes(name))
      .sort(),
  );
  const groups = {
    app_info: 'AppInfo',
    device: 'Device',
    job: 'Job',
    network: 'Network',
    random: 'Random',
    sentry: 'Sentry',
    signers: 'Signers',
    tunnel: 'Tunnel',
    ws: 'Websocket',
  };
  for (const [name, type] of Object.entries(groups))
    assert.deepEqual(Object.keys(members(type)).sort(), there[name].sort(), type);
});

const noPrograms = !fs.existsSync(path.join(BIN, 'acurast-peer')) && `${BIN} has no acurast-peer and acurast-service`;

const demo = (build, env = process.env) =>
  run('sh', [path.join(HERE, '..', '..', 'core', 'tools', 'demo.sh'), build], { env });

const ROW = / +0\.94 +\d+\.\d ms +not here +\d+\.\d ms +0\.94 +\d+\.\d ms *$/;
const row = (name) => new RegExp(`^ +${name}${ROW.source}`, 'm');

test('make demo runs the scripts, and everybody gets an answer, a refusal and a quorum', { skip: noPrograms }, async () => {
  const { stdout } = await demo(path.dirname(BIN));
  assert.match(stdout, /^ +echo +acurast-processor bindings\/node\/examples\/deployments\/echo\.js$/m);
  assert.match(
    stdout,
    /^ +oracles +acurast-processor bindings\/node\/examples\/deployments\/price\.js\n( +0[23][0-9a-f]{64}\n){3}/m,
  );
  assert.match(stdout, /^ +echo says +Are you there\?$/m);
  for (const name of ['C', 'Node']) assert.match(stdout, row(name));
  for (const name of ['Python', 'Go']) {
    if (!new RegExp(`^ +${name} +left out: \\S`, 'm').test(stdout)) assert.match(stdout, row(name));
  }
});

/** A build folder with no binding in it, and a PATH with no other language than the shell's. */
function bare(t) {
  const build = folder(t);
  const tools = path.join(build, 'tools');
  fs.mkdirSync(tools);
  fs.mkdirSync(path.join(build, 'bin'));
  for (const name of ['acurast-service', 'acurast-peer']) {
    fs.symlinkSync(path.resolve(BIN, name), path.join(build, 'bin', name));
  }
  for (const from of process.env.PATH.split(path.delimiter).filter((each) => fs.existsSync(each))) {
    for (const name of fs.readdirSync(from)) {
      const link = path.join(tools, name);
      if (!/^(node|npm|npx|go|python)/.test(name) && !fs.existsSync(link)) fs.symlinkSync(path.join(from, name), link);
    }
  }
  return { build, env: { ...process.env, PATH: tools } };
}

test('make demo leaves out the languages that are not there, and says why', { skip: noPrograms }, async (t) => {
  const { build, env } = bare(t);
  const { stdout } = await demo(build, env);
  assert.match(stdout, /^ +oracles +acurast-peer serve --exec$/m);
  assert.match(stdout, /^ +echo says +Are you there\?$/m);
  assert.match(stdout, row('C'));
  assert.match(stdout, /^ +Node +left out: npm is not installed$/m);
  assert.match(stdout, /^ +Python +left out: python3 is missing, or older than 3\.10$/m);
  assert.match(stdout, /^ +Go +left out: go is not installed$/m);
});

for (const [what, output, cells] of [
  ['an answer', '{"price":1}', /^ +C +1 +\d+\.\d ms +1 +\d+\.\d ms +1 +\d+\.\d ms *$/m],
  ['a refusal', `{"price":0.94}`, /^ +C +0\.94 +\d+\.\d ms +0\.94 +\d+\.\d ms +0\.94 +\d+\.\d ms *$/m],
]) {
  test(`make demo fails where ${what} is wrong`, { skip: noPrograms }, async (t) => {
    const { build, env } = bare(t);
    const peer = path.join(build, 'bin', 'acurast-peer');
    fs.rmSync(peer);
    const wrapper = `#!/bin/sh\n[ "$1" = request ] && { echo '${output}'; exit; }\nexec ${path.resolve(BIN, 'acurast-peer')} "$@"\n`;
    fs.writeFileSync(peer, wrapper, { mode: 0o755 });
    const failed = await demo(build, env).catch((error) => error);
    assert.equal(failed.code, 1);
    assert.match(failed.stdout, cells);
  });
}
