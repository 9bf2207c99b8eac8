'use strict';
// The interface of the vendor's npm packages on our engine: in a program, only the import changes.

const { AcurastClient } = require('./client');
const { WebSocketTransportClient } = require('./transport');

module.exports = { AcurastClient, WebSocketTransportClient, ...require('./messages') };
