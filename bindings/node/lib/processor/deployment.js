'use strict';
// A running deployment, seen from the main thread: its worker, its embedded service if it has one, its scratch folder.
//
// States: starting -> running -> ended. `start` comes first, `end` last and once, and between them whatever the worker
// tells, each as an event of its own name and as 'event'. The worker tells it through a port that the script has no hold of;
// `end` is never told, but is that the thread has ended.

const { EventEmitter } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { MessageChannel, Worker, receiveMessageOnPort } = require('node:worker_threads');
const { ownFolder } = require('../keyfile.js');
const { describe } = require('./trouble.js');

const TROUBLE = new Set(['script', 'unhandled rejection', 'connection']); // nobody in the script took care of these
const TOLD = new Set(['start', 'ready', 'state', 'print', 'output', 'transaction', 'note', 'message', 'error']); // by the worker
const KEPT = 10_000; // transactions, the newest ones
const UNREAD = 256; // events between a script and us; then it waits, as print would for a slow terminal
const STOP_MS = 700; // for a script to be told and its connection to be closed; then its thread is ended
const STUCK_MS = 300; // for a thread to end; one that waits in the operating system does not, and is left behind

// import and export make a .js file ESM: later versions need no flag for that, and inherit all of this process.
function flagsOfNode() {
  const flag = '--experimental-detect-module';
  const wanted = process.allowedNodeEnvironmentFlags.has(flag) && process.features.require_module === undefined;
  return wanted ? { execArgv: [...process.execArgv, flag] } : {};
}

// Folders of deployments that have not ended: removed where the process ends without them.
const scratches = new Set();

/** Removes what deployments that still run have in the folder for temporary files. */
function sweep() {
  for (const folder of scratches) fs.rmSync(folder, { recursive: true, force: true, maxRetries: 2 });
  scratches.clear();
}

/** Has a folder removed where the process ends without forgetFolder(). */
function holdFolder(folder) {
  if (scratches.size === 0) process.once('exit', sweep);
  scratches.add(folder);
}

/** Removes it. */
function forgetFolder(folder) {
  fs.rmSync(folder, { recursive: true, force: true });
  scratches.delete(folder);
  if (scratches.size === 0) process.removeListener('exit', sweep);
}

class Deployment extends EventEmitter {
  #worker;
  #port; // to the worker's
  #room = new Int32Array(new SharedArrayBuffer(4)).fill(UNREAD); // of events that the worker may still tell
  #service;
  #scratch;
  #troubled = false;
  #failed = false;
  #stopping = false;
  #over = false;

  /** @param {object} settings what settings.js made of the options */
  static async start(settings) {
    const deployment = new Deployment();
    if (settings.onEvent) deployment.on('event', settings.onEvent);
    try {
      await deployment.#prepare(settings);
      await deployment.#begin(settings);
    } catch (error) {
      await deployment.#cleanUp();
      throw error;
    }
    return deployment;
  }

  constructor() {
    super();
    this.id = this.publicKey = this.address = this.service = undefined;
    this.exitCode = undefined;
    this.transactions = [];
    this.ended = new Promise((resolve) => this.once('end', ({ code }) => resolve(code)));
    this.ready = new Promise((resolve, reject) => {
      this.once('ready', ({ service, id, publicKey }) => resolve({ service, id, publicKey }));
      this.once('end', ({ code }) =>
        reject(new Error(`the deployment ended with code ${code} before it was connected`)),
      );
    });
    this.ready.catch(() => {}); // who does not ask is not told
  }

