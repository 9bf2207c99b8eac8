'use strict';
// Requests answered by a command of the shell: `npx acurast serve --exec`.
//
//   a request -> the command runs, its params on standard input -> what it wrote is the result
//
// Each command leads a process group of its own, so that all that it has started ends with it.

const { spawn } = require('node:child_process');
const { constants } = require('node:os');
const { RpcError } = require('./rpc-error');
const { errors } = require('./errors');
const { raw } = require('./serving');

const RESULT_MAX = 16 * 1024 * 1024; // bytes of what a command may write
const INTERNAL_ERROR = -32603;
const SERVER_ERROR = -32000;
const BLANKS = new Set(Buffer.from(' \t\r\n'));

/** Ends a process group. */
function signalGroup({ pid }, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** Without the line end that commands of the shell put behind what they write. */
function trimmed(bytes) {
  let size = bytes.length;
  while (size && BLANKS.has(bytes[size - 1])) size -= 1;
  return bytes.subarray(0, size);
}

class Commands {
  #running = new Set();
  #ending = false;

  /**
   * Runs a command by /bin/sh. `status`: its own; 128 and more where signal status - 128 has ended it; -1 where it could not be run.
   * `large`: it wrote more than it may, and was ended.
   * @returns {Promise<{ status: number, large: boolean, bytes: Buffer }>}
   */
  run(command, variables, input) {
    return new Promise((resolve) => {
      const parts = [];
      let size = 0;
      const done = (status) => resolve({ status, large: size > RESULT_MAX, bytes: Buffer.concat(parts) });
      const child = this.#start(command, variables);
      if (!child) return done(-1);
      this.#running.add(child);
      child.stdin?.on('error', () => {}).end(input); // a command need not read it
      child.stdout?.on('data', (part) => {
        size += part.length;
        if (size <= RESULT_MAX) return parts.push(part);
        signalGroup(child, 'SIGTERM');
        return child.stdout.destroy();
      });
      const over = (status) => {
        this.#running.delete(child);
        done(status);
      };
      child.on('error', () => over(-1));
      child.on('close', (code, signal) => over(signal ? 128 + constants.signals[signal] : code));
    });
  }

  #start(command, variables) {
    if (this.#ending) return undefined;
    const env = { ...process.env, ...variables };
    try {
      return spawn('/bin/sh', ['-c', command], { detached: true, env, stdio: ['pipe', 'pipe', 'inherit'] });
    } catch {
      return undefined;
    }
  }

  /** Ends those that run, and starts no more. */
  end(signal) {
    this.#ending = true;
    for (const child of this.#running) signalGroup(child, signal);
  }
}

/** Handlers of requests, all of them one command of the shell. */
class Executor {
  #commands = new Commands();
  #command;
  #tell;
  #tasks = new Set();

  /** @param {(words: string) => void} tell told what is wrong with the command */
  constructor(command, tell) {
    this.#command = command;
    this.#tell = tell;
  }

  /** For Client.serve(). */
  handlers(methods) {
    const handler = raw((...values) => {
      const task = this.#answer(...values).finally(() => this.#tasks.delete(task));
      this.#tasks.add(task);
      return task;
    });
    return Object.fromEntries(methods.map((method) => [method, handler]));
  }

  async #answer(params, { method, sender }, answer) {
    const variables = { ACURAST_METHOD: method, ACURAST_SENDER: sender };
    const { status, large, bytes } = await this.#commands.run(this.#command, variables, params);
    if (large) throw new RpcError(INTERNAL_ERROR, 'the result is too large');
    if (status !== 0) throw new RpcError(SERVER_ERROR, `the command ended with ${status}`);
    try {
      await answer(trimmed(bytes));
    } catch (error) {
      if (!(error instanceof errors.InvalidError)) throw error;
      this.#tell(`${method}: what the command wrote is no JSON`);
      throw new RpcError(INTERNAL_ERROR, 'the result is not JSON');
    }
  }

  /** Resolves once no command runs and each request has its answer. May be called again, with a stronger signal. */
  async end(signal) {
    this.#commands.end(signal);
    await Promise.allSettled(this.#tasks);
  }
}

module.exports = { Executor };
