'use strict';
// npm's prepack script: gathers what the published package holds and this folder does not: the core's sources and the
// licence, copied from the checkout, and the addon built for this platform, with a note of what it asks of the system.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { HERE, build, core } = require('./build.js');

const STAGED = path.join(HERE, 'core');
const PREBUILT = path.join(HERE, 'prebuilds', `${process.platform}-${process.arch}`);

function fresh(folder) {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
}

function stageSources() {
  const origin = core();
  if (origin === STAGED) return; // packed from what was published: it is there already
  fresh(STAGED);
  for (const name of ['CMakeLists.txt', 'sources.txt', 'include', 'src']) {
    fs.cpSync(path.join(origin, name), path.join(STAGED, name), {
      recursive: true,
      filter: (file) => !file.endsWith('.go'), // what lets a module of Go keep these folders
    });
  }
  fs.copyFileSync(path.join(origin, '..', 'LICENSE'), path.join(HERE, 'LICENSE'));
}

/** The newest version of glibc whose symbols the addon uses, such as 'glibc 2.34', and the libraries that it names. */
function needs(addon) {
  const said = execFileSync('objdump', ['-p', addon], { encoding: 'utf8' });
  const versions = [...said.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [Number(major), Number(minor)]);
  const [newest] = versions.sort(([a, b], [c, d]) => c - a || d - b);
  const libraries = [...said.matchAll(/NEEDED +(\S+)/g)].map(([, name]) => name).filter((name) => !/^(libc|ld-linux.*)\.so/.test(name));
  return { libc: `glibc ${newest.join('.')}`, libraries };
}

function stageAddon() {
  const addon = path.join(PREBUILT, 'acurast.node');
  const built = path.join(build({ quiet: true }), 'Release', 'acurast.node');
  fresh(PREBUILT);
  execFileSync('strip', ['-o', addon, built]);
  fs.writeFileSync(path.join(PREBUILT, 'needs.json'), `${JSON.stringify(needs(addon))}\n`);
}

stageSources();
stageAddon();
