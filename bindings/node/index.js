'use strict';
// Acurast from Node. What each of these promises stands in index.d.ts.

const check = require('./lib/check');
const native = require('./lib/native');
require('./lib/events');
const { Client, connect } = require('./lib/client');
const { AcurastClient, WebSocketTransportClient } = require('./lib/compat');
const { Identity, compressKey, idOf, verify, verifyDigest } = require('./lib/identity');
const { Message } = require('./lib/message');
const { RpcError } = require('./lib/rpc-error');
const { Service } = require('./lib/service');
const { errors } = require('./lib/errors');
const { pairs } = require('./lib/options');

/** Options of the threads that serve the clients of this thread. Call it before the first client is made. */
function configure(options) {
  native.configure(pairs('context', check.object(options, 'options')));
}

module.exports = {
  AcurastClient,
  Client,
  Identity,
  Message,
  RpcError,
  Service,
  WebSocketTransportClient,
  compressKey,
  configure,
  connect,
  idOf,
  verify,
  verifyDigest,
  version: native.version(),
  ...errors,
};
