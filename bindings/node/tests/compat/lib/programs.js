'use strict';
// Programs written against the vendor's packages, run as they are or with nothing but the import changed.

const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');

const INTEROP = path.join(__dirname, '..', '..', '..', '..', '..', 'tests', 'interop');
const { Program, Service, eventually, firstRound } = require(path.join(INTEROP, 'lib', 'program.js'));
const { keyPair } = require(path.join(INTEROP, 'lib', 'vendor.js'));
const PROGRAMS = path.join(__dirname, '..', 'programs');
const COMPAT = path.join(__dirname, '..', '..', '..', 'lib', 'compat');

const VENDOR = 'the vendor’s client';
const OURS = 'ours';
const installed = createRequire(path.join(INTEROP, 'package.json'));

/** What stands in for the name of a package in a program's import. */
function imported(which, name) {
  return which === VENDOR ? installed.resolve(name) : COMPAT;
}

/** `source` with its imports resolved; fails where there is none, so that no program escapes. */
function substituted(source, which) {
  let found = 0;
  const text = source.replace(/(require\(|from )'(@acurast\/[a-z-]+)'/g, (_, before, name) => {
    found++;
    return `${before}'${imported(which, name)}'`;
  });
  if (!found) throw new Error('the program imports no package of the vendor’s');
  return text;
}

/** A running program; each line of its output is one object of JSON. */
class Running extends Program {
  static of(which, source, args, folder) {
    const file = path.join(folder, `${which === OURS ? 'ours' : 'vendor'}-${Running.number++}.js`);
    fs.writeFileSync(file, substituted(source, which));
    const running = new Running(which, [file, ...args], { file: process.execPath });
    Running.all.push(running);
    return running;
  }

  static number = 0;
  static all = [];

  /** What a test that failed left behind. */
  static async killAll() {
    for (const running of Running.all) if (!running.result) await running.kill();
  }

  async told() {
    return JSON.parse(await this.line());
  }

  say(object) {
    this.child.stdin.write(`${JSON.stringify(object)}\n`);
  }

  /** Everything that it tells until it ends by itself: { code, told }. */
  async whole() {
    const { code } = await this.wait();
    return { code, told: this.lines.map((line) => JSON.parse(line)) };
  }
}

function program(name) {
  return fs.readFileSync(path.join(PROGRAMS, name), 'utf8');
}

/** Waits until a service has accepted one client; false if `running` ends first. */
async function accepted(service, running = undefined) {
  const page = `${service.url.replace('ws', 'http')}/metrics`;
  const figure = async () => /^acurast_handshakes_total\{result="accepted"\} (\d+)$/m.exec(await (await fetch(page)).text())?.[1];
  await eventually(async () => running?.result || (await figure()) === '1', 'one accepted');
  return !running?.result;
}

module.exports = { COMPAT, INTEROP, OURS, Program, Running, Service, VENDOR, accepted, eventually, firstRound, installed, imported, keyPair, program, substituted };
