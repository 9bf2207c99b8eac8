'use strict';
// The package on each version of Node that is supported: see matrix/exercise.js. CI puts the versions into the build folder;
// where one is absent its test is skipped.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { promisify } = require('node:util');
const { authority } = require('./lib/certs');
const { Service } = require('../../../tests/interop/lib/program');

const BUILD = process.env.ACURAST_BUILD ?? path.join(__dirname, '..', '..', '..', 'build');
const EXERCISE = path.join(__dirname, 'matrix', 'exercise.js');
const { dependencies } = require('./matrix/package.json');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-matrix-'));
let service; // the program, whose TLS is the system's

before(async () => {
  const [{ cert, key }] = ['good', 'bad'].map((name) => authority(folder, name));
  service = await Service.start('--tls-cert', cert, '--tls-key', key);
});
after(async () => {
  await service.end();
  fs.rmSync(folder, { recursive: true });
});

async function exercised(node, major) {
  const { stdout, stderr } = await promisify(execFile)(node, [EXERCISE, folder, service.url], { timeout: 60_000 });
  const done = JSON.parse(stdout);
  assert.equal(stderr, '');
  assert.equal(done.versions.split('.')[0], major);
  assert.equal(done.healthy, 'ok');
  assert.ok(done.rounds >= 100 && done.busy >= 1, stdout);
}

/** The tests of threads and of ends of processes, which are Node's own business more than other things. */
async function ends(node) {
  const env = { ...process.env };
  delete env.NODE_TEST_CONTEXT; // of this test, which the child is no part of
  const args = ['--test', '--test-reporter=tap', path.join(__dirname, 'process.test.js')];
  const ended = promisify(execFile)(node, args, { env, timeout: 90_000 });
  const { stdout } = await ended.catch((error) => assert.fail(error.stdout));
  assert.match(stdout, /^# fail 0$/m);
  assert.doesNotMatch(stdout, /^# pass 0$/m);
}

const OWN = process.versions.node.split('.')[0];

describe('TLS of Node in use beside ours', { concurrency: 2 }, () => {
  it('this version', () => exercised(process.execPath, OWN));
  for (const { name, major, node, skip } of versions()) it(name, { skip }, () => exercised(node, major));
});

describe('threads and ends of processes', { concurrency: 2 }, () => {
  for (const { name, major, node, skip } of versions()) {
    if (major !== OWN) it(name, { skip }, () => ends(node)); // this version's own are a file of the suite
  }
});

/** The other versions, each with why it has to be skipped, or false. */
function versions() {
  return Object.keys(dependencies).map((name) => {
    const node = path.join(BUILD, 'node-matrix', 'node_modules', name, 'bin', 'node');
    return { name, major: name.slice('node'.length), node, skip: !fs.existsSync(node) && `not installed: ${node} (CI does it)` };
  });
}
