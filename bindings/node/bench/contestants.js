'use strict';
// One contestant, one process:  node contestants.js acurast|vendor speed|memory URL ECHO SINK SECONDS.  A line of JSON a row.
//
// Both do the same work in the same way: one loop of promises a client, messages by listener, 64 bytes, recipients by id.

const { createECDH } = require('node:crypto');
const path = require('node:path');
const { createRequire } = require('node:module');
const { monitorEventLoopDelay, performance } = require('node:perf_hooks');
const { setImmediate: turn } = require('node:timers/promises');

const PAYLOAD = Uint8Array.from({ length: 64 }, (_, i) => i);
const CLIENTS = 100;
const CONNECTS = 100;
const WARM = 50; // clients before those whose memory is measured
const HELD = 1000;
const SENDERS = 64;
const ROUND = 16;

const installed = createRequire(path.join(__dirname, '..', '..', '..', 'tests', 'interop', 'package.json'));

class Contestant {
  #waiting;

  /** The next message. */
  next() {
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  received() {
    this.#waiting?.();
    this.#waiting = undefined;
  }
}

class Ours extends Contestant {
  async open(url) {
    this.client = await require('..').connect(url);
    this.client.on('message', () => this.received());
    this.id = this.client.id;
    return this;
  }

  address(id) {
    return id;
  }

  send(to) {
    return this.client.send(to, PAYLOAD);
  }
}

class Vendors extends Contestant {
  static AcurastClient;

  async open(url) {
    Vendors.AcurastClient ??= installed('@acurast/dapp').AcurastClient;
    const ecdh = createECDH('prime256v1');
    ecdh.generateKeys();
    this.client = new Vendors.AcurastClient([url]);
    this.client.onMessage(() => this.received());
    await this.client.start({ secretKey: ecdh.getPrivateKey(), publicKey: ecdh.getPublicKey() });
    this.id = this.client.idFromPublicKey(ecdh.getPublicKey(null, 'compressed'));
    return this;
  }

  address(id) {
    return Buffer.from(id, 'hex');
  }

  send(to) {
    return this.client.send(to, PAYLOAD);
  }
}

const CONTESTANTS = { acurast: Ours, vendor: Vendors };

function tell(row) {
  console.log(JSON.stringify(row));
}

/** Processor time is that of the whole process, I/O threads included. */
async function measured(row, work) {
  const [begin, used] = [performance.now(), process.cpuUsage()];
  const messages = await work();
  const { user, system } = process.cpuUsage(used);
  tell({ row, messages, seconds: (performance.now() - begin) / 1000, cpu: (user + system) / 1e6 });
}

async function trips(client, echo, end) {
  let count = 0;
  do {
    const answer = client.next();
    await client.send(echo);
    await answer;
    count++;
  } while (performance.now() < end);
  return count;
}

async function roundTrips(clients, echo, seconds) {
  const end = performance.now() + seconds * 1000;
  const counts = await Promise.all(clients.map((client) => trips(client, echo, end)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Sends, and at the end one to ourselves, which comes back after all of them were relayed. */
async function sends(client, sink, seconds) {
  const end = performance.now() + seconds * 1000;
  let count = 0;
  const sender = async () => {
    while (performance.now() < end) {
      const round = [];
      for (let i = 0; i < ROUND; i++) round.push(client.send(sink));
      await Promise.all(round);
      count += ROUND;
      await turn(); // a program that only sends would let nothing else happen with the vendor's client
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
  const last = client.next();
  await client.send(client.address(client.id));
  await last;
  return count;
}

/** One after the other, and at the end one to ourselves. The loop gets a turn now and then: the vendor's client takes none. */
async function awaited(client, sink, seconds) {
  const end = performance.now() + seconds * 1000;
  let count = 0;
  while (performance.now() < end) {
    await client.send(sink);
    if (++count % SENDERS === 0) await turn();
  }
  const last = client.next();
  await client.send(client.address(client.id));
  await last;
  return count;
}

/** Under the load of all clients at once: how late the event loop is, in milliseconds. */
async function delay(clients, echo, seconds) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await roundTrips(clients, echo, seconds);
  histogram.disable();
  tell({ row: 'event loop delay', p99: histogram.percentile(99) / 1e6 });
}

async function open(Kind, url, number) {
  const clients = [];
  for (let i = 0; i < number; i++) clients.push(await new Kind().open(url));
  return clients;
}

function openAtOnce(Kind, url, number) {
  return Promise.all(Array.from({ length: number }, () => new Kind().open(url)));
}

function resident() {
  for (let i = 0; i < 3; i++) global.gc();
  return process.memoryUsage.rss();
}

/** Of clients that have sent and received. In a process of its own: garbage that another row left would be taken for free. */
async function memory(Kind, url, echoId) {
  const warm = await open(Kind, url, WARM);
  const echo = warm[0].address(echoId);
  await roundTrips(warm, echo, 0);
  const before = resident();
  const clients = await open(Kind, url, HELD);
  await roundTrips(clients, echo, 0);
  tell({ row: 'memory', bytes: (resident() - before) / HELD });
}

async function speed(Kind, url, echoId, sinkId, seconds) {
  const clients = await open(Kind, url, CLIENTS);
  const [echo, sink] = [echoId, sinkId].map((id) => clients[0].address(id));
  await roundTrips(clients, echo, 0.3); // so that what is measured is compiled
  await measured('handshakes', async () => (await open(Kind, url, CONNECTS)).length);
  await measured('handshakes, all at once', async () => (await openAtOnce(Kind, url, CONNECTS)).length);
  await measured('round trips, 1 client', () => roundTrips(clients.slice(0, 1), echo, seconds));
  await measured('round trips, 100 clients', () => roundTrips(clients, echo, seconds));
  await delay(clients, echo, seconds);
  await measured('sends', () => sends(clients[0], sink, seconds));
  await measured('sends, one by one', () => awaited(clients[0], sink, seconds));
}

async function main() {
  const [name, part, url, echo, sink, seconds] = process.argv.slice(2);
  await { speed, memory }[part](CONTESTANTS[name], url, echo, sink, Number(seconds));
  process.exit(); // the vendor's client would hold it
}

main();
