'use strict';
// Where the vendor's client fails its program, shown with the same program run with both, and what ours does there.

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { OURS, Running, Service, VENDOR, accepted, keyPair, program } = require('./lib/programs');
const { Nobody } = require('./lib/nobody');
const { AcurastClient } = require('../../lib/compat');

let folder, service;

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-faults-'));
  service = await Service.start();
});

after(async () => {
  await Running.killAll();
  await service?.end();
  fs.rmSync(folder, { recursive: true });
});

function steered(which, urls, keys = keyPair()) {
  const running = Running.of(which, program('steered.js'), [[].concat(urls).join(','), JSON.stringify(keys)], folder);
  return Object.assign(running, { id: keys.id, keys });
}

async function started(which, urls, keys) {
  const running = steered(which, urls, keys);
  assert.deepStrictEqual(await running.told(), { started: true });
  return running;
}

/** Everything told until `last` came, without it. */
async function until(running, last) {
  const told = [];
  for (;;) {
    const next = await running.told();
    if (next.received === last) return told;
    told.push(next);
  }
}

/** `act(running, port)` while the service is away: killed, and its port tried in vain. */
async function whileAway(which, act) {
  const first = await Service.start();
  const running = await started(which, first.url);
  await first.kill();
  const nobody = await Nobody.on(first.port);
  try {
    await act(running, nobody, first.port);
  } finally {
    if (!running.result) await running.kill();
  }
}

describe('the service is away', { concurrency: 3 }, () => {
  test('the vendor’s client ends its process', () =>
    whileAway(VENDOR, async (running, nobody) => {
      const { code } = await running.wait();
      assert.strictEqual(code, 1);
      assert.match(running.errors.join('\n'), /All connections failed/);
      await nobody.close();
    }));

  test('ours tries on, and is there again with the service', () =>
    whileAway(OURS, async (running, nobody, port) => {
      await nobody.wasTried(4);
      await nobody.close();
      const second = await Service.start('--listen', `127.0.0.1:${port}`);
      await accepted(second);
      const asker = await started(OURS, second.url);
      asker.say({ to: running.id, payload: 'are you back?' });
      assert.deepStrictEqual(await running.told(), { received: 'are you back?' });
      await asker.kill();
      await second.end();
    }));

  test('the vendor’s client reports a send as done that nobody gets', async () => {
    const first = await Service.start();
    const running = await started(VENDOR, first.url);
    await first.kill();
    running.say({ to: running.id, payload: 'lost' });
    assert.deepStrictEqual(await running.told(), { sent: 'lost' });
    await running.kill();
  });

  test('ours sends it once the service is back, and reports it then', () =>
    whileAway(OURS, async (running, nobody, port) => {
      await nobody.wasTried(1); // it knows that it is not connected
      running.say({ to: running.id, payload: 'kept' });
      await nobody.wasTried(3);
      assert.strictEqual(running.lines.length, running.taken, 'nothing is reported yet');
      await nobody.close();
      const second = await Service.start('--listen', `127.0.0.1:${port}`);
      const told = [await running.told(), await running.told()].map((each) => Object.entries(each)[0]);
      assert.deepStrictEqual(told.sort(), [['received', 'kept'], ['sent', 'kept']]);
      await second.end();
    }));

  test('ours closed while it is away: the send is rejected, and the process ends', () =>
    whileAway(OURS, async (running, nobody) => {
      await nobody.wasTried(1);
      running.say({ to: running.id, payload: 'never' });
      await nobody.wasTried(2);
      running.child.stdin.end(`${JSON.stringify({ close: true })}\n`);
      assert.match((await running.told()).failed, /closed/i);
      assert.deepStrictEqual(await running.wait(), { code: 0, signal: null });
      await nobody.close();
    }));
});

