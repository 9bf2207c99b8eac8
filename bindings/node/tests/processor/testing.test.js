'use strict';
// The recipes of lib/processor/testing.md pass. Those of vitest and jest where they are installed: ACURAST_RUNNERS=FOLDER names a folder whose
// node_modules have them.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { HERE } = require('../lib/harness');
const { blocks } = require('../lib/page');

const BLOCKS = blocks(path.join(HERE, 'lib', 'processor', 'testing.md'), 'js');
const RUNNERS = process.env.ACURAST_RUNNERS;
const MISSING = RUNNERS ? false : 'ACURAST_RUNNERS names no folder with vitest and jest';
const run = promisify(execFile);

/** A folder with the page's script and a test; in the package, or where the runners are, with this package by its name. */
function project(t, name, code, parent = path.join(HERE, 'tests')) {
  const folder = fs.mkdtempSync(path.join(parent, 'run-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  fs.writeFileSync(path.join(folder, 'price.js'), BLOCKS['Tests of a deployment']);
  fs.writeFileSync(path.join(folder, name), code);
  return folder;
}

// Without what node:test tells its children, so that it reports by itself.
function node(cwd, ...words) {
  return run('/usr/bin/env', ['-u', 'NODE_TEST_CONTEXT', process.execPath, ...words], { cwd, env: { ...process.env, NO_COLOR: '1' } });
}

for (const title of ['node:test', 'A quorum'])
  test(`the recipe of "${title}"`, async (t) => {
    const folder = project(t, 'price.test.mjs', BLOCKS[title]);
    const { stdout } = await node(folder, '--test-reporter=tap', 'price.test.mjs');
    assert.match(stdout, /^# pass 1$/m);
  });

for (const [title, name, command] of [
  ['vitest', 'price.test.mjs', ['vitest/vitest.mjs', 'run', '--root', '.']],
  ['jest', 'price.test.js', ['jest/bin/jest.js', '--rootDir', '.']],
])
  test(`the recipe of "${title}"`, { skip: MISSING }, async (t) => {
    const folder = project(t, name, BLOCKS[title], RUNNERS);
    fs.writeFileSync(path.join(folder, 'package.json'), '{}');
    fs.mkdirSync(path.join(folder, 'node_modules'));
    fs.symlinkSync(HERE, path.join(folder, 'node_modules', 'acurast'));
    const [file, ...words] = command;
    const { stdout, stderr } = await node(folder, path.join(RUNNERS, 'node_modules', file), ...words);
    assert.match(stdout + stderr, /Tests:? +1 passed/);
  });

test('every recipe of the page is run', () => {
  assert.deepEqual(Object.keys(BLOCKS).sort(), ['A quorum', 'Tests of a deployment', 'jest', 'node:test', 'vitest']);
});
