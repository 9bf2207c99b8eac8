'use strict';
// What the runner costs a script that uses no chains: the time from its start to the script's first word, and the memory at that moment,
// against those of an older revision. Both are started in turns, so that what else the machine does meets both.
//
//   node bench/start.js [REVISION] [ROUNDS]      HEAD~1 and 41, unless told otherwise
//
// Exit code 1 where a median is more than 1.05 times the older one's. Needs the built addon, which both use, and git.

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { performance } = require('node:perf_hooks');

const PACKAGE = path.dirname(__dirname);
const CHECKOUT = path.join(PACKAGE, '..', '..');
const LIMIT = 1.05;
const WARM_UP = 3;

/** The package as it was at a revision, with the addon and the libraries of this one. */
function olderOne(revision, folder) {
  execFileSync('git', ['worktree', 'add', '--detach', folder, revision], { cwd: CHECKOUT, stdio: 'ignore' });
  const older = path.join(folder, 'bindings', 'node');
  for (const name of ['build', 'node_modules']) fs.symlinkSync(path.join(PACKAGE, name), path.join(older, name));
  return older;
}

/** One start: milliseconds to the script's word, and the bytes that the process has in memory then. */
function start(folder, script) {
  const began = performance.now();
  const child = spawn(process.execPath, [path.join(folder, 'bin', 'acurast-processor.js'), script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return new Promise((resolve, reject) => {
    let result;
    child.stdout.once('data', (text) => (result = { time: performance.now() - began, memory: Number(text) }));
    child.once('close', (code) => (code === 0 && result ? resolve(result) : reject(new Error(`${folder} ended with ${code}`))));
  });
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

async function measured(folders, script, rounds) {
  const all = folders.map(() => ({ time: [], memory: [] }));
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [i, folder] of folders.entries()) {
      const { time, memory } = await start(folder, script);
      if (round < 0) continue;
      all[i].time.push(time);
      all[i].memory.push(memory);
    }
  }
  return all.map(({ time, memory }) => ({ time: median(time), memory: median(memory) }));
}

async function main([revision = 'HEAD~1', rounds = 41]) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-start-'));
  const worktree = path.join(scratch, 'older');
  const script = path.join(scratch, 'script.js');
  fs.writeFileSync(script, 'print(process.memoryUsage.rss())');
  try {
    const [older, now] = await measured([olderOne(revision, worktree), PACKAGE], script, Number(rounds));
    const row = (name, then, here, unit, scale) =>
      console.log(`${name.padEnd(8)} ${(then / scale).toFixed(1)} ${unit} at ${revision}, ${(here / scale).toFixed(1)} ${unit} now: ${(here / then).toFixed(3)}`);
    row('start', older.time, now.time, 'ms', 1);
    row('memory', older.memory, now.memory, 'MiB', 2 ** 20);
    return now.time <= older.time * LIMIT && now.memory <= older.memory * LIMIT ? 0 : 1;
  } finally {
    execFileSync('git', ['worktree', 'remove', '--force', worktree], { cwd: CHECKOUT });
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

main(process.argv.slice(2)).then((code) => (process.exitCode = code));
