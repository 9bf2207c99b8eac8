'use strict';
// The libraries of the field, which a script pays for when it uses them: they are loaded at the first call, and installed by those
// who need them (optional peer dependencies). They are looked for beside this package, and then beside the script.

const { createRequire } = require('node:module');
const { peerDependencies } = require('../../../package.json');

class MissingLibraryError extends Error {
  constructor(member, name, cause) {
    const wanted = `${name}@${peerDependencies[name]}`;
    super(`${member} needs the package ${name}: npm install --save-dev '${wanted}' beside the script`, { cause });
    this.code = 'ACURAST_MISSING_LIBRARY';
  }
}
Object.defineProperty(MissingLibraryError.prototype, 'name', { value: 'MissingLibraryError' });

/** The name of a package, without what is loaded of it. */
function packageOf(path) {
  return path
    .split('/')
    .slice(0, path.startsWith('@') ? 2 : 1)
    .join('/');
}

/**
 * Loads libraries for one script.
 * @param {string} script its path
 * @returns {(path: string, member: string) => any} `member` is what needs it, for the error where it is missing
 */
function libraries(script) {
  return function library(path, member) {
    for (const from of [require, createRequire(script)]) {
      try {
        return from(path);
      } catch (error) {
        if (error.code !== 'MODULE_NOT_FOUND' || !error.message.includes(`'${path}'`)) throw error; // something that it needs itself
      }
    }
    throw new MissingLibraryError(member, packageOf(path));
  };
}

module.exports = { MissingLibraryError, libraries };
