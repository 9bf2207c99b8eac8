'use strict';
// Deployments for tests: with a record of what they did, a clock that stands still until it is moved, and HTTP that the test answers.

const { kindOf } = require('./hex.js');
const { Deployment } = require('./deployment.js');
const { FakeHttp } = require('./fakes/server.js');
const { Record } = require('./record.js');
const { settingsOf } = require('./settings.js');

const MOST = 100; // processors at once
const LONGEST = 2 ** 31 - 1; // ms of a timer

/** The test's hold of the clock in the script's thread. */
class Clock {
  #deployment;
  #moves = 0;
  #last = Promise.resolve();
  #now;

  constructor(now) {
    this.#now = now;
  }

  of(deployment) {
    this.#deployment = deployment;
    return this;
  }

  /** Where it stands. */
  get now() {
    return new Date(this.#now);
  }

  /** Moves it on by milliseconds; resolves once what was due has run. One move after the other. */
  advance(ms) {
    if (!Number.isSafeInteger(ms) || ms < 0 || ms > LONGEST) throw new RangeError(`advance takes 0 to ${LONGEST} ms, not ${ms}`);
    this.#last = this.#last.catch(() => {}).then(() => this.#move(ms));
    return this.#last;
  }

  #move(by) {
    const number = ++this.#moves;
    const deployment = this.#deployment;
    return new Promise((resolve, reject) => {
      const moved = (told) => {
        if (told.number !== number) return;
        deployment.off('moved', moved);
        this.#now = told.now;
        resolve();
      };
      deployment.on('moved', moved);
      deployment.ended.then(() => reject(new Error('the deployment has ended')));
      deployment.move({ by, number });
    });
  }
}

async function start({ clock: now, http, onEvent, ...settings }) {
  const record = new Record();
  const clock = now === undefined ? undefined : new Clock(now);
  const fake = http && (await FakeHttp.start(http, (request) => record.asked(request)));
  const fakes = { clock: clock && { now, script: settings.script ?? __filename }, http: fake?.address };
  const hear = (told) => {
    record.put(told);
    onEvent?.(told);
  };
  try {
    const deployment = await Deployment.start({ ...settings, fakes, watched: true, onEvent: hear });
    const { sent, received, printed, errors, requests } = record;
    Object.assign(deployment, { sent, received, printed, errors, requests, clock: clock?.of(deployment) });
    deployment.waitFor = (wanted, options) => record.waitFor(wanted, options);
    deployment.ended.then(() => fake?.close());
    return deployment;
  } catch (error) {
    await fake?.close();
    throw error;
  }
}

/**
 * Runs a deployment script in a thread of its own. Resolves once the script is about to run; see acurast-processor.d.ts.
 * @param {string | URL | { code: string }} source the script
 * @param {object} [options]
 * @returns {Promise<Deployment>}
 */
async function runDeployment(source, options) {
  return start(settingsOf(source, options));
}

function countOf(value) {
  if (Number.isInteger(value) && value >= 1 && value <= MOST) return value;
  throw new RangeError(`count must be 1 to ${MOST}, not ${typeof value === 'number' ? value : kindOf(value)}`);
}

/** Several processors of one deployment, and their service. */
class Deployments extends Array {
  static get [Symbol.species]() {
    return Array;
  }

  /** Ends all of them, and their service. Resolves to their exit codes. */
  async stop() {
    const codes = await Promise.all([...this].map((one) => one.stop()));
    await this.own?.close();
    return codes;
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.stop();
  }
}

/**
 * Runs a script on several processors at once, each with keys and a slot of its own, and resolves once all are connected.
 * @param {object | ((slot: number) => object)} [options] those of runDeployment; without `service`, a service of their own
 */
async function runDeployments(source, count, options = {}) {
  const optionsOf = typeof options === 'function' ? options : () => options;
  const all = new Deployments();
  const given = Array.from({ length: countOf(count) }, (_, slot) => ({ ...optionsOf(slot), slot }));
  for (const { state, key } of given.slice(1))
    if ((state ?? key) !== undefined && (state ?? key) === (given[0].state ?? given[0].key)) throw new TypeError('processors have keys of their own: give options as a function of the slot');
  const { Service } = require('../../index.js');
  const own = given[0].service === undefined ? await Service.start({ drainTime: 300 }) : undefined;
  Object.defineProperties(all, { own: { value: own }, service: { value: own?.url ?? given[0].service } });
  const run = async ({ local, ...one }) => {
    const deployment = await runDeployment(source, { ...one, service: all.service });
    all[one.slot] = deployment;
    await deployment.ready;
  };
  const results = await Promise.allSettled(given.map(run));
  const failed = results.find(({ status }) => status === 'rejected');
  if (!failed) return all;
  await Deployments.from(all.filter(Boolean)).stop();
  await own?.close();
  throw failed.reason;
}

module.exports = { runDeployment, runDeployments };
