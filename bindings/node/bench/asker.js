'use strict';
// Who asks in the rows of requests of `make bench`, in Node: by `request`, and by hand.
//
//   node asker.js URL MS WAYS ROWS ID...
//
// As tests/bench/asker.c, whose lines of JSON these are.

const { randomBytes } = require('node:crypto');
const { performance } = require('node:perf_hooks');
const { NotHereError, connect } = require('..');

const [METHOD, PARAMS] = ['price', { pair: 'EUR/CHF' }];
const TIMEOUT = 2000;
const WARM_UP = 150;
const NEED = 3;

/** Requests as one writes them with `sendJson` and a Map of promises. */
class ByHand {
  #client;
  #last = 0;
  #waiting = new Map();

  constructor(client) {
    this.#client = client;
    client.on('message', (message) => this.#take(message));
  }

  #take(message) {
    let answer;
    try {
      answer = message.json();
    } catch {
      return;
    }
    const waiting = this.#waiting.get(answer?.id);
    if (waiting?.to !== message.sender) return;
    this.#end(answer.id);
    if (answer.error) waiting.reject(new Error(answer.error.message));
    else waiting.resolve(answer.result);
  }

  #end(id) {
    clearTimeout(this.#waiting.get(id)?.timer);
    this.#waiting.delete(id);
  }

  request(to, method, params, timeout) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const fail = (error) => {
        this.#end(id);
        reject(error);
      };
      const timer = setTimeout(() => fail(new Error('no answer in time')), timeout);
      this.#waiting.set(id, { to, resolve, reject, timer });
      this.#client.sendJson(to, { jsonrpc: '2.0', id, method, params }).catch(fail);
    });
  }

  /** The first result that so many have given. */
  requestMany(recipients, method, params, need, timeout) {
    const said = new Map();
    return new Promise((resolve, reject) => {
      let open = recipients.length;
      const take = (result) => {
        const text = JSON.stringify(result, Object.keys(result).sort());
        const equal = (said.get(text) ?? 0) + 1;
        said.set(text, equal);
        if (equal === need) resolve(result);
      };
      const over = () => --open || reject(new Error('they do not agree'));
      for (const to of recipients) this.request(to, method, params, timeout).then(take).catch(() => {}).finally(over);
    });
  }
}

function quantile(times, part) {
  return times[Math.min(Math.floor(times.length * part), times.length - 1)] * 1000;
}

/** Keeps so many requests open, and returns how long each took, in milliseconds. */
async function keepOpen(ask, window, milliseconds) {
  const times = [];
  const end = performance.now() + milliseconds;
  const keepOneOpen = async () => {
    for (let begin = performance.now(); begin < end; begin = performance.now()) {
      await ask();
      times.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: window }, keepOneOpen));
  return times;
}

async function step(row, way, ask, window, milliseconds) {
  await keepOpen(ask, window, WARM_UP); // so that what is measured is compiled
  const [begin, used] = [performance.now(), process.cpuUsage()];
  const times = (await keepOpen(ask, window, milliseconds)).sort((a, b) => a - b);
  const { user, system } = process.cpuUsage(used);
  const seconds = (performance.now() - begin) / 1000;
  const line = { row, way, cpu_us: (user + system) / times.length, rate: times.length / seconds };
  console.log(JSON.stringify({ ...line, p50_us: quantile(times, 0.5), p99_us: quantile(times, 0.99) }));
}

async function nobody(client) {
  try {
    await client.request(randomBytes(16), METHOD, PARAMS, { timeout: TIMEOUT });
  } catch (error) {
    if (error instanceof NotHereError) return;
    throw error;
  }
  throw new Error('somebody is there');
}

async function main() {
  const [url, milliseconds, ways, rows, ...ids] = process.argv.slice(2);
  const [client, other] = await Promise.all([connect(url), connect(url)]);
  const hand = new ByHand(other);
  const asks = {
    request: {
      one: () => client.request(ids[0], METHOD, PARAMS, { timeout: TIMEOUT }),
      many: () => client.requestMany(ids, METHOD, PARAMS, { need: NEED, agree: true, timeout: TIMEOUT }),
      absent: () => nobody(client),
    },
    hand: {
      one: () => hand.request(ids[0], METHOD, PARAMS, TIMEOUT),
      many: () => hand.requestMany(ids, METHOD, PARAMS, NEED, TIMEOUT),
      absent: () => hand.request(ids[0], METHOD, PARAMS, TIMEOUT),
    },
  };
  for (const row of rows.split(',')) {
    for (const way of ways.split(',')) {
      const window = Number(row) || 1;
      await step(row, way, asks[way][Number(row) ? 'one' : row], window, Number(milliseconds));
    }
  }
  await Promise.all([client.close(), other.close()]);
}

main();
