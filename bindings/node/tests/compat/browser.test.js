'use strict';
// The example page, bundled with the vendor's client from npm, in a headless Chromium: a browser reaches our processor through
// our service.  ACURAST_SCREENSHOT=FILE writes the picture of the example's README.

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');

const { EXAMPLE, launch, missing, packages } = require('../lib/chromium');
const { INTEROP, Service } = require('./lib/programs');
const { Listener, keyFile } = require(path.join(INTEROP, 'lib', 'peer.js'));

/** Serves the page as `npm start` does, on a free port, after the bundle was made by the example's own command. */
async function served() {
  execFileSync('npm', ['run', '--silent', 'build', '--', '--log-level=warning'], { cwd: EXAMPLE });
  const context = await packages('esbuild').context({});
  const { port } = await context.serve({ servedir: path.join(EXAMPLE, 'public'), host: '127.0.0.1', port: 0 });
  return { url: `http://127.0.0.1:${port}/`, close: () => context.dispose() };
}

async function ask(page, recipient, text) {
  await page.getByLabel(/Recipient/).fill(recipient);
  await page.getByLabel('Text').fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

/** The lines of the page's log once there are `number` of them. */
async function lines(page, number) {
  await page.locator('#log li').nth(number - 1).waitFor();
  return page.locator('#log li').evaluateAll((all) => all.map((line) => [line.className, line.querySelector('.text').textContent]));
}

async function talk(page, service, key) {
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  assert.ok(await page.getByRole('button', { name: 'Connect' }).isDisabled());
  await page.getByRole('button', { name: 'Make a key' }).click();
  await page.locator('#id', { hasText: /^[0-9a-f]{32}$/ }).waitFor();
  await page.getByLabel('Websocket service').fill(service.url);
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.locator('body[data-state=connected]').waitFor();
  await ask(page, key.id, 'hello, processor');
  await lines(page, 2);
  await ask(page, key.compressed, 'ünïcödé ✓');
  await lines(page, 4);
  await ask(page, `0x${key.id}`, 'deadbeef'); // text, whatever it looks like
  const said = ['hello, processor', 'ünïcödé ✓', 'deadbeef'];
  assert.deepStrictEqual(await lines(page, 6), said.flatMap((text) => [['out', text], ['in', text]]));
  assert.deepStrictEqual(faults, []);
}

test('the example page talks with our echo through our service', { skip: missing() }, async (context) => {
  const service = await Service.start();
  const key = keyFile();
  const echo = await Listener.start(service.url, key, '--echo');
  const site = await served();
  const page = await launch(context, { viewport: { width: 1000, height: 680 } });
  context.after(async () => {
    await site.close();
    await echo.end();
    await service.end();
    key.remove();
  });
  await page.goto(site.url);
  await talk(page, service, key);
  if (process.env.ACURAST_SCREENSHOT) await page.screenshot({ path: process.env.ACURAST_SCREENSHOT });

  await page.getByLabel('Websocket service').fill('ws://127.0.0.1:1');
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.locator('body[data-state=failed]').waitFor();
});
