'use strict';
// What the tests share: services and clients that are closed after their test, waits with a deadline, child processes.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const acurast = require('../..');

const HERE = path.join(__dirname, '..', '..');
const DEADLINE = Number(process.env.ACURAST_TEST_DEADLINE || 30) * 1000;

/** The promise, or an error that names what did not come. */
async function within(promise, what = 'the event', deadline = DEADLINE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${deadline} ms`)), deadline);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Until `probe` says true, which is asked once in each turn of the loop. */
async function eventually(probe, what = 'the condition', deadline = DEADLINE) {
  for (const end = Date.now() + deadline; !probe(); ) {
    if (Date.now() > end) throw new Error(`${what} did not come within ${deadline} ms`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function service(t, options) {
  const started = await acurast.Service.start({ drainTime: 1000, ...options });
  t.after(() => started.close());
  return started;
}

async function client(t, url, options) {
  const made = await acurast.connect(url, { linger: 0, ...options });
  t.after(() => made.close());
  return made;
}

/** A service with two clients: { service, one, two }. */
async function pair(t, options) {
  const started = await service(t);
  const [one, two] = await Promise.all([client(t, started.url, options), client(t, started.url, options)]);
  return { service: started, one, two };
}

/** A port on which nobody listens. */
async function freePort() {
  const started = await acurast.Service.start();
  await started.close();
  return started.port;
}

/** The next event of state `name`. */
function state(of, name) {
  const found = new Promise((resolve) => {
    const listener = (event) => {
      if (event.state !== name) return;
      of.off('state', listener);
      resolve(event);
    };
    of.on('state', listener);
  });
  return within(found, `the state ${name}`);
}

/** Runs a program that has `acurast` and resolves to { code, signal, out, err }. */
async function run(source, { flags = [], values = [] } = {}) {
  const program = `const acurast = require(${JSON.stringify(HERE)});\n(async () => {\n${source}\n})();`;
  const child = spawn(process.execPath, [...flags, '-e', program, ...values], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (said.out += chunk));
  child.stderr.on('data', (chunk) => (said.err += chunk));
  try {
    const [code, signal] = await within(once(child, 'close'), 'the end of a child process');
    return { code, signal, ...said };
  } finally {
    child.kill('SIGKILL');
  }
}

module.exports = { DEADLINE, HERE, acurast, client, eventually, freePort, pair, run, service, state, within };
