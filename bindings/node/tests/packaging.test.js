'use strict';
// The published package: that it is up to date, what is in it, that it works where nothing is run at installation, what it says where it cannot
// work, and that its sources build without the repository.

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');

const PACKAGE = path.dirname(__dirname);
const CHECKOUT = path.join(PACKAGE, '..', '..');
const PLATFORM = `${process.platform}-${process.arch}`;
const PATH = `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}`;
const DEADLINE = 120_000;

const USE_REQUIRE = `
const { Service, connect } = require('acurast');
(async () => {
  const service = await Service.start();
  const client = await connect(service.url, { timeout: 10_000 });
  await client.sendText(client.id, 'by require');
  for await (const message of client) { console.log(message.text()); break; }
  await client.close();
  await service.close();
})();`;
const USE_IMPORT = `
import { Service, connect } from 'acurast';
const service = await Service.start();
const client = await connect(service.url, { timeout: 10_000 });
await client.sendText(client.id, 'by import');
for await (const message of client) { console.log(message.text()); break; }
await client.close();
await service.close();`;

let scratch;
let packed;
let installed; // the folder of a project that depends on the package
let inside; // the package's folder in it

/** Runs a command to its end; what it printed. The error that it throws has its standard error. */
function run(command, words, folder, env) {
  const options = { cwd: folder, env: { ...process.env, PATH, ...env }, encoding: 'utf8', timeout: DEADLINE, stdio: 'pipe' };
  return execFileSync(command, words, options);
}

const node = (folder, ...words) => run(process.execPath, words, folder);

/** What git knows, or would, below a folder of the checkout; relative to that folder. */
function tracked(...folders) {
  const listed = run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...folders], CHECKOUT);
  return listed.split('\n').filter((name) => name && fs.existsSync(path.join(CHECKOUT, name)));
}

/** Why what git tracks cannot be told, or false. */
function withoutGit() {
  return spawnSync('git', ['rev-parse', '--show-toplevel'], { cwd: CHECKOUT }).status !== 0 && 'this is no checkout of git';
}

/** A copy of the installed package, to be broken. */
function copy(name) {
  const project = path.join(scratch, name);
  fs.cpSync(installed, project, { recursive: true, verbatimSymlinks: true });
  return { project, inside: path.join(project, 'node_modules', 'acurast') };
}

// Here, and not in a file of its own: tests run side by side, and a build folder is for one build at a time.
it("what is generated from the core's tables is what they say", () => {
  run(process.execPath, ['tools/generate.js', '--check'], PACKAGE);
});

before(() => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-package-'));
  [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', scratch], PACKAGE).replace(/^[^[]*/, ''));
  installed = path.join(scratch, 'project');
  inside = path.join(installed, 'node_modules', 'acurast');
  fs.mkdirSync(installed);
  fs.writeFileSync(path.join(installed, 'package.json'), '{"private": true}\n');
  const quietly = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  run('npm', ['install', ...quietly, path.join(scratch, packed.filename)], installed);
});

after(() => fs.rmSync(scratch, { recursive: true, force: true }));

