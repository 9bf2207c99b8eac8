'use strict';
// What a handler throws to answer a request with an error of its own.

const check = require('./check');

class RpcError extends Error {
  constructor(code, message, data) {
    super(check.string(message, 'message'));
    /** Below -32768 or above -32000, or a code that JSON-RPC 2.0 has given a meaning. */
    this.code = check.integer(code, 'code', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    this.data = data;
  }
}

Object.defineProperty(RpcError.prototype, 'name', { value: 'RpcError', writable: true, configurable: true });

module.exports = { RpcError };
