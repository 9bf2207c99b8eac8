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
  const code = `print(JSON.stringify(Object.fromEntries(Object.entries(_STD_).map(([name, value]) => [name, Object.keys(value)]))))`;
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
    random: 'Random',
    signers: 'Signers',
    ws: 'Websocket',
  };
  for (const [name, type] of Object.entries(groups))
    assert.deepEqual(Object.keys(members(type)).sort(), there[name].sort(), type);
});

const noPrograms = !fs.existsSync(path.join(BIN, 'acurast-peer')) && `${BIN} has no acurast-peer and acurast-service`;

const demo = (build) => run('sh', [path.join(HERE, '..', '..', 'core', 'tools', 'demo.sh'), build]);

test('make demo runs the documented script, and everybody gets an answer', { skip: noPrograms }, async () => {
  const { stdout } = await demo(path.dirname(BIN));
  assert.match(
    stdout,
    /processor +acurast-processor bindings\/node\/examples\/deployments\/echo\.js\n +0[23][0-9a-f]{64}\n/,
  );
  assert.match(stdout, /^ +C +What time is it on the phone\? +\d+\.\d{3} ms$/m);
  assert.match(stdout, /^ +Node +Are you there, says Node\? +\d+\.\d{3} ms$/m);
  assert.match(stdout, /^ +Python +(Is this echo live, asks Python\? +\d+\.\d{3} ms|left out: \S.*)$/m);
});

test('make demo fails where an answer is wrong', { skip: noPrograms }, async (t) => {
  const build = folder(t);
  const bin = path.join(build, 'bin');
  fs.mkdirSync(bin);
  fs.symlinkSync(path.resolve(BIN, 'acurast-service'), path.join(bin, 'acurast-service'));
  // What the demo has installed already: a Node, where the system's is old, and the binding for Python.
  for (const name of ['node', 'node-matrix', 'venv-binding'].filter((each) => fs.existsSync(path.join(BIN, '..', each)))) {
    fs.symlinkSync(path.resolve(BIN, '..', name), path.join(build, name));
  }
  const peer = path.resolve(BIN, 'acurast-peer');
  const wrapper = `#!/bin/sh\n[ "$1" = send ] && { echo "something else"; exit; }\nexec ${peer} "$@"\n`;
  fs.writeFileSync(path.join(bin, 'acurast-peer'), wrapper, { mode: 0o755 });
  const failed = await demo(build).catch((error) => error);
  assert.equal(failed.code, 1);
  assert.match(failed.stdout, /^ +C +something else +\d+\.\d{3} ms$/m);
  assert.match(failed.stdout, /^ +Node +Are you there, says Node\? /m);
});
