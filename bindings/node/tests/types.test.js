'use strict';
// The types compile, refuse what they should, and say what the package really has.

const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const ts = require('typescript');

const PACKAGE = path.dirname(__dirname);
const { exports: entries } = require('../package.json');

const FOREIGN = /\/node_modules\/(typescript\/lib|@types|undici-types)\//;
const parsed = new Map(); // the files of others, which all programs here have in common

/** A program of TypeScript; what others wrote is parsed once for all. */
function programOf(files, options) {
  const host = ts.createCompilerHost(options);
  const parse = host.getSourceFile;
  host.getCurrentDirectory = () => PACKAGE; // where the types of Node are looked for
  host.getSourceFile = (name, how, ...rest) => {
    if (!FOREIGN.test(name)) return parse.call(host, name, how, ...rest);
    const key = [name, how.languageVersion, how.impliedNodeFormat].join();
    if (!parsed.has(key)) parsed.set(key, parse.call(host, name, how, ...rest));
    return parsed.get(key);
  };
  return ts.createProgram(files, options, host);
}

/** Compiles, and looks at everything but what others wrote. */
function compiles(files, options) {
  const program = programOf(files, options);
  const own = program.getSourceFiles().filter(({ fileName }) => !FOREIGN.test(fileName));
  const found = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...own.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ];
  assert.ok(own.some(({ fileName }) => fileName.endsWith('/index.d.ts')), 'the types were not found');
  const host = { getCurrentDirectory: () => PACKAGE, getCanonicalFileName: (name) => name, getNewLine: () => '\n' };
  if (found.length) assert.fail(ts.formatDiagnostics(found, host));
}

const ENTRIES = Object.values(entries).map(({ types, require: face }) => types ?? face?.types).filter(Boolean);
let declarations; // the program of all of them

/** What a declaration file exports: `names` of values, and the declared type of each name. */
function declared(file) {
  const { NodeNext } = ts.ModuleKind;
  const compiler = { target: ts.ScriptTarget.ES2022, module: NodeNext, lib: ['lib.esnext.d.ts'], types: ['node'] };
  const program = (declarations ??= programOf(ENTRIES.map((name) => path.join(PACKAGE, name)), compiler));
  const checker = program.getTypeChecker();
  const resolve = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)));
  const byName = new Map(symbols.map((symbol) => [symbol.name, resolve(symbol)]));
  const isClass = (symbol) => symbol.flags & ts.SymbolFlags.Class;
  return {
    names: [...byName].filter(([, symbol]) => symbol.flags & ts.SymbolFlags.Value).map(([name]) => name).sort(),
    classes: [...byName].filter(([, symbol]) => isClass(symbol)).map(([name]) => name),
    /** Members of a class or an interface that it declares itself. */
    members: (name) => plain(checker.getDeclaredTypeOfSymbol(byName.get(name)).getProperties(), byName.get(name)),
    /** Static members of a class. */
    statics: (name) => plain([...byName.get(name).exports.values()]).filter((one) => one !== 'prototype'),
  };
}

/** The names of symbols, of one parent if it is given, as JavaScript knows them: 'Symbol.asyncDispose' for a well-known one. */
function plain(symbols, parent = undefined) {
  const declaredThere = symbols.filter((symbol) => !parent || symbol.parent === parent);
  return declaredThere.map((symbol) => symbol.name.replace(/^__@(\w+)@\d+$/, 'Symbol.$1')).sort();
}

/** The public names of objects and prototypes. */
function own(...holders) {
  const keys = new Set(holders.flatMap((holder) => Reflect.ownKeys(holder)));
  const names = [...keys].map((key) => (key === Symbol.asyncDispose ? 'Symbol.asyncDispose' : key.description ?? key));
  return names.filter((name) => !/^(_.*|constructor|name|length|prototype|nodejs\..*)$/.test(name)).sort();
}

const PROJECT = `/// <reference types="acurast/processor" />
import { Client } from 'acurast';
import { AcurastClient } from 'acurast/compat';
import { runDeployment } from 'acurast/processor';
export const all = [Client, AcurastClient, runDeployment];
export const key: string = _STD_.job.getPublicKeys().p256;
`;

it('compile as strictly as can be, for both kinds of modules, and refuse what they should', () => {
  const project = path.join(PACKAGE, 'tests', 'types');
  const { config } = ts.readConfigFile(path.join(project, 'tsconfig.json'), ts.sys.readFile);
  const { fileNames, options, errors } = ts.parseJsonConfigFileContent(config, ts.sys, project);
  assert.deepEqual([errors, fileNames.length], [[], 5]);
  compiles(fileNames, options);
});

