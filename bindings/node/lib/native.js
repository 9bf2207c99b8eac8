'use strict';
// Finds and loads the addon: one built here from the sources, else the prebuilt one for this platform.

const fs = require('node:fs');
const path = require('node:path');

const HERE = path.dirname(__dirname);
const BUILT = path.join(HERE, 'build', 'Release', 'acurast.node');
const PREBUILT = path.join(HERE, 'prebuilds', `${process.platform}-${process.arch}`, 'acurast.node');
const PACKAGES = 'libsodium23 libuv1 libssl3 libmsgpackc2 libyajl2';

/** What the prebuilt addon asks of the system, for people; tools/stage.js wrote it. */
function needs() {
  try {
    const { libc, libraries } = JSON.parse(fs.readFileSync(path.join(path.dirname(PREBUILT), 'needs.json'), 'utf8'));
    return `It needs ${libc} or newer and ${libraries.join(', ')} (on Debian 12: apt-get install ${PACKAGES}).`;
  } catch {
    return `There is no prebuilt addon for ${process.platform}-${process.arch}.`;
  }
}

/** @param {unknown} [cause] */
function unusable(cause) {
  const reason = cause instanceof Error ? cause.message : `neither ${BUILT} nor ${PREBUILT} is there`;
  const error = new Error(
    `acurast: its compiled part could not be loaded: ${reason}\n${needs()}\n` +
      `To build it from the sources, run: npx acurast build`,
    { cause },
  );
  return Object.assign(error, { code: 'ACURAST_ADDON_UNUSABLE' });
}

function load() {
  const file = [BUILT, PREBUILT].find((one) => fs.existsSync(one));
  if (!file) throw unusable();
  try {
    // Not require(): a second copy of this package, as test runners that reset modules make, gets an environment of its own.
    const addon = { exports: {} };
    process.dlopen(addon, file);
    return addon.exports;
  } catch (cause) {
    throw unusable(cause);
  }
}

module.exports = load();
