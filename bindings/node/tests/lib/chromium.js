'use strict';
// A headless Chromium for tests of pages, by playwright-core of the example dApp.

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

const EXAMPLE = path.join(__dirname, '..', '..', 'examples', 'dapp');
const packages = createRequire(path.join(EXAMPLE, 'package.json'));
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
const QUIET = ['--disable-background-networking', '--disable-component-update'];

function chromium() {
  const places = (process.env.PATH ?? '').split(path.delimiter).map((folder) => path.join(folder, 'chromium'));
  return process.env.ACURAST_CHROMIUM ?? places.find((file) => fs.existsSync(file));
}

/** Why a test with a browser cannot run, or false. */
function missing() {
  if (!chromium()) return 'chromium is not installed';
  try {
    packages.resolve('playwright-core');
    return false;
  } catch {
    return 'the packages of examples/dapp are not installed';
  }
}

/** A page of a browser that is closed after the test. */
async function launch(t, options) {
  const browser = await packages('playwright-core').chromium.launch({ executablePath: chromium(), args: [...FLAGS, ...QUIET] });
  t.after(() => browser.close());
  return browser.newPage(options);
}

module.exports = { EXAMPLE, chromium, launch, missing, packages };