  /** Closes the connection and ends the script, within two seconds. Resolves to the exit code. */
  stop() {
    if (!this.#stopping && this.exitCode === undefined) {
      this.#stopping = true;
      this.#worker.postMessage('stop');
      let timer = setTimeout(() => {
        this.#worker.terminate();
        timer = setTimeout(() => this.#exited(0), STUCK_MS);
      }, STOP_MS);
      this.ended.then(() => clearTimeout(timer));
    }
    return this.ended;
  }

  /** Tells the thread how far to move the clock of a test. */
  move(word) {
    this.#worker.postMessage(word);
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }

  async #prepare(settings) {
    this.#scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-processor-'));
    holdFolder(this.#scratch);
    if (settings.state) ownFolder(settings.state);
    if (!settings.local) return;
    const { Service } = require('../../index.js'); // here, so that wrong usage is told where the addon is missing, too
    this.#service = await Service.start({ drainTime: 300 });
    this.service = this.#service.url;
  }

  // Resolves once the script is about to run; rejects where its thread cannot get that far.
  #begin({ code, state, script = path.join(this.#scratch, 'deployment.js'), services, onEvent, ...rest }) {
    if (code !== undefined) fs.writeFileSync(script, code);
    const storageDir = path.join(state ?? this.#scratch, 'storage');
    fs.mkdirSync(storageDir, { recursive: true, mode: 0o700 });
    if (this.#service) services = [this.#service.url];
    const { port1, port2: port } = new MessageChannel();
    this.#port = port1.on('message', (told) => this.#hear(told));
    port1.unref(); // the worker holds this process, not its port
    this.#worker = new Worker(path.join(__dirname, 'worker.js'), {
      workerData: { ...rest, port, room: this.#room, state, script, storageDir, services },
      transferList: [port],
      stdout: true, // what the worker does not catch itself comes here instead of past us
      stderr: true,
      ...flagsOfNode(),
    });
    for (const stream of ['stdout', 'stderr'])
      this.#worker[stream].setEncoding('utf8').on('data', (text) => this.#wrote(stream, text));
    return new Promise((resolve, reject) => {
      this.once('start', resolve);
      this.#worker.on('error', (error) => this.#broke(error, reject));
      this.#worker.on('exit', (exitCode) => this.#exited(exitCode));
    });
  }

  #wrote(stream, text) {
    if (this.exitCode === undefined) this.#tell({ event: 'output', stream, text });
  }

  #hear(told) {
    Atomics.add(this.#room, 0, 1);
    Atomics.notify(this.#room, 0);
    if (TOLD.has(told?.event)) this.#tell(told);
    else if (told?.event === 'moved') this.emit('moved', told); // a test's clock, and for nobody else
  }

  // What the worker told before its last sign of life, which comes another way.
  #hearRest() {
    for (let rest; (rest = receiveMessageOnPort(this.#port)); ) this.#hear(rest.message);
  }

  // The thread itself has failed: it did not start, or is out of memory.
  #broke(error, reject) {
    this.#failed = true;
    this.#hearRest();
    if (this.id === undefined) reject(error);
    else this.#tell({ event: 'error', where: 'script', ...describe(error) });
  }

  #tell(told) {
    const { event, where } = told;
    if (event === 'start') {
      Object.assign(this, { id: told.id, publicKey: told.publicKey, address: told.address });
      told = { ...told, ...(this.service ? { service: this.service } : {}) };
    }
    if (event === 'transaction') this.#keep(told);
    if (event === 'error' && TROUBLE.has(where)) this.#troubled = true;
    this.emit('event', told);
    if (event !== 'error' || this.listenerCount('error') > 0) this.emit(event, told);
  }

  #keep({ event, ...transaction }) {
    this.transactions.push(transaction);
    if (this.transactions.length > KEPT) this.transactions.shift();
  }

  // A script that ends by itself after an error that nobody caught has failed, as under node.
  async #exited(exitCode) {
    if (this.#over) return;
    this.#hearRest();
    this.#port.close();
    this.#over = true;
    const code = this.#stopping ? 0 : exitCode || (this.#troubled || this.#failed ? 1 : 0);
    await this.#cleanUp();
    this.exitCode = code;
    this.#tell({ event: 'end', code });
  }

  async #cleanUp() {
    await this.#service?.close();
    forgetFolder(this.#scratch);
  }
}

module.exports = { Deployment, forgetFolder, holdFolder, sweep };
