'use strict';
// `acurast-processor dev`: a script that is built and started again after each change of its files, with the same keys, storage and
// service, so that clients stay connected and ask on. What they send meanwhile waits in the service.
//
//   building -> running -> stopping -> running … -> ended, which only stop() brings about
//
// A build that fails leaves the script running that was built before.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Deployment, forgetFolder, holdFolder } = require('../deployment.js');
const { describe } = require('../trouble.js');
const { Bundler } = require('./bundle.js');

class Session {
  #settings;
  #show;
  #folder;
  #service;
  #bundler;
  #deployment;
  #turn = Promise.resolve(); // starts and stops one after the other
  #starts = 0;
  #over;
  #end;

  /**
   * @param {object} settings of settings.js
   * @param {(told: object) => void} show gets every event, of the session and of its deployments
   */
  static async start(settings, show) {
    const session = new Session(settings, show);
    try {
      await session.#prepare();
    } catch (error) {
      await session.stop();
      throw error;
    }
    return session;
  }

  constructor(settings, show) {
    this.#settings = settings;
    this.#show = show;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  async #prepare() {
    this.#folder = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-dev-'));
    holdFolder(this.#folder);
    const { key } = this.#settings;
    let { services, state } = this.#settings;
    if (!services) {
      const { Service } = require('../../../index.js');
      this.#service = await Service.start({ drainTime: 300 });
      services = [this.#service.url];
    }
    if (!state) {
      state = path.join(this.#folder, 'state');
      fs.mkdirSync(state, { mode: 0o700 });
      if (key) fs.writeFileSync(path.join(state, 'p256.pem'), key, { mode: 0o600 });
    }
    const source = this.#settings.script;
    this.#settings = { ...this.#settings, services, state, key: undefined, local: false, source, watched: true };
    this.#bundler = await Bundler.start(source, this.#folder, (built) => this.#built(built));
  }

  #built({ ms, changed, problems, warnings, script }) {
    if (this.#over) return;
    this.#show({ event: 'build', ok: problems.length === 0, ms, changed });
    for (const one of problems) this.#show({ event: 'error', where: 'build', ...one });
    for (const { stack } of warnings) this.#show({ event: 'note', where: 'build', text: stack });
    if (changed) this.#turn = this.#turn.then(() => this.#restart(script));
  }

  async #restart(script) {
    if (this.#over) return;
    const began = performance.now();
    const number = ++this.#starts;
    await this.#deployment?.stop();
    try {
      this.#deployment = await Deployment.start({ ...this.#settings, script, onEvent: (told) => this.#hear(told, number) });
      if (number > 1) this.#show({ event: 'restart', number, ms: Math.round(performance.now() - began) });
    } catch (error) {
      this.#deployment = undefined;
      this.#show({ event: 'error', where: 'start', ...describe(error) });
    }
  }

  #hear(told, number) {
    if (told.event === 'start') this.#show({ ...told, restarted: number > 1, ...(this.#service ? { service: this.#service.url } : {}) });
    else if (told.event !== 'end') this.#show(told);
    else if (!this.#over && number === this.#starts) this.#show({ event: 'done', code: told.code });
  }

  /** Ends all of it. Resolves to the exit code. */
  stop() {
    this.#over ??= this.#close();
    return this.#over;
  }

  async #close() {
    await this.#bundler?.close();
    await this.#turn;
    await this.#deployment?.stop();
    await this.#service?.close();
    if (this.#folder) forgetFolder(this.#folder);
    if (this.#bundler) this.#show({ event: 'end', code: 0 });
    this.#end(0);
    return 0;
  }
}

module.exports = { Session };
