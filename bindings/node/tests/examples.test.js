'use strict';
// The examples, as they stand in their files.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { HERE, acurast, client, service, within } = require('./lib/harness');

/** A folder in which `acurast` can be imported by its name, with the examples in it. */
function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-examples-'));
  t.after(() => fs.rmSync(made, { recursive: true }));
  fs.mkdirSync(path.join(made, 'node_modules'));
  fs.symlinkSync(HERE, path.join(made, 'node_modules', 'acurast'));
  for (const name of ['echo.js', 'ask.mjs', 'ask-many.mjs']) fs.copyFileSync(path.join(HERE, 'examples', name), path.join(made, name));
  return made;
}

function start(t, folder, name, ...values) {
  const child = spawn(process.execPath, [path.join(folder, name), ...values], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  child.text = '';
  child.stdout.on('data', (chunk) => (child.text += chunk));
  return child;
}

test('echo processors, asked by one and by a dApp that takes the first three answers', async (t) => {
  const here = folder(t);
  const started = await service(t);
  const identity = acurast.Identity.generate();
  fs.writeFileSync(path.join(here, 'key.pem'), identity.toPem(), { mode: 0o600 });

  const echoes = [['key.pem'], [], [], []].map((key) => start(t, here, 'echo.js', started.url, ...key.map((k) => path.join(here, k))));
  await within(Promise.all(echoes.map((each) => once(each.stdout, 'data'))), 'the processors');
  const ids = echoes.map((each) => /^id ([0-9a-f]{32})$/m.exec(each.text)[1]);
  assert.equal(ids[0], identity.id);

  const one = await client(t, started.url);
  await one.sendText(identity.publicKey, 'there?');
  assert.equal((await within(one.receive())).text(), 'there?');

  const timed = start(t, here, 'ask.mjs', started.url, ids[1], 'there?');
  assert.deepEqual(await within(once(timed, 'close')), [0, null]);
  assert.match(timed.text, /^\d+\.\d{3}\tthere\?\n$/);

  const hostile = start(t, here, 'ask.mjs', started.url, ids[1], 'a\x1b[2J\x9b\u202e\u2028é');
  assert.deepEqual(await within(once(hostile, 'close')), [0, null]);
  assert.match(hostile.text, /\ta\?\[2J\?\?\?é\n$/);

  const asker = start(t, here, 'ask-many.mjs', started.url, ...ids);
  assert.deepEqual(await within(once(asker, 'close')), [0, null]);
  const lines = asker.text.trim().split('\n');
  assert.equal(new Set(lines).size, 3);
  for (const line of lines) assert.ok(ids.includes(line.replace(/ what time is it\?$/, '')), line);

  echoes[0].kill('SIGINT');
  assert.deepEqual(await within(once(echoes[0], 'close')), [0, null]);
});
