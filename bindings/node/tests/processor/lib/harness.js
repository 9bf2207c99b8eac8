'use strict';
// What the tests of the runner share: deployments that are stopped after their test, their events, dApps that ask, and the
// command as a child process.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { runDeployment } = require('../../../lib/processor');
const { HERE, acurast, client, within } = require('../../lib/harness');

const COMMAND = path.join(HERE, 'bin', 'acurast-processor.js');

/** The path of an example deployment. */
function example(name) {
  return path.join(HERE, 'examples', 'deployments', name);
}

function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-test-'));
  t.after(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A list of events that grows, and waits for those that fit. */
class Events {
  #waiters = new Set();
  all = [];

  put(told) {
    this.all.push(told);
    for (const waiter of this.#waiters) waiter(told);
  }

  /** The first event, from the `from`th on and past or to come, that has all of `wanted`; a RegExp is matched. */
  async next(wanted, from = 0) {
    const fits = (told) =>
      Object.entries(wanted).every(([key, value]) =>
        value instanceof RegExp ? value.test(told[key]) : told[key] === value,
      );
    const past = this.all.slice(from).find(fits);
    if (past) return past;
    let waiter;
    const found = new Promise((resolve) => {
      waiter = (told) => fits(told) && resolve(told);
      this.#waiters.add(waiter);
    });
    try {
      return await within(found, `${JSON.stringify(wanted)} after ${JSON.stringify(this.all)}`);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  /** `count` events that have all of `wanted`. */
  async times(count, wanted) {
    for (let from = 0; count > 0; count--) from = this.all.indexOf(await this.next(wanted, from)) + 1;
  }
}

/** Runs a deployment with an embedded service, unless told otherwise: { deployment, events }. */
async function deploy(t, source, options = {}) {
  const events = new Events();
  const local = options.service === undefined && options.local === undefined ? { local: true } : {};
  const deployment = await runDeployment(source, { ...local, ...options, onEvent: (told) => events.put(told) });
  t.after(() => deployment.stop());
  return { deployment, events };
}

/** Runs code to its end, which prints results as JSON: { printed, events, code }. */
async function evaluate(t, code, options) {
  const { deployment, events } = await deploy(t, { code }, options);
  const exitCode = await within(deployment.ended, 'the end of the deployment');
  const printed = events.all.filter(({ event }) => event === 'print').map(({ text }) => JSON.parse(text));
  return { printed, events, code: exitCode };
}

/** A dApp at the deployment's service: ask(payload) gives the text of the next message. */
async function dapp(t, { deployment, service = deployment.service }) {
  const made = await client(t, service);
  return {
    client: made,
    send: (text) => made.sendText(deployment.publicKey, text),
    next: async () => (await within(made.receive(), 'an answer')).text(),
    async ask(text) {
      await this.send(text);
      return this.next();
    },
    async askJson(value) {
      return JSON.parse(await this.ask(JSON.stringify(value)));
    },
  };
}

/** The command as a child process, ended after the test: events (with --json), out, err, ended. */
function command(t, words, { env = {}, json = true, node = [process.execPath] } = {}) {
  const [file, ...flags] = [...node, COMMAND, ...words, ...(json ? ['--json'] : [])];
  const child = spawn(file, flags, {
    env: { ...process.env, TMPDIR: folder(t), ...env }, // killed after the test, it leaves its scratch folder behind
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const events = new Events();
  const said = { child, events, out: '', err: '' };
  let rest = '';
  child.stdout.on('data', (chunk) => {
    said.out += chunk;
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    if (json) for (const line of lines) events.put(JSON.parse(line));
  });
  child.stderr.on('data', (chunk) => (said.err += chunk));
  said.ended = within(once(child, 'close'), `the end of ${words.join(' ')}`).then(([code, signal]) => ({
    code,
    signal,
  }));
  said.ended.catch(() => {});
  return said;
}

module.exports = { HERE, acurast, command, dapp, deploy, evaluate, example, folder, within };
