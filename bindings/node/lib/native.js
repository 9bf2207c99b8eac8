'use strict';
// Finds and loads the addon: one built here from the sources, else that of the package for this platform, which npm installed beside this
// one, else one that was packed with this package.

const fs = require('node:fs');
const path = require('node:path');

const HERE = path.dirname(__dirname);
const PLATFORM = `${process.platform}-${process.arch}`;
const BUILT = path.join(HERE, 'build', 'Release', 'acurast.node');
const PACKED = path.join(HERE, 'prebuilds', PLATFORM, 'acurast.node');
const PACKAGES = 'libsodium23 libuv1 libssl3 libmsgpackc2 libyajl2';

/** The addons of packages for this platform. npm installs that of this libc alone; where one installed both, one of them loads. */
function installed() {
  const names = process.platform === 'linux' ? [`${PLATFORM}-gnu`, `${PLATFORM}-musl`] : [PLATFORM];
  return names.flatMap((name) => {
    try {
      return [require.resolve(`acurast-${name}/acurast.node`)];
    } catch {
      return [];
    }
  });
}

/** What the addon that was packed with this package asks of the system, for people; tools/stage.js wrote it. */
function needs() {
  try {
    const { libc, libraries } = JSON.parse(fs.readFileSync(path.join(path.dirname(PACKED), 'needs.json'), 'utf8'));
    return `It needs ${libc} or newer and ${libraries.join(', ')} (on Debian 12: apt-get install ${PACKAGES}).`;
  } catch {
    return (
      `There is no prebuilt addon for ${PLATFORM}. npm installs it with the package acurast-${PLATFORM}..., unless it was told to leave out ` +
      'optional dependencies, or the folder node_modules was made on another platform. A bundler has to leave the package acurast external.'
    );
  }
}

/** @param {unknown} [cause] */
function unusable(cause) {
  const reason = cause instanceof Error ? cause.message : `none of ${BUILT}, the package acurast-${PLATFORM}..., and ${PACKED} is there`;
  const error = new Error(
    `acurast: its compiled part could not be loaded: ${reason}\n${needs()}\n` +
      `To build it from the sources, run: npx acurast build`,
    { cause },
  );
  return Object.assign(error, { code: 'ACURAST_ADDON_UNUSABLE' });
}

function load() {
  // Bun ends the process where an addon calls a function of libuv that it lacks.
  if (process.versions.bun) throw unusable(new Error('Bun lacks libuv, on which it runs; use Node'));
  let failure;
  for (const file of [...(fs.existsSync(BUILT) ? [BUILT] : []), ...installed(), ...(fs.existsSync(PACKED) ? [PACKED] : [])]) {
    try {
      // Not require(): a second copy of this package, as test runners that reset modules make, gets an environment of its own.
      const addon = { exports: {} };
      process.dlopen(addon, file);
      return addon.exports;
    } catch (cause) {
      failure ??= cause;
    }
  }
  throw unusable(failure);
}

module.exports = load();