describe('recipients and payloads', { concurrency: 3 }, () => {
  /** What `which` itself gets of payloads that it sends to `to(keys)`. */
  async function receives(which, to, payloads) {
    const running = await started(which, service.url);
    for (const payload of payloads) running.say({ to: to(running.keys), payload });
    running.say({ to: running.id, payload: 'the end' });
    const told = await until(running, 'the end');
    await running.kill();
    return told.flatMap(({ received }) => (received === undefined ? [] : [received]));
  }

  test('an uncompressed key: the vendor’s client sends to nobody, ours to its owner', async () => {
    const uncompressed = (keys) => keys.publicKey;
    assert.deepStrictEqual(await receives(VENDOR, uncompressed, ['for you']), []);
    assert.deepStrictEqual(await receives(OURS, uncompressed, ['for you']), ['for you']);
  });

  test('an odd number of hex digits: the vendor’s client drops the last, ours takes it for text', async () => {
    const self = (keys) => keys.id;
    const sent = ['1', '4a4', '0x4a4b4'];
    assert.deepStrictEqual(await receives(VENDOR, self, sent), ['', 'J', 'JK']);
    assert.deepStrictEqual(await receives(OURS, self, sent), sent);
  });

  test('no recipient at all: the vendor’s client reports success, ours says what is wrong', async () => {
    for (const to of ['nobody', 'abcd', `02${'ff'.repeat(32)}`]) {
      const [vendors, ours] = [await started(VENDOR, service.url), await started(OURS, service.url)];
      for (const each of [vendors, ours]) each.say({ to, payload: 'text' });
      assert.deepStrictEqual(await vendors.told(), { sent: 'text' });
      assert.ok('failed' in (await ours.told()), to);
      await vendors.kill();
      await ours.kill();
    }
  });
});

test('a listener that throws: the vendor’s client keeps the message from those after it, ours does not', async () => {
  const tells = async (which) => {
    const running = Running.of(which, program('failing.js'), [service.url, JSON.stringify(keyPair())], folder);
    const { told } = await running.whole();
    return told.map((each) => Object.values(each)[0]).sort();
  };
  assert.deepStrictEqual(await tells(VENDOR), ['', 'at once', 'later', 'later']);
  assert.deepStrictEqual(await tells(OURS), ['', 'at once', 'later', 'later', 'text']);
});

test('after close: the vendor’s process waits for the time of start to be over, ours ends', async () => {
  const patient = program('strings.js').replace('1000', '1000000');
  const [vendors, ours] = [VENDOR, OURS].map((which) =>
    Running.of(which, patient, [service.url, JSON.stringify(keyPair()), JSON.stringify(['the only one'])], folder),
  );
  assert.deepStrictEqual(await vendors.told(), await ours.told());
  assert.deepStrictEqual(await ours.wait(), { code: 0, signal: null });
  assert.strictEqual(vendors.result, undefined);
  await vendors.kill();
});

describe('starting', () => {
  test('a first service that says nothing: the vendor’s client waits for it, ours reaches the second', async () => {
    const silent = await Nobody.on(0, { silent: true });
    const urls = [silent.url, service.url];
    const vendors = steered(VENDOR, urls);
    await silent.wasTried(1);
    const ours = new AcurastClient(urls, { connectTimeout: 1000 });
    await ours.start(keyPair());
    assert.strictEqual(vendors.lines.length, 0);
    await ours.close();
    await vendors.kill();
    await silent.close();
  });

  test('keys that do not belong together: the vendor’s client ends its process though the error was caught, ours says so', async () => {
    const mixed = { ...keyPair(), secretKey: keyPair().secretKey };
    const [vendors, ours] = [steered(VENDOR, service.url, mixed), steered(OURS, service.url, mixed)];
    assert.deepStrictEqual([await vendors.told(), await ours.told()], [{ refused: true }, { refused: true }]);
    assert.deepStrictEqual(await ours.wait(), { code: 0, signal: null });
    assert.deepStrictEqual(await vendors.wait(), { code: 1, signal: null });
  });
});
