'use strict';
// The thread in which a script runs: real Node with the globals of a processor. It tells the main thread what happens, in
// order, through one port: what the script prints, its errors, and the states of its connection.
//
// The script has the same globals. So the port is in nobody's reach but this file's: it is taken out of workerData, nothing is ever
// received on it, and what it is used with was taken before the script can replace it. parentPort is for the script as well, and
// brings no more than the word to stop, and of a test how far to move its clock; who takes that word away is ended by force a moment later.

const fs = require('node:fs');
const path = require('node:path');
const { StringDecoder } = require('node:string_decoder');
const { format } = require('node:util');
const { parentPort, workerData } = require('node:worker_threads');
const { httpFunctions } = require('./http.js');
const { deploymentKeys } = require('./keys.js');
const { lazily } = require('./lazily.js');
const { load, preload } = require('./load.js');
const { offer } = require('./modules.js');
const { restrict, ruleOf } = require('./network.js');
const { makeStd } = require('./std.js');
const { describe } = require('./trouble.js');
const { Websocket } = require('./websocket.js');

const { allowNet, caFile, env, key, port, prelude, room, script, services, state, storageDir, without, ...more } = workerData;
const { fakes = {}, source = script, watched = false, ...forStd } = more; // source: what the script was made of
for (const name of Object.keys(workerData)) delete workerData[name]; // a script finds no secret there, and no port
const post = port.postMessage.bind(port);
const { load: left, sub: take, wait } = Atomics;

// Waits where the main thread is behind, so that a script that prints without end neither fills the memory nor keeps the
// main thread from a signal.
function tell(event, more) {
  while (left(room, 0) <= 0) wait(room, 0, 0);
  take(room, 0, 1);
  post({ event, ...more });
}

function report(where, error, file = source) {
  tell('error', { where, ...describe(error, file, where === 'start') });
}

/** Runs a callback of the script; what it throws, now or later, is reported and harms nobody. */
function call(where, callback, ...words) {
  try {
    callback?.(...words)?.then?.(undefined, (error) => report(where, error));
  } catch (error) {
    report(where, error);
  }
}

// console.log and whatever else writes to the standard streams goes the same way as print(), so that the order holds.
function capture(name) {
  const stream = process[name];
  const decoder = new StringDecoder();
  const put = ({ chunk, encoding }) => {
    const text = decoder.write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    if (text) tell('output', { stream: name, text });
  };
  stream._write = (chunk, encoding, done) => done(put({ chunk, encoding }));
  stream._writev = (chunks, done) => done(chunks.forEach(put));
}

function defineGlobals(values) {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

/** Globals that a processor may lack, made when a script looks at them. */
function optionalGlobals(std) {
  const folder = path.join(storageDir, '..', 'devtools');
  const makers = {
    _DEVTOOLS_: () => require('./extras.js').devtools({ folder, call, tell }),
    ownAddress: () => std.ownAddress,
  };
  for (const name of without) delete makers[name];
  lazily(globalThis, makers, false);
}

function prepare() {
  const allowed = ruleOf(allowNet);
  if (fakes.http) require('./fakes/http.js').redirect(fakes.http, allowed);
  if (allowNet) restrict(allowed, fakes.http?.port);
  const keys = deploymentKeys({ state, key });
  const socket = new Websocket({ identity: keys.p256, services, caFile, allowed, watched, tell, call });
  const { scriptHash } = forStd;
  const std = makeStd({
    ...forStd,
    keys,
    ws: socket.face(),
    env: { ...env },
    storageDir,
    without,
    script,
    scriptHash: () => scriptHash ?? require('./script-hash.js').scriptHash(fs.readFileSync(script)),
    tell,
    call,
  });
  defineGlobals({
    _STD_: std,
    print: (...words) => tell('print', { text: format(...words) }),
    environment: (name) => (Object.hasOwn(std.env, name) ? std.env[name] : undefined),
    ...httpFunctions(call, tell, caFile),
  });
  optionalGlobals(std);
  offer(std);
  const { id, publicKey } = keys.p256;
  const all = watched ? { keys: { ...std.job.getPublicKeys(), encryption: std.job.getEncryptionKeys() } } : {};
  tell('start', { script: source, id, publicKey, address: std.device.getAddress(), ...all });
  return socket;
}

async function end(socket, code) {
  await socket.shut();
  process.exit(code);
}

function watch(socket) {
  const clock = fakes.clock && require('./fakes/clock.js').install(fakes.clock, tell);
  parentPort.on('message', (word) => (word === 'stop' ? end(socket, 0) : clock?.move(word)));
  if (!clock) parentPort.unref(); // a script that is done may end; one whose timers are the test's is never done
  process.on('uncaughtException', (error) => report('script', error));
  process.on('unhandledRejection', (error) => report('unhandled rejection', error));
  capture('stdout');
  capture('stderr');
}

/** Whether a script is a bundle that says what it was made of: then errors show that. */
function isMapped(file) {
  return fs.readFileSync(file).subarray(-65536).includes('sourceMappingURL=');
}

// The preludes in order, and then the script.
async function run() {
  if (isMapped(script)) process.setSourceMapsEnabled(true);
  for (const [file, start] of [...prelude.map((one) => [one, preload]), [script, load]]) {
    try {
      await start(file);
    } catch (error) {
      report('start', error, file === script ? source : file);
      throw error;
    }
  }
}

const socket = prepare();
watch(socket);
run().catch(() => end(socket, 1));
