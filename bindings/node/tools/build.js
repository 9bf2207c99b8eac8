'use strict';
// Builds the addon from the sources, into build/Release/acurast.node:  node tools/build.js   (npx acurast build)
//
// The core lies above this folder in a checkout, and beside this file's folder in the published package. Nothing is
// downloaded: Node's headers are those of the package node-api-headers, everything else is the system's.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const { availableParallelism } = require('node:os');
const path = require('node:path');

const HERE = path.dirname(__dirname);
const PACKAGES =
  'build-essential cmake pkg-config libsodium-dev libuv1-dev libssl-dev ' +
  'libmsgpack-dev libyajl-dev';

/** The folder of the core's sources. */
function core() {
  const places = [path.join(HERE, '..', '..', 'core'), path.join(HERE, 'core')];
  const found = places.find((place) => fs.existsSync(path.join(place, 'sources.txt')));
  if (!found) throw new Error(`the core's sources are missing: looked in ${places.join(' and ')}`);
  return found;
}

/** The folder of Node's headers. */
function headers() {
  try {
    return require('node-api-headers').include_dir;
  } catch (cause) {
    throw new Error('the package node-api-headers is missing: run npm install', { cause });
  }
}

function has(tool) {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Configures and compiles; quick where nothing has changed.
 * @param {{from?: string, into?: string, target?: string, quiet?: boolean}} [options]
 *   the core's folder, the build folder, what of CMakeLists.txt to build
 * @returns {string} the build folder
 */
function build({ from = core(), into = path.join(HERE, 'build'), target = 'acurast_node', quiet = false } = {}) {
  const cmake = (stdout, words) => execFileSync('cmake', words, { stdio: quiet ? 'pipe' : ['ignore', stdout, 2] });
  const generator = has('ninja') ? ['-G', 'Ninja'] : [];
  const definitions = [`-DACURAST_CORE=${from}`, `-DNODE_API_HEADERS=${headers()}`];
  try {
    cmake('ignore', ['-S', HERE, '-B', into, ...generator, ...definitions]);
    cmake(2, ['--build', into, '-j', String(availableParallelism()), '--target', target]);
  } catch (cause) {
    const said = [cause.stdout, cause.stderr].filter(Boolean).join('').trim();
    throw new Error(`${said}\nthe build failed; it needs, on Debian: apt-get install ${PACKAGES}`.trim(), { cause });
  }
  return into;
}

/** Builds and tells where it is, as a command. */
function main() {
  try {
    console.log(path.join(build(), 'Release', 'acurast.node'));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}

module.exports = { HERE, PACKAGES, build, core, main };

if (require.main === module) main();
