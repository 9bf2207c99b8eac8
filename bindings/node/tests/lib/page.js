'use strict';
// The blocks of code on a page, by the heading that they stand under.

const fs = require('node:fs');
const assert = require('node:assert/strict');

/** Of one language, with at most one under each heading: { title: code }. */
function blocks(file, language) {
  const found = {};
  let title = '';
  for (const [, heading, tongue, code] of fs.readFileSync(file, 'utf8').matchAll(/^#+ (.+)$|^```(\w*)\n([^]*?)^```$/gm)) {
    if (heading) title = heading;
    if (tongue !== language) continue;
    assert.equal(found[title], undefined, `two blocks under "${title}"`);
    found[title] = code;
  }
  return found;
}

const AsyncFunction = (async () => {}).constructor;

/**
 * Runs a block with `names` in its scope, but for those that it declares itself, and with a console of its own, whose lines go to `lines` as
 * they come.
 */
async function fragment(code, names, lines = []) {
  const line = (...values) => void lines.push(values);
  const scope = Object.entries({ ...names, console: { log: line, error: line } }).filter(([name]) => !code.includes(`const ${name} =`));
  await new AsyncFunction(...scope.map(([name]) => name), code)(...scope.map(([, value]) => value));
  return lines;
}

module.exports = { blocks, fragment };
