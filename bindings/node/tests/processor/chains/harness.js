'use strict';
// What the tests of the chains share: an expression of a script with `chains` in its scope, its value, and what it threw.

const assert = require('node:assert/strict');
const { evaluate } = require('../lib/harness');

/** Expressions of a script, evaluated by one deployment in order: [value, …]; an error is { thrown: its message, code }. */
async function values(t, expressions, options) {
  const code = `const { chains } = _STD_;
    const each = (use) => { try { return use() } catch (error) { return { thrown: error.message, code: error.code } } };
    print(JSON.stringify([${expressions.map((one) => `each(() => ${one})`)}], (key, one) => (typeof one === 'bigint' ? one + 'n' : one)))`;
  const { printed, events } = await evaluate(t, code, options);
  assert.equal(printed.length, 1, JSON.stringify(events.all));
  return printed[0];
}

/** Each expression has the value that stands beside it; a RegExp matches what it throws. */
async function table(t, rows, options) {
  const got = await values(t, Object.keys(rows), options);
  for (const [i, [expression, expected]] of Object.entries(rows).entries()) {
    if (expected instanceof RegExp) assert.match(got[i]?.thrown ?? JSON.stringify(got[i]), expected, expression);
    else assert.deepEqual(got[i], expected, expression);
  }
}

module.exports = { table, values };
