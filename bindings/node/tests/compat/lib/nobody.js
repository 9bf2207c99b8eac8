'use strict';
// A port where somebody takes connections and drops them, as where a service was: each try of a client shows.

const { once } = require('node:events');
const net = require('node:net');

const { eventually } = require('./programs');

class Nobody {
  tries = 0;

  /** `silent` ones take the connection and say nothing. */
  static async on(port = 0, { silent = false } = {}) {
    const nobody = new Nobody();
    nobody.sockets = new Set();
    nobody.server = net.createServer((socket) => nobody.tried(socket, silent));
    nobody.server.listen(port, '127.0.0.1');
    await once(nobody.server, 'listening');
    nobody.url = `ws://127.0.0.1:${nobody.server.address().port}`;
    return nobody;
  }

  tried(socket, silent) {
    this.tries++;
    socket.on('error', () => {});
    if (!silent) return socket.destroy();
    this.sockets.add(socket);
  }

  wasTried(times) {
    return eventually(() => this.tries >= times, `${times} tries`);
  }

  async close() {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

module.exports = { Nobody };
