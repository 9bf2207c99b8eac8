'use strict';
// Sends and looks (requests and answers have files of their own): what is told to the core once, and is over once.
//
//   made -> waits for room (Outbox) -> the core has it -> over
//
// It may be over at any time before, by its signal; its outcome then finds nobody.

const native = require('./native');
const { follow, unfollow } = require('./abort');
const turns = require('./turns');

/** The levels by name, and their names by number. */
const UNTIL = Object.freeze({ written: 0, relayed: 1, delivered: 2 });
const LEVELS = Object.keys(UNTIL);

class Operation {
  #onAbort;

  constructor(holder, timeout, signal) {
    this.holder = holder; // a client is not collected while something of it is under way
    this.timeout = timeout;
    this.signal = signal;
    this.number = 0; // the core's; 0 as long as it has none
    this.over = false;
    this.promise = new Promise((resolve, reject) => {
      this.accept = resolve;
      this.refuse = reject;
    });
  }

  follow(cancel) {
    this.#onAbort = () => {
      if (this.settle(this.signal.reason, true)) cancel(this);
    };
    follow(this.signal, this.#onAbort);
  }

  /** Ends it with `result`, or with `failed` by that as its reason. False if it was over before. */
  settle(result, failed) {
    if (this.over) return false;
    this.over = true;
    if (this.#onAbort) unfollow(this.signal, this.#onAbort);
    this.holder = undefined;
    this.release();
    if (failed) this.refuse(result);
    else this.accept(result);
    return true;
  }
}

class Send extends Operation {
  constructor(holder, timeout, signal, to, payload, until, onKept) {
    super(holder, timeout, signal);
    this.to = to;
    this.payload = payload;
    this.size = payload.length;
    this.until = until;
    this.onKept = onKept;
  }

  /** Gives it to the core: its number there, 0 if it is written, or a status below 0. */
  hand(handle, token) {
    const { to, payload, timeout, until, onKept } = this;
    const few = until === UNTIL.written && turns.few();
    return native.clientSend(handle, to, payload, token, timeout, few, until, onKept !== undefined);
  }

  /** The recipient is copied: whoever uses his buffer again would send to somebody else. */
  prepareToWait() {
    if (typeof this.to !== 'string') this.to = new Uint8Array(this.to);
  }

  /** Its bytes may have been taken away while it waited, by a transfer to another thread. */
  get intact() {
    return this.payload.length === this.size;
  }

  release() {
    this.payload = this.onKept = undefined;
  }

  /** The core has its copy of the bytes. */
  forgetBytes() {
    this.payload = undefined;
  }

  kept() {
    this.onKept?.();
  }

  /** What it resolves with where the call itself has done it. */
  written() {
    return turns.turn('written');
  }
}

class Look extends Operation {
  constructor(holder, timeout, signal, ids) {
    super(holder, timeout, signal);
    this.ids = ids;
  }

  hand(handle, token) {
    return native.clientLook(handle, this.ids, token, this.timeout);
  }

  prepareToWait() {}

  get intact() {
    return true;
  }

  release() {}

  forgetBytes() {}
}

module.exports = { LEVELS, Look, Operation, Send, UNTIL };
