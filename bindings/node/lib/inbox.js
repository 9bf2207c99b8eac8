'use strict';
// Messages that nobody has taken yet. The core is told how many they are, so that a slow consumer pauses reading from the
// service, while states and outcomes go on.

const native = require('./native');
const { Fifo, Line } = require('./fifo');

const UNTOLD_COUNT = 64; // so much may wait before the core is told
const UNTOLD_BYTES = 1 << 20;

class Inbox {
  #handle;
  #messages = new Fifo();
  #takers = new Line(); // Waiters
  #bytes = 0;
  #told = 0;
  #untoldCount;
  #untoldBytes;
  #letsGo = false;
  #wanted = false;
  #mostCount; // of what lets go
  #mostBytes;

  constructor(handle, count, bytes) {
    this.#handle = handle;
    this.#mostCount = Math.max(1, Math.floor(count / 4));
    this.#mostBytes = Math.floor(bytes / 4);
    this.#untoldCount = Math.min(UNTOLD_COUNT, Math.floor(count / 4));
    this.#untoldBytes = Math.min(UNTOLD_BYTES, Math.floor(bytes / 4));
  }

  get length() {
    return this.#messages.length;
  }

  /**
   * The client asks or serves: as long as nobody has ever wanted a message, the oldest make room, so that strangers who send some cannot
   * stop the answers.
   */
  letGo() {
    this.#letsGo = true;
  }

  /** To whoever waits, else into the list. True if it went into the list. */
  put(message) {
    const taker = this.#takers.shift();
    if (taker) {
      taker.resolve(message);
      return false;
    }
    if (this.#letsGo && !this.#wanted) this.#makeRoom(message.payload.length);
    this.#messages.push(message);
    this.#bytes += message.payload.length;
    return true;
  }

  /** The next message, or undefined. */
  take() {
    this.#wanted = true;
    return this.#shift();
  }

  #makeRoom(bytes) {
    while (this.length && (this.length >= this.#mostCount || this.#bytes + bytes > this.#mostBytes)) this.#shift();
  }

  #shift() {
    const message = this.#messages.shift();
    if (message === undefined) return undefined;
    this.#bytes -= message.payload.length;
    if (this.#told && this.#messages.length * 2 <= this.#told) this.tell();
    return message;
  }

  wait(waiter) {
    this.#takers.push(waiter);
    return waiter.promise;
  }

  /** After a batch. */
  tellIfMany() {
    if (this.#messages.length > this.#untoldCount || this.#bytes > this.#untoldBytes) this.tell();
  }

  tell() {
    this.#told = this.#messages.length;
    if (this.#handle) native.clientKeep(this.#handle, this.#told, this.#bytes);
  }

  /** No message comes any more; those that are here can still be taken. */
  end(settle) {
    this.#handle = undefined;
    for (let taker = this.#takers.shift(); taker; taker = this.#takers.shift()) settle(taker);
  }
}

module.exports = { Inbox };
