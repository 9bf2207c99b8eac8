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

test('an echo processor answers, and Ctrl-C ends it', async (t) => {
  const here = folder(t);
  const started = await service(t);
  const identity = acurast.Identity.generate();
  fs.writeFileSync(path.join(here, 'key.pem'), identity.toPem(), { mode: 0o600 });

  const echo = start(t, here, 'echo.js', started.url, path.join(here, 'key.pem'));
  await within(once(echo.stdout, 'data'), 'the processor');
  assert.equal(echo.text, `id ${identity.id}\n`);

  const one = await client(t, started.url);
  await one.sendText(identity.publicKey, 'there?');
  assert.equal((await within(one.receive())).text(), 'there?');

  echo.kill('SIGINT');
  assert.deepEqual(await within(once(echo, 'close')), [0, null]);
});

test('a dApp that asks one, and a dApp that takes what three agree on', async (t) => {
  const here = folder(t);
  const { url } = await service(t);
  const prices = [0.94, 0.94, 7, 0.94];
  const ids = [];
  for (const price of prices) {
    const processor = await client(t, url);
    processor.serve({
      price({ pair }) {
        if (pair !== 'EUR/CHF') throw new acurast.RpcError(-32602, '\x1b[2J');
        return { pair, price };
      },
    });
    ids.push(processor.id);
  }
  const run = async (...words) => {
    const child = start(t, here, ...words);
    const [code] = await within(once(child, 'close'));
    return { code, text: child.text };
  };
  assert.match((await run('ask.mjs', url, ids[0], 'EUR/CHF')).text, /^0\.94\t\d+\.\d{3}\n$/);
  assert.match((await run('ask.mjs', url, ids[0], 'CHF/EUR')).text, /^error -32602\t\d+\.\d{3}\n$/);
  assert.match((await run('ask.mjs', url, '00'.repeat(16), 'EUR/CHF')).text, /^not here\t\d+\.\d{3}\n$/);

  const agreed = await run('ask-many.mjs', url, 'EUR/CHF', ...ids);
  const [first, ...said] = agreed.text.trim().split('\n');
  assert.match(first, /^0\.94\t\d+\.\d{3}$/);
  const expected = ids.map((id, i) => `${id} ${prices[i]}`);
  assert.ok(said.length >= 3 && said.every((line) => expected.includes(line)), agreed.text);
  assert.deepEqual(await run('ask-many.mjs', url, 'EUR/CHF', ...ids.slice(0, 3)), { code: 1, text: '' });
});
