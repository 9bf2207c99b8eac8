'use strict';
// A running deployment, seen from the main thread: its worker, its embedded service if it has one, its scratch folder.
//
// States: starting -> running -> ended. `start` comes first, `end` last and once, and between them whatever the worker
// tells, each as an event of its own name and as 'event'.

const { EventEmitter } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Worker } = require('node:worker_threads');

const TROUBLE = new Set(['script', 'unhandled rejection', 'connection']); // nobody in the script took care of these
const STOP_MS = 800; // for a script to be told and its connection to be closed; then its thread is ended

// import and export make a .js file ESM: later versions need no flag for that, and inherit all of this process.
function flagsOfNode() {
  const flag = '--experimental-detect-module';
  const wanted = process.allowedNodeEnvironmentFlags.has(flag) && process.features.require_module === undefined;
  return wanted ? { execArgv: [...process.execArgv, flag] } : {};
}

class Deployment extends EventEmitter {
  #worker;
  #service;
  #scratch;
  #troubled = false;
  #failed = false;
  #stopping = false;

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
      const timer = setTimeout(() => this.#worker.terminate(), STOP_MS);
      this.ended.then(() => clearTimeout(timer));
    }
    return this.ended;
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }

  async #prepare(settings) {
    this.#scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-processor-'));
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
    this.#worker = new Worker(path.join(__dirname, 'worker.js'), {
      workerData: { ...rest, state, script, storageDir, services: this.#service ? [this.#service.url] : services },
      ...flagsOfNode(),
    });
    return new Promise((resolve, reject) => {
      this.once('start', resolve);
      this.#worker.on('message', (told) => this.#tell(told));
      this.#worker.on('error', (error) => {
        this.#failed = true;
        reject(error);
      });
      this.#worker.on('exit', (exitCode) => this.#exited(exitCode));
    });
  }

  #tell(told) {
    const { event, where } = told;
    if (event === 'start') {
      Object.assign(this, { id: told.id, publicKey: told.publicKey, address: told.address });
      told = { ...told, ...(this.service ? { service: this.service } : {}) };
    }
    if (event === 'error' && TROUBLE.has(where)) this.#troubled = true;
    this.emit('event', told);
    if (event !== 'error' || this.listenerCount('error') > 0) this.emit(event, told);
  }

  // A script that ends by itself after an error that nobody caught has failed, as under node.
  async #exited(exitCode) {
    const code = this.#stopping ? 0 : exitCode || (this.#troubled || this.#failed ? 1 : 0);
    await this.#cleanUp();
    this.exitCode = code;
    this.#tell({ event: 'end', code });
  }

  async #cleanUp() {
    await this.#service?.close();
    fs.rmSync(this.#scratch, { recursive: true, force: true });
  }
}

module.exports = { Deployment };
