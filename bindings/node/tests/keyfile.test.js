'use strict';
// Key files of the commands and the folder of a deployment's state: who else may read and write them.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { Identity } = require('..');
const { ownFolder, readKeyFile } = require('../lib/keyfile.js');
const { HERE, command, evaluate, folder } = require('./processor/lib/harness');
const { runDeployment } = require('../lib/processor');

const STRANGER = 4321;

/** Why a file cannot be given to another user here, as only root can; false where it can. */
function hindrance() {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-test-'));
  try {
    fs.chownSync(made, STRANGER, STRANGER);
    return false;
  } catch (error) {
    return `a file cannot be given to another user here: ${error.message}`;
  } finally {
    fs.rmdirSync(made);
  }
}
const cannotGive = hindrance();

function keyFile(t, mode = 0o600) {
  const file = path.join(folder(t), 'key.pem');
  fs.writeFileSync(file, Identity.generate().toPem());
  fs.chmodSync(file, mode);
  return file;
}

/** What it warns of while it reads. */
function warnings(file) {
  const all = [];
  readKeyFile(file, (words) => all.push(words));
  return all;
}

/** Runs `body` as if this process were another user's. */
function asUser(id, body) {
  const { geteuid } = process;
  process.geteuid = () => id;
  try {
    return body();
  } finally {
    process.geteuid = geteuid;
  }
}

test('a key of one’s own is read in silence, through a link and from a pipe as well', (t) => {
  for (const mode of [0o400, 0o600, 0o700]) {
    const file = keyFile(t, mode);
    const link = path.join(folder(t), 'link');
    fs.symlinkSync(file, link);
    assert.deepEqual([warnings(file), warnings(link)], [[], []]);
  }
  const words = [keyFile(t), process.execPath, path.join(HERE, 'bin', 'acurast.js')];
  const { stdout, stderr } = spawnSync('sh', ['-c', 'cat "$1" | "$2" "$3" id --key /dev/stdin', 'sh', ...words]);
  assert.match(String(stdout), /^id [0-9a-f]{32}\n/);
  assert.equal(String(stderr), '');
});

test('a key that others can read gives a warning', (t) => {
  for (const mode of [0o640, 0o604, 0o444]) {
    const file = keyFile(t, mode);
    assert.deepEqual(warnings(file), [`${file} can be read by others; chmod go-r mends it`]);
  }
});

test('a key that others can write is refused, and what is too large', (t) => {
  for (const mode of [0o620, 0o602, 0o666]) assert.throws(() => warnings(keyFile(t, mode)), /can be written by others; chmod go-w mends it/);
  const large = path.join(folder(t), 'large');
  fs.writeFileSync(large, 'x'.repeat(70_000), { mode: 0o600 });
  assert.throws(() => warnings(large), /too large for a key/);
});

test('a key of another user is refused; to root it is a warning', { skip: cannotGive }, (t) => {
  const file = keyFile(t);
  fs.chownSync(file, STRANGER, STRANGER);
  assert.deepEqual(warnings(file), [`${file} belongs to user ${STRANGER}, who can change it`]);
  assert.throws(() => asUser(STRANGER + 1, () => warnings(file)), /belongs to another user, who can change it/);
  assert.deepEqual(
    asUser(STRANGER, () => warnings(file)),
    [],
  );
  fs.chownSync(file, 0, 0);
  assert.deepEqual(
    asUser(STRANGER, () => warnings(file)),
    [],
  );
});

test('the folder of a state belongs to us, and nobody else can write it', async (t) => {
  const state = path.join(folder(t), 'deep', 'state');
  ownFolder(state);
  assert.equal(fs.statSync(state).mode & 0o777, 0o700);
  fs.chmodSync(state, 0o755);
  ownFolder(state);
  const link = path.join(folder(t), 'link');
  fs.symlinkSync(state, link);
  for (const mode of [0o770, 0o707, 0o720, 0o1777]) {
    fs.chmodSync(state, mode);
    for (const name of [state, link])
      await assert.rejects(runDeployment({ code: '' }, { state: name }), /state can be written by others; chmod go-w mends it|link can be written/);
  }
  assert.deepEqual(fs.readdirSync(state), []);
  assert.throws(() => asUser(STRANGER, () => ownFolder('/')), /^Error: \/ belongs to user 0, not to us$/);
});

test('the folder of a state of another user is refused, to root as well', { skip: cannotGive }, async (t) => {
  const state = path.join(folder(t), 'state');
  ownFolder(state);
  fs.chownSync(state, STRANGER, STRANGER);
  await assert.rejects(runDeployment({ code: '' }, { state }), new RegExp(`state belongs to user ${STRANGER}, not to us`));
  assert.deepEqual(fs.readdirSync(state), []);
});

test('a state’s own keys that others can read or that belong to others are refused', async (t) => {
  const state = path.join(folder(t), 'state');
  await evaluate(t, '', { state });
  const file = path.join(state, 'p256.pem');
  fs.chmodSync(file, 0o604);
  await assert.rejects(runDeployment({ code: '' }, { state }), /p256\.pem can be read by others/);
  fs.chmodSync(file, 0o602);
  await assert.rejects(runDeployment({ code: '' }, { state }), /p256\.pem can be written by others/);
  fs.chmodSync(file, 0o600);
  if (cannotGive) return void t.diagnostic(cannotGive);
  fs.chownSync(file, STRANGER, STRANGER);
  await assert.rejects(runDeployment({ code: '' }, { state }), /p256\.pem belongs to user/);
});

test('--key of both commands warns and refuses', async (t) => {
  const script = path.join(folder(t), 'a.js');
  fs.writeFileSync(script, "print('ran')");
  const [read, written] = [keyFile(t, 0o644), keyFile(t, 0o666)];
  const runs = [read, written].map((file) => command(t, [script, '--key', file], { json: false }));
  assert.deepEqual([(await runs[0].ended).code, (await runs[1].ended).code], [0, 1]);
  assert.match(runs[0].err, /^acurast-processor: warning: \/\S+key\.pem can be read by others; chmod go-r mends it\n/);
  assert.equal(runs[0].out, 'ran\n');
  assert.match(runs[1].err, /^acurast-processor: \/\S+key\.pem can be written by others; chmod go-w mends it\n$/);
  assert.equal(runs[1].out, '');
  const id = (file) => spawnSync(process.execPath, [path.join(HERE, 'bin', 'acurast.js'), 'id', '--key', file], { encoding: 'utf8' });
  assert.match(id(read).stderr, /^acurast: warning: \/\S+key\.pem can be read by others; chmod go-r mends it\n$/);
  assert.deepEqual([id(read).status, id(written).status, id(written).stdout], [0, 1, '']);
});
