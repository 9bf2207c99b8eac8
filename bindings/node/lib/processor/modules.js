'use strict';
// Members of `_STD_` as modules, seen in scripts: require('@acurast-job/job') is `_STD_.job`.

const Module = require('node:module');

const NAME = /^@acurast-job\/(\w+)$/;

/** From now on require() knows them. */
function offer(std) {
  const load = Module._load;
  Module._load = function (request, ...rest) {
    const [, name] = NAME.exec(request) ?? [];
    return name && Object.hasOwn(std, name) ? std[name] : load.call(this, request, ...rest);
  };
}

module.exports = { offer };
