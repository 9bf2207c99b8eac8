'use strict';
// The package on each version of Node that is supported: see matrix/exercise.js. CI puts the versions into the build folder;
// where one is absent its test is skipped.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, it } = require('node:test');
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

it('this version of Node, with its own TLS in use', () => exercised(process.execPath, process.versions.node.split('.')[0]));

for (const name of Object.keys(dependencies)) {
  const node = path.join(BUILD, 'node-matrix', 'node_modules', name, 'bin', 'node');
  const skip = !fs.existsSync(node) && `not installed: ${node} (CI does it)`;
  it(`${name}, with its own TLS in use`, { skip }, () => exercised(node, name.slice('node'.length)));
}
