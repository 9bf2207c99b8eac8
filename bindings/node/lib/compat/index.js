'use strict';
// The interface of the vendor's npm packages on our engine: in a program, only the import changes.

const { AcurastClient } = require('./client');
const { createAcceptedMessage, createChallengeMessage, createInitMessage, createPayloadMessage, createResponseMessage } = require('./messages');
const { forgeMessage, log, parseMessage, verifyDifficulty } = require('./messages');
const { WebSocketTransportClient } = require('./transport');

module.exports = {
  AcurastClient,
  WebSocketTransportClient,
  createAcceptedMessage,
  createChallengeMessage,
  createInitMessage,
  createPayloadMessage,
  createResponseMessage,
  forgeMessage,
  log,
  parseMessage,
  verifyDifficulty,
};
