'use strict';
// One program, run with the vendor's packages and with ours through our service: the same observable behaviour.

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { INTEROP, OURS, Running, Service, VENDOR, accepted, firstRound, keyPair, program } = require('./lib/programs');
const { Listener, keyFile } = require(path.join(INTEROP, 'lib', 'peer.js'));

const NEAR_HEX = ['hello', 'xyz', 'ünïcödé ✓', 'de ad', '0x', '', ' 00', '00 ', '0xdeadbeefg', '0Xdead', 'dead\n', '{"id":1}'];
const HEX = ['deadbeef', '0xDEADBEEF', '00', '0x0102', 'CAFE', '1234567890'];
const BINARY = [[], [0], [255, 254, 0], [...Buffer.from('as bytes')]];

describe('the same program with the vendor’s package and with ours', { concurrency: 4 }, () => {
  let service, folder, key, echo;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-parity-'));
    service = await Service.start('--threads', '2');
    key = keyFile();
    echo = await Listener.start(service.url, key, '--echo');
  });

  after(async () => {
    await Running.killAll();
    await echo?.end();
    await service?.end();
    key?.remove();
    fs.rmSync(folder, { recursive: true });
  });

  /** What both tell; each with keys of its own, so that they do not replace each other, and the ids made equal. */
  async function both(name, argumentsFor, keys = [keyPair(), keyPair()]) {
    const runs = [VENDOR, OURS].map(async (which, number) => {
      const running = Running.of(which, program(name), argumentsFor(keys[number]), folder);
      const { code, told } = await running.whole();
      const { id, compressed } = keys[number];
      const text = JSON.stringify(told).replaceAll(id, 'ID').replaceAll(compressed, 'KEY');
      return { code, told: JSON.parse(text), errors: running.errors.join('\n') };
    });
    const [vendors, ours] = await Promise.all(runs);
    assert.deepStrictEqual(ours, vendors);
    assert.strictEqual(ours.code, 0, ours.errors);
    return ours.told;
  }

  test('the usage of the vendor’s README', async () => {
    const run = async (which) => {
      const running = Running.of(which, program('readme.js'), [service.url, key.compressed], folder);
      return { ...(await running.whole()), errors: running.errors };
    };
    // One after the other: the key of the README is the same for both.
    const vendors = await run(VENDOR);
    const ours = await run(OURS);
    assert.deepStrictEqual(ours, vendors);
    assert.deepStrictEqual([ours.code, ours.told.length, ours.told[0].text], [0, 1, 'my message']);
    assert.deepStrictEqual([ours.told[0].from, ours.told[0].bytes], [key.id, true]);
  });

  test('payloads: text, what looks like hex, bytes', async () => {
    const told = await both('strings.js', (keys) => [service.url, JSON.stringify(keys), JSON.stringify([...NEAR_HEX, ...HEX, ...BINARY])]);
    const texts = NEAR_HEX.map((text) => (text === '0x' ? '' : Buffer.from(text).toString('hex')));
    const digits = HEX.map((text) => text.replace('0x', '').toLowerCase());
    const bytes = BINARY.map((each) => Buffer.from(each).toString('hex'));
    assert.deepStrictEqual(told.map(({ hex }) => hex), [...texts, ...digits, ...bytes]);
  });

  test('a life: calls too early, twice, too late, and a second start', async () => {
    const told = await both('life.js', (keys) => [service.url, JSON.stringify(keys)]);
    const answers = Object.fromEntries(told.map(({ what, answer }) => [what, answer]));
    assert.deepStrictEqual(answers['two listeners'], ['to both', 'to both']);
    assert.strictEqual(answers['send after close'], 'an Error');
    assert.strictEqual(answers['a listener from before close is forgotten'], true);
  });

  test('every form of a key pair', async () => {
    const told = await both('keys.js', (keys) => [service.url, JSON.stringify(keys)]);
    assert.deepStrictEqual([...new Set(told.map(({ id }) => id))], ['ID']);
    assert.strictEqual(told.length, 6);
  });

  test('the transport alone', async () => {
    const told = await both('transport.js', (keys) => [service.url, JSON.stringify(keys)]);
    assert.deepStrictEqual(told, [{ id: 'ID' }, ['ID', 'ID', '000102ff']]);
  });

  test('JSON-RPC by hand, the second of two services', async () => {
    const other = await Service.start();
    const dead = other.url;
    await other.end();
    const told = await both('rpc.js', (keys) => [`${dead},${service.url}`, JSON.stringify(keys), `${key.id},0x${key.compressed}`]);
    assert.deepStrictEqual(told, Array.from({ length: 20 }, (_, i) => ['número', i + 1]));
  });

  test('start is refused where nobody listens', async () => {
    const other = await Service.start();
    await other.end();
    const told = await both('steered.js', (keys) => [`${other.url},${other.url}`, JSON.stringify(keys)]);
    assert.deepStrictEqual(told, [{ refused: true }]);
  });

  /** The program and the service that it came back to; nothing where its process has died. */
  async function afterRestart(which, keys) {
    const first = await Service.start();
    const running = Running.of(which, program('steered.js'), [first.url, JSON.stringify(keys)], folder);
    assert.deepStrictEqual(await running.told(), { started: true });
    await first.kill();
    const second = await Service.start('--listen', `127.0.0.1:${first.port}`);
    if (await accepted(second, running)) return { running, second };
    await second.end();
    return undefined;
  }

  for (const which of [VENDOR, OURS])
    test(`a service that is back at once is found again by ${which}`, async () => {
      const keys = keyPair();
      const back = which === OURS ? await afterRestart(which, keys) : await firstRound(() => afterRestart(which, keys));
      assert.ok(back, 'its process died');
      const { running, second } = back;
      running.say({ to: keys.id, payload: 'still there' });
      const told = [await running.told(), await running.told()].map((each) => Object.entries(each)[0]);
      assert.deepStrictEqual(told.sort(), [['received', 'still there'], ['sent', 'still there']]);
      await running.kill();
      await second.end();
    });
});
