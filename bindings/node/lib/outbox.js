'use strict';
// Sends that are not over. Each has a token, under which the outcome comes back, unless it was written within the call; what
// finds the core's outbox full waits here in order, and its payload is copied only when it goes in.

const native = require('./native');
const { follow, unfollow } = require('./abort');
const { Line } = require('./fifo');
const { wrongValue } = require('./check');
const { errorOf } = require('./errors');
const turns = require('./turns');

const OUTBOX_FULL = -60;

class Send {
  #onAbort;

  constructor(holder, to, payload, timeout, signal) {
    this.holder = holder; // a client is not collected while it sends
    this.to = to;
    this.payload = payload;
    this.size = payload.length;
    this.timeout = timeout;
    this.signal = signal;
    this.operation = 0;
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
    this.holder = this.payload = undefined;
    if (failed) this.refuse(result);
    else this.accept(result);
    return true;
  }
}

class Outbox {
  #handle;
  #sends = []; // by token
  #free = [];
  #waiting = new Line();
  #cancel = (send) => this.#onAbort(send);

  constructor(handle) {
    this.#handle = handle;
  }

  send(holder, to, payload, timeout, signal) {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const send = new Send(holder, to, payload, timeout, signal);
    if (this.#waiting.peek() || !this.#hand(send)) this.#wait(send);
    if (signal && !send.over) send.follow(this.#cancel);
    return send.promise;
  }

  onOutcome(token, status) {
    const send = this.#sends[token];
    this.#sends[token] = undefined;
    this.#free.push(token);
    if (status === 0) send.settle();
    else if (!send.over) send.settle(errorOf(status), true);
  }

  onWritable() {
    for (let send = this.#waiting.peek(); send && this.#handLate(send); send = this.#waiting.peek()) {
      this.#waiting.drop();
    }
  }

  /** The client is over: every outcome has come, but what waits for room never got in. */
  end(why) {
    for (let send = this.#waiting.shift(); send; send = this.#waiting.shift()) send.settle(why(), true);
  }

  cancelAll() {
    for (const send of this.#sends) if (send) native.clientCancel(this.#handle, send.operation);
  }

  /** The recipient is copied: whoever uses his buffer again would send to somebody else. */
  #wait(send) {
    if (typeof send.to !== 'string') send.to = new Uint8Array(send.to);
    this.#waiting.push(send);
  }

  /** Its bytes may have been taken away meanwhile, by a transfer to another thread. */
  #handLate(send) {
    if (send.payload.length === send.size) return this.#hand(send);
    send.settle(wrongValue('payload', 'left alone until the send is over'), true);
    return true;
  }

  /** False if there is no room. */
  #hand(send) {
    const token = this.#free.pop() ?? this.#sends.length;
    const answer = native.clientSend(this.#handle, send.to, send.payload, token, send.timeout, turns.few());
    if (answer > 0) {
      this.#sends[token] = send;
      send.operation = answer;
      send.payload = undefined; // the core has its copy
      return true;
    }
    if (token < this.#sends.length) this.#free.push(token);
    if (answer === OUTBOX_FULL) return false;
    if (answer === 0) send.settle(turns.turn());
    else send.settle(errorOf(-answer), true);
    return true;
  }

  #onAbort(send) {
    if (send.operation) native.clientCancel(this.#handle, send.operation);
  }
}

module.exports = { Outbox };
