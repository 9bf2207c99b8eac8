'use strict';
// Where the addon's events arrive: one call for each batch. src/drain.c says how they are written down.

const native = require('./native');
const { errorOf } = require('./errors');
const { PRESENCES } = require('./presence');

const BATCH = 256;
const CELLS = 4;
const SCRATCH_SIZE = 256 * 1024;
const STATE = 1;
const PAYLOAD = 2;
const OUTCOME = 3;
const WRITABLE = 4;
const LOG = 5;
const KEPT = 6;
const SEEN = 7;
const GONE = 8;
const REPLY = 9;
const PROGRESS = 10;
const REQUEST = 11;
const ANSWERS = 12;

const STATES = [
  'idle',
  'connecting',
  'authenticating',
  'connected',
  'disconnected',
  'closed',
  'listening',
  'draining',
];
const LEVELS = ['off', 'error', 'warn', 'info', 'debug'];

const cells = new Float64Array(BATCH * CELLS);
const scratch = new Uint8Array(SCRATCH_SIZE);

/** Who takes the events of a slot: it has a function on… for each type that its source sends, and onBatchEnd. */
const takers = [];
const free = [];

/** A slot for one who is not yet known. */
function enter() {
  return free.pop() ?? takers.push(undefined) - 1;
}

/** From now on events go to `taker`, who stays alive until leave(). */
function hold(slot, taker) {
  takers[slot] = taker;
}

function leave(slot) {
  takers[slot] = undefined;
  free.push(slot);
}

function rethrow(error) {
  throw error;
}

/** What a listener throws is an uncaught exception, as anywhere in Node, and keeps nobody else from the event. */
function guarded(work) {
  try {
    work();
  } catch (error) {
    process.nextTick(rethrow, error);
  }
}

let at = 0; // in `extras`

function deliver(taker, cell, extras) {
  const first = cells[cell + 2];
  const second = cells[cell + 3];
  switch (cells[cell]) {
    case PAYLOAD: {
      const sender = extras[at++];
      const payload = second < 0 ? extras[at++] : scratch.slice(second, second + first);
      return taker?.onPayload(sender, payload);
    }
    case OUTCOME:
      return taker?.onOutcome(first, second);
    case STATE:
      at += 3;
      return taker?.onState(STATES[first], second, extras[at - 3], extras[at - 2], extras[at - 1]);
    case WRITABLE:
      return taker?.onWritable();
    case LOG:
      at += 1;
      return taker?.onLog(LEVELS[first], extras[at - 1]);
    case KEPT:
      return taker?.onKept(first);
    case SEEN:
      at += 1;
      return taker?.onSeen(first, second, extras[at - 1]);
    case GONE:
      at += 1;
      return taker?.onGone(extras[at - 1], PRESENCES[first]);
    case REPLY:
      at += 2;
      return taker?.onReply(first, second, extras[at - 2], extras[at - 1]);
    case PROGRESS:
      at += 1;
      return taker?.onProgress(first, extras[at - 1]);
    case ANSWERS:
      at += 1;
      return taker?.onAnswers(first, second, extras[at - 1]);
    case REQUEST:
      at += 4;
      return taker?.onRequest(first, second, extras[at - 4], extras[at - 3], extras[at - 2], extras[at - 1]);
  }
}

function dispatch(count, extras) {
  const touched = new Set();
  at = 0;
  for (let cell = 0; cell < count * CELLS; cell += CELLS) {
    const taker = takers[cells[cell + 1]];
    try {
      if (deliver(taker, cell, extras)) touched.add(taker);
    } catch (error) {
      process.nextTick(rethrow, error);
    }
  }
  for (const taker of touched) guarded(() => taker.onBatchEnd());
}

native.setup(dispatch, errorOf, cells, scratch);

// A process or a worker that exits with clients open: the engine's threads end first.
process.once('exit', () => {
  for (const taker of takers) taker?.onExit?.();
  native.end();
});

module.exports = { enter, guarded, hold, leave, rethrow };
