'use strict';
// Promises of sends. Programs written for the vendor's client do not await them, and a rejection that nobody handles ends a process: here it is a
// warning, once. Whoever awaits such a promise, or chains to it, is told as by any other.

const { shown } = require('../foreign');

let warned = false;

function warn(error) {
  if (warned) return;
  warned = true;
  process.emitWarning(`a send failed and nobody awaits it: ${shown(error?.message)}; further ones are not told`, {
    type: 'AcurastWarning',
    code: 'ACURAST_UNAWAITED',
  });
}

/** A promise that knows whether anybody asked: `await` calls the then() of what is not a plain Promise. */
class Sent extends Promise {
  #asked = false;

  static get [Symbol.species]() {
    return Promise;
  }

  get asked() {
    return this.#asked;
  }

  then(...handlers) {
    this.#asked = true;
    return super.then(...handlers);
  }
}

/** The same promise, whose rejection nobody has to handle. */
function unawaited(promise) {
  const sent = new Sent((resolve, reject) => promise.then(resolve, reject));
  const told = (error) => setImmediate(() => sent.asked || warn(error));
  Promise.prototype.then.call(sent, undefined, told);
  return sent;
}

module.exports = { unawaited };
