'use strict';
// Sends, looks, requests and answers that are not over. Each has a token, under which the outcome comes back, unless it was written within the call; what
// finds the core's outbox full waits here in order, and its payload is copied only when it goes in.

const native = require('./native');
const { Line } = require('./fifo');
const { LEVELS } = require('./operation');
const { wrongValue } = require('./check');
const { errorOf } = require('./errors');
const { seenOf } = require('./presence');

const OUTBOX_FULL = -60;

class Outbox {
  #handle;
  #begun = []; // by token
  #free = [];
  #waiting = new Line();
  #cancel = (operation) => this.#onAbort(operation);

  constructor(handle) {
    this.#handle = handle;
  }

  begin(operation) {
    const { promise, signal } = operation;
    if (signal?.aborted) {
      operation.settle(signal.reason, true);
      return promise;
    }
    if (this.#waiting.peek() || !this.#hand(operation)) this.#wait(operation);
    if (signal && !operation.over) operation.follow(this.#cancel);
    return promise;
  }

  /** `end`: a status, or minus the level that was reached. */
  onOutcome(token, end) {
    const send = this.#take(token);
    if (end <= 0) send.settle(LEVELS[-end]);
    else if (!send.over) send.settle(errorOf(end), true);
  }

  onKept(token) {
    this.#begun[token].kept();
  }

  onSeen(token, status, found) {
    const look = this.#take(token);
    if (look.over) return;
    if (status === 0) look.settle(seenOf(found));
    else look.settle(errorOf(status), true);
  }

  onReply(token, status, code, came) {
    this.#take(token).answered(status, code, came);
  }

  onAnswers(token, status, list) {
    this.#take(token).ended(status, list);
  }

  onProgress(token, came) {
    this.#begun[token].progress(came);
  }

  onWritable() {
    for (let next = this.#waiting.peek(); next && this.#handLate(next); next = this.#waiting.peek()) {
      this.#waiting.drop();
    }
  }

  /** The client is over: every outcome has come, but what waits for room never got in. */
  end(why) {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) next.settle(why(), true);
  }

  cancelAll() {
    for (const each of this.#begun) if (each) native.clientCancel(this.#handle, each.number);
  }

  #take(token) {
    const operation = this.#begun[token];
    this.#begun[token] = undefined;
    this.#free.push(token);
    return operation;
  }

  #wait(operation) {
    operation.prepareToWait();
    this.#waiting.push(operation);
  }

  #handLate(operation) {
    if (operation.intact) return this.#hand(operation);
    operation.settle(wrongValue('payload', 'left alone until the send is over'), true);
    return true;
  }

  /** False if there is no room. */
  #hand(operation) {
    const token = this.#free.pop() ?? this.#begun.length;
    const answer = operation.hand(this.#handle, token);
    if (answer > 0) {
      this.#begun[token] = operation;
      operation.number = answer;
      operation.forgetBytes();
      return true;
    }
    if (token < this.#begun.length) this.#free.push(token);
    if (answer === OUTBOX_FULL) return false;
    if (answer === 0) operation.settle(operation.written());
    else operation.settle(errorOf(-answer), true);
    return true;
  }

  #onAbort(operation) {
    if (operation.number) native.clientCancel(this.#handle, operation.number);
  }
}

module.exports = { Outbox };
