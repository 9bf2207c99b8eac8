'use strict';
// One request to many: the core asks, counts and compares, and its one end tells what each has said.

const check = require('./check');
const native = require('./native');
const { Request, requestOf } = require('./request');
const { errorOf, errors } = require('./errors');

const CELLS = 5; // status, code, group, id, result or error: of one answer, as src/drain.c has them
const NOT_ENOUGH_ANSWERS = errors.NotEnoughAnswersError.prototype.status;
const CANCELLED = errors.SendCancelledError.prototype.status;

class Survey extends Request {
  call(handle, token, time) {
    const { to, method, params, retry, encoding, need, agree } = this;
    return native.clientRequestMany(handle, to, method, params, token, time, retry, encoding.number, need, agree);
  }

  /** It is over; what was open then was cancelled, and is no failure of anybody. */
  ended(status, list) {
    if (this.over) return;
    if (status !== 0 && status !== NOT_ENOUGH_ANSWERS) return this.settle(errorOf(status), true);
    const answers = [];
    const failures = [];
    const agreed = []; // the answers of the largest group of equal ones, or all
    for (let at = 0; at < list.length; at += CELLS) {
      const [each, code, group, id, came] = list.slice(at, at + CELLS);
      if (each === CANCELLED) continue;
      const { value, error } = this.outcome(each, code, came);
      if (error) failures.push({ id, error });
      else answers.push({ id, value });
      if (!error && group === 1) agreed.push(value);
    }
    // Results that cannot be said here were results to the core.
    if (status === 0 && agreed.length >= this.need) return this.settle({ value: agreed[0], answers, failures });
    const needed = `${this.need}${this.agree ? ' equal' : ''} needed`;
    const error = new errors.NotEnoughAnswersError(`${answers.length} results, ${failures.length} failures, ${needed}`);
    this.settle(Object.assign(error, { answers, failures }), true);
  }
}

/**
 * Checks everything.
 * @param {string[]} ids all different
 */
function surveyOf(holder, ids, method, params, { need = ids.length, agree = false, ...options }) {
  check.integer(need, 'options.need', 1, ids.length);
  if (typeof agree !== 'boolean') throw check.wrongType('options.agree', 'of type boolean', agree);
  return requestOf(Survey, holder, Buffer.from(ids.join(''), 'hex'), method, params, options, { need, agree });
}

module.exports = { surveyOf };
