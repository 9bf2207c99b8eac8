'use strict';
// Our client beside the vendor's and the bare C client, in one run through one service.
//
//   node bench/bench.js BUILD [ROUNDS] [SECONDS]
//
// BUILD is the folder of a CMake build with bin/ and lib/; the vendor's client is that of tests/interop (npm ci there first).
// Processor time is that of the contestant's process alone, I/O threads included. The contestants take turns; each figure is
// the median over the rounds, and so is each ratio to the vendor's client, of figures of one round. Where the C client is not
// further ahead of the vendor's, the service and the machine are the limit.

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const CORE = path.join(__dirname, '..', '..', '..', 'core', 'include');
const BARE = path.join(__dirname, '..', '..', 'python', 'bench', 'bare.c');
const [OURS, VENDOR, C] = ['acurast', 'vendor', 'C'];

const perSecond = (row) => row.messages / row.seconds;
const microseconds = (row) => (row.cpu / row.messages) * 1e6;

// The figures of each row: how it is read, and what ours has to reach beside the vendor's.
const FIGURES = [
  ['handshakes', 'per second', perSecond],
  ['handshakes', 'CPU µs', microseconds, '<=', 0.1],
  ['handshakes, all at once', 'CPU µs', microseconds, '<=', 0.1],
  ['memory', 'KB a client', (row) => row.bytes / 1024, '<=', 0.5],
  ['round trips, 1 client', 'per second', perSecond, '>=', 3],
  ['round trips, 1 client', 'CPU µs', microseconds],
  ['round trips, 100 clients', 'per second', perSecond, '>=', 3],
  ['round trips, 100 clients', 'CPU µs', microseconds],
  ['event loop delay', 'p99 ms', (row) => row.p99, '<=', 1],
  ['sends', 'per second', perSecond, '>=', 3],
  ['sends', 'CPU µs', microseconds],
  ['sends, one by one', 'per second', perSecond],
  ['sends, one by one', 'CPU µs', microseconds],
];

const running = [];

/** A program that goes on, once it has printed its first line. */
async function started(file, words) {
  const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  running.push(child);
  const lines = readline.createInterface({ input: child.stdout });
  const first = await new Promise((resolve, reject) => {
    lines.once('line', resolve);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
  });
  lines.resume();
  return first;
}

async function peer(build, url, ...flags) {
  const words = ['listen', '--url', url, '--quiet', '--json', ...flags];
  return JSON.parse(await started(path.join(build, 'bin', 'acurast-peer'), words)).id;
}

function compiled(build, folder) {
  const [target, library] = [path.join(folder, 'bare'), path.join(build, 'lib')];
  const flags = ['-O2', `-I${CORE}`, `-L${library}`, `-Wl,-rpath,${library}`];
  execFileSync(process.env.CC ?? 'cc', [...flags, BARE, '-o', target, '-lacurast']);
  return [[target]];
}

/** The rows of one contestant in one round, by name. */
function contest(commands, values) {
  const said = commands.map(([file, ...words]) => execFileSync(file, [...words, ...values], { encoding: 'utf8' }));
  return Object.fromEntries(said.join('').trim().split('\n').map((line) => [JSON.parse(line).row, JSON.parse(line)]));
}

/** Garbage is collected before memory is read, and the young part of the heap, which is garbage too, is kept small. */
function contestant(name) {
  const script = path.join(__dirname, 'contestants.js');
  return [
    [process.execPath, '--expose-gc', '--max-semi-space-size=1', script, name, 'memory'],
    [process.execPath, script, name, 'speed'],
  ];
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function verdict(ratio, relation, target) {
  if (!relation) return '';
  const reached = relation === '>=' ? ratio >= target : ratio <= target;
  return `   wanted ${relation} ${target}: ${reached ? 'reached' : 'MISSED'}`;
}

/** The median over the rounds of what a contestant has beside the vendor's client. */
function beside(rounds, name, row, figure) {
  const both = rounds.filter((round) => round[name][row]);
  return median(both.map((round) => figure(round[name][row]) / figure(round[VENDOR][row])));
}

function print(rounds) {
  const written = (value, digits) => (Number.isNaN(value) ? '-' : value.toLocaleString('en', { maximumSignificantDigits: digits }));
  const heads = [OURS, VENDOR, C, 'ours ÷ its', 'C ÷ its'];
  console.log(''.padEnd(36) + heads.map((head) => head.padStart(12)).join(''));
  for (const [row, unit, figure, relation, target] of FIGURES) {
    const of = (name) => rounds.filter((round) => round[name][row]).map((round) => figure(round[name][row]));
    const figures = [OURS, VENDOR, C].map((name) => written(median(of(name)), 4));
    const ratios = [OURS, C].map((name) => beside(rounds, name, row, figure));
    const columns = [...figures, ...ratios.map((ratio) => written(ratio, 2))];
    const line = `${row.padEnd(24)} ${unit.padEnd(11)}${columns.map((column) => column.padStart(12)).join('')}`;
    console.log(line + verdict(ratios[0], relation, target));
  }
}

async function measure(build, number, seconds, folder) {
  const service = ['--listen', '127.0.0.1:0', '--rate-messages', '0', '--rate-bytes', '0'];
  const url = (await started(path.join(build, 'bin', 'acurast-service'), service)).split(' ').at(-1);
  const values = [url, await peer(build, url, '--echo'), await peer(build, url), seconds];
  const commands = { [OURS]: contestant(OURS), [VENDOR]: contestant(VENDOR), [C]: compiled(build, folder) };
  const rounds = [];
  for (let round = 0; round < number; round++) {
    const turns = Object.entries(commands);
    if (round % 2) turns.reverse();
    rounds.push(Object.fromEntries(turns.map(([name, parts]) => [name, contest(parts, values)])));
  }
  return rounds;
}

async function main() {
  const [build, rounds = '5', seconds = '1'] = process.argv.slice(2);
  if (!build) throw new Error('node bench/bench.js BUILD [ROUNDS] [SECONDS]');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-bench-'));
  try {
    print(await measure(path.resolve(build), Number(rounds), seconds, folder));
  } finally {
    for (const child of running) child.kill();
    fs.rmSync(folder, { recursive: true });
  }
}

main();
