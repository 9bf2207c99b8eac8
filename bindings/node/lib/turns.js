'use strict';
// Which sends are written within their call, and when such a send gives the event loop a turn.
//
// A send that is awaited alone is written by the call: no thread is woken for it, and no event has to come back. Many at once are
// better off in the core's outbox, which writes them together. What tells them apart is a run: the sends that are begun before the
// microtasks which wait at its first are through, as are all those of a Promise.all. After a long run the next ones are taken for
// long, too, until a few were short.
//
// An await of what is over already lets nothing but microtasks happen: a loop of sends would keep everything else waiting,
// messages, timers and signals. So a send that is written takes a turn of the loop, unless one was taken just now.

const { performance } = require('node:perf_hooks');
const timers = require('node:timers');

const FEW = 4; // sends of a run: one by one they are cheaper than to wake a thread and be woken by it
const SLICE = 0.025; // ms without a turn; what an event of the core takes to come is more

// As they are now: a test that puts a false time in their place would hold up what it awaits.
const now = performance.now.bind(performance);
const { setImmediate } = timers;

let run = 0; // sends
let recent = 0; // the longest run lately; an older one counts for less
let turned = -Infinity;

function endRun() {
  recent = Math.max(run, recent >> 1);
  run = 0;
}

/** Counts a send. True if it is one of few. */
function few() {
  if (run === 0) Promise.resolve().then(endRun);
  run++;
  return run <= FEW && recent <= FEW;
}

/** What a send that is written resolves with: `value`, or a promise of it for the loop's next turn. */
function turn(value) {
  if (now() - turned < SLICE) return value;
  return new Promise((resolve) => {
    setImmediate(() => {
      turned = now();
      resolve(value);
    });
  });
}

module.exports = { few, turn };
