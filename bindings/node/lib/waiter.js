'use strict';
// A promise that somebody waits for: settled once, by its event, by a signal, or by a timer.

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
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  #end() {
    if (this.over) return false;
    this.over = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    clearTimeout(this.#timer);
    this.holder = undefined;
    return true;
  }
}

module.exports = { Waiter };
