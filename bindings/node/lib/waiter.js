'use strict';
// A promise that somebody waits for: settled once, by its event, by a signal, or by a timer.

const { follow, unfollow } = require('./abort');
const { errors } = require('./errors');

class Waiter {
  #signal;
  #timer;
  #onAbort;

  /**
   * @param {object} holder what has to stay alive meanwhile
   * @param {AbortSignal | undefined} signal
   * @param {number} timeout ms; Infinity: none
   * @param {() => string} [late] says more when the time is over
   */
  constructor(holder, signal, timeout, late = () => '') {
    this.holder = holder;
    this.over = false;
    this.promise = new Promise((resolve, reject) => {
      this.accept = resolve;
      this.refuse = reject;
    });
    if (signal) this.#follow(signal);
    if (timeout !== Infinity && !this.over) {
      this.#timer = setTimeout(() => this.reject(new errors.TimeoutError(late())), timeout);
    }
  }

  resolve(value) {
    if (this.#end()) this.accept(value);
  }

  reject(reason) {
    if (this.#end()) this.refuse(reason);
  }

  #follow(signal) {
    if (signal.aborted) return this.reject(signal.reason);
    this.#signal = signal;
    this.#onAbort = () => this.reject(signal.reason);
    follow(signal, this.#onAbort);
  }

  #end() {
    if (this.over) return false;
    this.over = true;
    if (this.#signal) unfollow(this.#signal, this.#onAbort);
    clearTimeout(this.#timer);
    this.holder = undefined;
    return true;
  }
}

module.exports = { Waiter };
