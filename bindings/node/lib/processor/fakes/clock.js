'use strict';
// In the script's thread: timers and dates that stand still until the test moves them. setImmediate, process.nextTick and what Node and
// the engine do by themselves go on as ever.

const { libraries } = require('../chains/library.js');

const FAKED = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'];

/**
 * @param {{now: number, script: string}} settings now: milliseconds since 1970, at which the clock stands
 * @param {(event: string, more: object) => void} tell
 */
function install({ now, script }, tell) {
  const clock = libraries(script)('@sinonjs/fake-timers', 'the option clock').install({ now, toFake: FAKED });
  return {
    /** Runs what is due until then, in order, and what it begins in between. */
    async move({ by, number }) {
      await clock.tickAsync(by);
      tell('moved', { number, now: clock.now });
    },
  };
}

module.exports = { install };