describe('the published package', () => {
  it('has the version of the core', () => {
    const header = fs.readFileSync(path.join(CHECKOUT, 'core/include/acurast/version.h'), 'utf8');
    assert.equal(packed.version, /ACURAST_VERSION "(.*)"/.exec(header)[1]);
    assert.equal(node(installed, '-p', "require('acurast').version"), `${packed.version}\n`);
  });

  it('holds the sources, the addon, the example deployments and the licence, and nothing else', { skip: withoutGit() }, () => {
    const { files } = JSON.parse(fs.readFileSync(path.join(PACKAGE, 'package.json'), 'utf8'));
    const wanted = (name) => files.some((one) => name === one || name.startsWith(`${one}/`));
    const expected = [
      ...tracked('bindings/node').map((name) => name.slice('bindings/node/'.length)).filter(wanted),
      ...tracked('core/CMakeLists.txt', 'core/sources.txt', 'core/include', 'core/src').filter((name) => !name.endsWith('.go')),
      ...['LICENSE', 'README.md', 'package.json'],
      ...['acurast.node', 'needs.json'].map((name) => `prebuilds/${PLATFORM}/${name}`),
    ];
    assert.deepEqual(packed.files.map((file) => file.path).sort(), [...new Set(expected)].sort());
  });

  it('works by require and by import where no install script was run', () => {
    assert.ok(!fs.existsSync(path.join(inside, 'build')));
    assert.equal(node(installed, '-e', USE_REQUIRE), 'by require\n');
    assert.equal(node(installed, '--input-type=module', '-e', USE_IMPORT), 'by import\n');
  });

  it('asks npm to run nothing at installation', () => {
    const { scripts } = JSON.parse(fs.readFileSync(path.join(inside, 'package.json'), 'utf8'));
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) assert.equal(scripts[name], undefined, name);
    assert.ok(!fs.existsSync(path.join(inside, 'binding.gyp'))); // npm would run node-gyp for it
  });

  it('exports what its package.json names, and nothing deeper', () => {
    for (const name of ['acurast/compat', 'acurast/processor', 'acurast/package.json']) {
      node(installed, '-e', `require('${name}')`);
      node(installed, '--input-type=module', '-e', `import '${name}'${name.endsWith('json') ? " with { type: 'json' }" : ''}`);
    }
    assert.throws(() => node(installed, '-e', "require('acurast/redirect')"), /ACURAST_REDIRECT must be/);
    assert.throws(() => node(installed, '-e', "require('acurast/lib/native.js')"), /ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });

  it('has an addon that exports only what Node asks for, and stays mapped', () => {
    const addon = path.join(inside, 'prebuilds', PLATFORM, 'acurast.node');
    const exported = run('nm', ['-D', '--defined-only', '--format=just-symbols', addon], installed).trim().split('\n');
    assert.deepEqual(exported, ['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
    assert.match(run('readelf', ['-d', addon], installed), /NODELETE/);
  });
});

describe('where the prebuilt addon cannot be loaded', () => {
  it('names the missing library, what is needed and how to build', () => {
    const broken = copy('broken');
    const addon = path.join(broken.inside, 'prebuilds', PLATFORM, 'acurast.node');
    const bytes = fs.readFileSync(addon);
    bytes.write('libsodiux', bytes.indexOf('libsodium.so'));
    fs.writeFileSync(addon, bytes);
    const { status, stderr } = spawnSync(process.execPath, ['-e', "require('acurast')"], { cwd: broken.project, encoding: 'utf8' });
    assert.equal(status, 1);
    for (const words of ['libsodiux.so.23: cannot open', 'glibc 2.', 'libsodium.so.23', 'apt-get install', 'npx acurast build']) {
      assert.ok(stderr.includes(words), `${words} in ${stderr}`);
    }
    assert.match(stderr, /ACURAST_ADDON_UNUSABLE/);
  });

  it('builds from its sources without the repository', () => {
    const bare = copy('bare');
    fs.rmSync(path.join(bare.inside, 'prebuilds'), { recursive: true });
    assert.throws(() => node(bare.project, '-e', "require('acurast')"), /There is no prebuilt addon for/);
    // Not optimised, which CMake takes from here: in less than half of the time.
    const built = run('npx', ['--no-install', 'acurast', 'build'], bare.project, { CMAKE_BUILD_TYPE: 'None' }).trim();
    assert.equal(fs.realpathSync(built), fs.realpathSync(path.join(bare.inside, 'build', 'Release', 'acurast.node')));
    assert.equal(node(bare.project, '-e', USE_REQUIRE), 'by require\n');
  });

  it('says what a build needs', () => {
    const bare = copy('toolless');
    const said = spawnSync(process.execPath, [path.join(bare.inside, 'tools', 'build.js')], { env: { PATH: '' }, encoding: 'utf8' });
    assert.equal(said.status, 1);
    assert.match(said.stderr, /apt-get install build-essential cmake/);
  });
});
