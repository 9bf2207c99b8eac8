'use strict';
// Loads a script as Node would load its main file: CommonJS, or ESM where the file says so.

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const vm = require('node:vm');

// The nearest package.json decides for .js files.
function packageType(folder) {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).type;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // Node will say in which file
    if (error.code !== 'ENOENT') throw error;
    const above = path.dirname(folder);
    return above === folder ? undefined : packageType(above);
  }
}

function compilesAsCommonJs(file) {
  try {
    vm.compileFunction(fs.readFileSync(file, 'utf8'), ['exports', 'require', 'module', '__filename', '__dirname']);
    return true;
  } catch {
    return false;
  }
}

function isCommonJs(file) {
  const extension = path.extname(file);
  if (extension === '.mjs' || extension === '.cjs') return extension === '.cjs';
  return packageType(path.dirname(file)) !== 'module' && compilesAsCommonJs(file);
}

/** Runs the script; rejects where it throws before it stands. */
async function load(file) {
  process.argv[1] = file;
  // What does not compile as CommonJS is left to import(): ESM syntax, or an error that names its line.
  if (!isCommonJs(file)) return import(pathToFileURL(file).href);
  return Module._load(file, null, true); // as main, so that `require.main === module` holds
}

/** Runs a file before the script: a module like any other. */
async function preload(file) {
  return isCommonJs(file) ? Module._load(file, null, false) : import(pathToFileURL(file).href);
}

module.exports = { load, preload };