it('of something wrong do not compile', (t) => {
  const folder = fs.mkdtempSync(path.join(__dirname, 'run-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'wrong.cts');
  fs.writeFileSync(file, "import { Client } from 'acurast';\nexport const wrong: string = new Client('').state.length;\n");
  const { NodeNext } = ts.ModuleKind;
  assert.throws(() => compiles([file], { strict: true, noEmit: true, module: NodeNext, target: ts.ScriptTarget.ES2022, types: ['node'] }), /wrong\.cts\(2,14\)/);
});

// Projects of TypeScript's older or bundlers' settings: the first knows nothing of "exports".
for (const [module, resolution] of [['commonjs', 'node10'], ['esnext', 'bundler']]) {
  it(`are found by a project with module resolution ${resolution}`, (t) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-types-'));
    t.after(() => fs.rmSync(folder, { recursive: true }));
    fs.mkdirSync(path.join(folder, 'node_modules'));
    fs.symlinkSync(PACKAGE, path.join(folder, 'node_modules', 'acurast'));
    const file = path.join(folder, 'a.ts');
    fs.writeFileSync(file, PROJECT);
    const compilerOptions = { noEmit: true, strict: true, target: 'es2022', module, moduleResolution: resolution, types: ['node'] };
    const { options, errors } = ts.convertCompilerOptionsFromJson(compilerOptions, folder);
    assert.deepEqual(errors, []);
    compiles([file], { ...options, typeRoots: [path.join(PACKAGE, 'node_modules', '@types')] });
  });
}

it('leave nothing untyped', () => {
  const files = fs.globSync?.('{,lib/}*.d.{ts,mts}', { cwd: PACKAGE }) ?? ['index.d.ts', 'lib/errors.d.ts', 'lib/settings.d.ts'];
  for (const file of files) {
    const code = fs.readFileSync(path.join(PACKAGE, file), 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
    assert.doesNotMatch(code, /\bany\b/, file);
  }
});

describe('say what is there', () => {
  for (const [entry, { types, require: face }] of Object.entries(entries)) {
    const file = types ?? face?.types;
    if (!file) continue;
    it(`at ${entry}`, async () => {
      const name = `acurast${entry.slice(1)}`;
      const imported = Object.keys(await import(name)).filter((key) => key !== 'default' && key !== 'module.exports');
      assert.deepEqual(Object.keys(require(name)).sort(), declared(path.join(PACKAGE, file)).names);
      assert.deepEqual(imported.sort(), Object.keys(require(name)).sort());
    });
  }
});

describe('say what each class has', () => {
  const acurast = require('acurast');
  const types = declared(path.join(PACKAGE, 'index.d.ts'));
  const objects = {};
  const seen = { state: undefined };

  before(async () => {
    const service = await acurast.Service.start();
    const client = new acurast.Client(service.url);
    client.once('state', (change) => (seen.state = change));
    await client.connect({ timeout: 10_000 });
    await client.sendText(client.id, 'x');
    const { value: message } = await client[Symbol.asyncIterator]().next();
    Object.assign(objects, { Service: service, Client: client, Message: message, Identity: client.identity });
    seen.stats = client.stats();
    await client.close();
    await service.close();
  });

  for (const name of ['Client', 'Identity', 'Message', 'Service']) {
    it(name, () => {
      const object = objects[name];
      const inherited = object instanceof EventEmitter ? own(new EventEmitter(), EventEmitter.prototype) : [];
      const there = own(object, acurast[name].prototype).filter((one) => !inherited.includes(one));
      assert.deepEqual(there, types.members(name));
      assert.deepEqual(own(acurast[name]), types.statics(name));
    });
  }

  it('errors', () => {
    const fixed = types.members('AcurastError');
    for (const name of types.classes.filter((one) => one.endsWith('Error') && one !== 'RpcError')) {
      const error = new acurast[name]('detail');
      assert.ok(error instanceof acurast.AcurastError && error.name === name);
      for (const member of fixed) assert.notEqual(error[member], undefined, `${name}.${member}`);
    }
  });

  it('plain values', () => {
    assert.deepEqual(own(seen.stats), types.members('Stats'));
    const optional = ['error'];
    const members = types.members('StateChange');
    assert.deepEqual(own(seen.state).filter((one) => !optional.includes(one)), members.filter((one) => !optional.includes(one)));
  });
});
