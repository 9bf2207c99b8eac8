'use strict';
// One request to many: it ends with so many results, or with so many equal ones, or as soon as that has become impossible.

const check = require('./check');
const { follow, unfollow } = require('./abort');
const { errors } = require('./errors');

const isObject = (value) => value !== null && typeof value === 'object';
const byKey = ([a], [b]) => (a < b ? -1 : 1);

/** A value as text that is the same for equal values: keys in order, no blanks.
 * @returns {string}
 */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value === 'bigint') return String(value);
  if (!isObject(value)) return JSON.stringify(value);
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  const members = Object.entries(value).sort(byKey);
  return `{${members.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join()}}`;
}

class Poll {
  answers = [];
  failures = [];
  #open;
  #need;
  #agree;
  #groups = new Map(); // how many gave it, by its text
  #largest = 0;

  constructor(open, need, agree) {
    this.#open = open;
    this.#need = need;
    this.#agree = agree;
  }

  /** Takes a result. True if that was the last one needed. */
  answer(id, value) {
    this.#open--;
    this.answers.push({ id, value });
    const text = this.#agree ? canonical(value) : '';
    const equal = (this.#groups.get(text) ?? 0) + 1;
    this.#groups.set(text, equal);
    this.#largest = Math.max(this.#largest, equal);
    return equal === this.#need;
  }

  fail(id, error) {
    this.#open--;
    this.failures.push({ id, error });
  }

  get impossible() {
    return this.#largest + this.#open < this.#need;
  }

  /** What the failure says. */
  get detail() {
    const said = `${this.answers.length} results, ${this.failures.length} failures`;
    return `${said}, ${this.#need}${this.#agree ? ' equal' : ''} needed`;
  }
}

function notEnough({ detail, answers, failures }) {
  return Object.assign(new errors.NotEnoughAnswersError(detail), { answers, failures });
}

/**
 * @param {string[]} ids all different
 * @param {(id: string, signal: AbortSignal) => Promise<unknown>} ask
 */
function poll(ids, ask, need, agree, signal) {
  const rest = new AbortController(); // cancels the requests that are still open
  const state = new Poll(ids.length, need, agree);
  const { answers, failures } = state;
  return new Promise((resolve, reject) => {
    const onAbort = () => end(() => reject(signal.reason));
    const end = (settle) => {
      settle();
      rest.abort();
      if (signal) unfollow(signal, onAbort);
    };
    const take = (id, { status, value, reason }) => {
      if (rest.signal.aborted) return;
      if (status === 'rejected') state.fail(id, reason);
      else if (state.answer(id, value)) return end(() => resolve({ value: agree ? value : answers[0].value, answers, failures }));
      if (state.impossible) end(() => reject(notEnough(state)));
    };
    if (signal) follow(signal, onAbort);
    for (const id of ids) Promise.allSettled([ask(id, rest.signal)]).then(([settled]) => take(id, settled));
  });
}

/** How many have to answer: all, unless `need` says otherwise. */
function needOf(need, count) {
  return need === undefined ? count : check.integer(need, 'options.need', 1, count);
}

module.exports = { canonical, needOf, poll };
