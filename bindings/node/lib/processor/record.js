'use strict';
// What a deployment did, for a test to look at: each list has the newest of its kind, in order.

const { inspect } = require('node:util');

const KEPT = 10_000;
const SHOWN = 8; // events in an error
const TIMEOUT = 10_000; // ms

function push(list, one) {
  list.push(one);
  if (list.length > KEPT) list.shift();
}

/** A message with its payload as a Buffer, and as text and JSON. */
function withForms(message) {
  const payload = Buffer.from(message.payload.buffer, message.payload.byteOffset, message.payload.byteLength);
  const text = () => payload.toString();
  return Object.defineProperties(Object.assign(message, { payload }), {
    text: { value: text },
    json: { value: () => JSON.parse(text()) },
  });
}

/** A member of an event, or what its method says: that of a payload which is no JSON is undefined. */
function memberOf(told, key) {
  try {
    return typeof told[key] === 'function' ? told[key]() : told[key];
  } catch {
    return undefined;
  }
}

/** The condition for events that `wanted` describes: members and their values, or a function. */
function conditionOf(wanted) {
  if (typeof wanted === 'function') return wanted;
  if (wanted === null || typeof wanted !== 'object') throw new TypeError('waitFor takes members of an event, or a function');
  return (told) =>
    Object.entries(wanted).every(([key, value]) => {
      const found = memberOf(told, key);
      return value instanceof RegExp ? typeof found === 'string' && value.test(found) : Object.is(found, value);
    });
}

class Record {
  #events = [];
  #waiting = new Set();
  #over = false;

  constructor() {
    this.sent = []; // messages, whatever became of them
    this.received = [];
    this.printed = []; // texts
    this.errors = [];
    this.requests = []; // HTTP
  }

  put(told) {
    if (told.event === 'message') push(told.direction === 'out' ? this.sent : this.received, withForms(told));
    if (told.event === 'print') push(this.printed, told.text);
    if (told.event === 'error') push(this.errors, told);
    push(this.#events, told);
    for (const waiting of [...this.#waiting]) waiting.look(told);
    if (told.event !== 'end') return;
    this.#over = true;
    for (const waiting of this.#waiting) waiting.fail('the deployment has ended');
  }

  asked(request) {
    push(this.requests, request);
    this.put({ event: 'request', ...request });
  }

  /** The first event, past or to come, that fits; `after` leaves out that event and those before it. */
  async waitFor(wanted, { timeout = TIMEOUT, after } = {}) {
    const fits = conditionOf(wanted);
    const past = this.#events.slice(this.#events.indexOf(after) + 1).find(fits);
    if (past) return past;
    const problem = (why) => new Error(`${why} without ${inspect(wanted)}; the last events: ${inspect(this.#events.slice(-SHOWN))}`);
    if (this.#over) throw problem('the deployment has ended');
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        settle(value);
      };
      const waiting = {
        look: (told) => fits(told) && end(resolve, told),
        fail: (why) => end(reject, problem(why)),
      };
      const timer = setTimeout(() => waiting.fail(`${timeout} ms have passed`), timeout);
      this.#waiting.add(waiting);
    });
  }
}

module.exports = { Record };
