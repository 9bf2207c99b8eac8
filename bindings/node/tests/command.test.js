'use strict';
// `npx acurast` from outside, also together with the program acurast-peer.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Identity, RpcError, Service, connect } = require('..');
const { command } = require('../bin/acurast.js');
const { PROGRAMS, run, start } = require('./lib/command');

const NOBODY = '00'.repeat(16);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-command-'));
let service;

before(async () => (service = await Service.start()));
after(async () => {
  await service.close();
  fs.rmSync(folder, { recursive: true });
});

async function listening(program, ...flags) {
  const listener = start(['listen', '--url', service.url, '--json', ...flags], { program });
  return { listener, id: JSON.parse(await listener.line()).id };
}

it('makes keys and tells about them', async () => {
  const file = path.join(folder, 'key.pem');
  const made = await run(['keygen', '--out', file, '--json']);
  const identity = Identity.fromPem(fs.readFileSync(file));
  assert.deepEqual(JSON.parse(made.lines[0]), { id: identity.id, public_key: identity.publicKey, file });
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  const again = await run(['keygen', '--out', file]);
  assert.equal(again.code, 1);
  assert.match(again.errors, /exist/);
  assert.equal(fs.readFileSync(file, 'utf8'), identity.toPem());
  const both = [`id ${identity.id}`, `public-key ${identity.publicKey}`];
  assert.deepEqual((await run(['id', '--key', file])).lines, both);
  assert.deepEqual((await run(['id', identity.publicKey])).lines, both);
  assert.deepEqual((await run(['id', `0x${identity.id}`])).lines, both.slice(0, 1));
  assert.equal(Identity.fromPem((await run(['keygen', '--ed25519'])).lines.join('\n')).kind, 'ed25519');
});

describe('asks and is answered', () => {
  for (const [name, program] of Object.entries(PROGRAMS)) {
    it(`by ${name}`, async () => {
      const { listener, id } = await listening(program, '--echo', '--count', String(Object.keys(PROGRAMS).length + 1));
      for (const asker of Object.values(PROGRAMS)) {
        const asked = await run(['send', '--url', service.url, '--to', id, '--wait', '1', 'hellö'], { program: asker });
        assert.deepEqual([asked.code, asked.lines], [0, ['hellö']], asked.errors);
      }
      const hex = await run(['send', '--url', service.url, '--to', id, '--wait', '1', '--hex', '00ff']);
      assert.deepEqual([hex.code, hex.lines], [0, ['00ff']], hex.errors);
      assert.equal((await listener.wait()).code, 0);
    });
  }
});

it('takes a payload from standard input and prints objects', async () => {
  const { listener, id } = await listening(PROGRAMS.acurast, '--count', '1', '--echo');
  const asked = await run(['send', '--url', service.url, '--to', id, '--wait', '1', '--json'], { input: 'a\nb' });
  const [sent, payload] = asked.lines.map((line) => JSON.parse(line));
  assert.deepEqual(sent, { event: 'sent', reached: 'written', recipient: id, size: 3 });
  assert.deepEqual([payload.event, payload.sender, payload.text, payload.hex], ['payload', id, 'a\nb', '610a62']);
  assert.equal(JSON.parse(await listener.line()).text, 'a\nb');
  assert.equal((await listener.wait()).code, 0);
});

describe('says what became of a payload, and who is here', () => {
  for (const [name, program] of Object.entries(PROGRAMS)) {
    it(`by ${name}`, async () => {
      const { listener, id } = await listening(program);
      const send = ['send', '--url', service.url, '--until', 'delivered', '--json'];
      const sent = await run([...send, '--to', id, 'x'], { program });
      assert.deepEqual(sent.lines.map(JSON.parse), [{ event: 'sent', reached: 'delivered', recipient: id, size: 1 }], sent.errors);
      const refused = await run([...send, '--to', NOBODY, 'x'], { program });
      assert.deepEqual([refused.code, refused.lines], [1, []]);
      assert.match(refused.errors, /not here/);

      const look = (...words) => run(['look', '--url', service.url, ...words], { program });
      const here = await look(id);
      assert.match(here.lines.join('\n'), new RegExp(`^${id} here 0[23][0-9a-f]{64}$`));
      assert.equal(here.code, 0, here.errors);
      const both = await look('--json', NOBODY, id);
      const [none, found] = both.lines.map(JSON.parse);
      assert.deepEqual(none, { event: 'seen', id: NOBODY, presence: 'not here' });
      assert.deepEqual(found, { event: 'seen', id, presence: 'here', public_key: here.lines[0].split(' ')[2] });
      assert.equal(both.code, 1);
      await listener.kill();

      const away = await run([...send, '--to', id, '--timeout', '1', 'x'], { program });
      assert.equal(away.code, 3);
      assert.match(away.errors, /waits in its mailbox/);
      assert.deepEqual((await look(id)).lines, [`${id} away`]);
    });
  }
});

it('asks, and prints the answer, as acurast-peer does', async () => {
  const server = await connect(service.url);
  server.serve({
    echo: (params) => params ?? null,
    async steps(params, asked) {
      await asked.progress('half\x9b');
      throw new RpcError(7, 'no\x1b', { why: [1] });
    },
    never: () => new Promise(() => {}),
  });
  try {
    for (const program of Object.values(PROGRAMS)) {
      const ask = (...words) => run(['request', '--url', service.url, ...words], { program });
      const answer = await ask(server.id, 'echo', '{"a":["\\u009b",1.5]}');
      assert.deepEqual([answer.code, answer.lines], [0, ['{"a":["\\u009b",1.5]}']], answer.errors);
      assert.deepEqual((await ask('--retry', server.id, 'echo')).lines, ['null']);
      const failed = await ask('--progress', server.publicKey, 'steps');
      assert.equal(failed.code, 4, failed.errors);
      const [told, error] = failed.errors.split('\n').filter((line) => /^["{]/.test(line));
      assert.equal(told, '"half\\u009b"');
      assert.deepEqual(JSON.parse(error), { code: 7, message: 'no\x1b', data: { why: [1] } });
      const nobody = await ask('--timeout', '20', NOBODY, 'echo');
      assert.equal(nobody.code, 1, nobody.errors);
      assert.equal((await ask('--timeout', '0.5', server.id, 'never')).code, 3);
    }
  } finally {
    await server.close();
  }
});

it('asks several, as acurast-peer does', async () => {
  const values = [{ a: 1, b: '\u202e' }, { b: '\u202e', a: 1.0 }, 2];
  const servers = await Promise.all(values.map(() => connect(service.url)));
  servers.forEach((one, i) => one.serve({ price: () => values[i] }));
  const ids = servers.map(({ id }) => id);
  const everybody = [...ids, NOBODY].join();
  const askBy = (program) => async (...words) => {
    const { code, lines, errors } = await run(['request', '--url', service.url, '--timeout', '20', ...words], { program });
    return { code, lines, errors, said: words[0] === '--json' && lines.map(JSON.parse) };
  };
  const check = async (ask) => {
    const agreed = await ask('--need', '2', '--agree', everybody, 'price');
    assert.deepEqual([agreed.code, JSON.parse(agreed.lines), agreed.lines[0].includes('\u202e')], [0, values[0], false], agreed.errors);
    const failed = await ask('--need', '3', '--agree', everybody, 'price');
    assert.deepEqual([failed.code, failed.lines], [3, []]);
    assert.match(failed.errors, new RegExp(`^${NOBODY}: the recipient is not here`, 'm'));
    assert.match(failed.errors, new RegExp(`^${ids[2]}: 2$`, 'm'));
    const { code, said } = await ask('--json', `${ids[2]},${NOBODY}`, 'price');
    assert.equal(code, 3);
    assert.deepEqual(said.find(({ id }) => id === NOBODY), { event: 'answer', id: NOBODY, status: 'NOT_HERE' });
    const [one] = (await ask('--json', '--need', '1', ids[2], 'price')).said;
    assert.deepEqual([one.status, one.result], ['OK', 2]);
  };
  try {
    await Promise.all(Object.values(PROGRAMS).map((program) => check(askBy(program))));
  } finally {
    await Promise.all(servers.map((one) => one.close()));
  }
});

it('ends listening in order when it is interrupted', async () => {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    const { listener } = await listening(PROGRAMS.acurast);
    listener.child.kill(signal);
    assert.deepEqual(await listener.wait(), { code: 0, signal: null });
  }
});

describe('exit codes', () => {
  const nowhere = ['--url', 'ws://127.0.0.1:1'];
  const processes = [
    [0, ['--help'], /^$/],
    [0, ['--version'], /^$/],
    [1, ['id', '--key', path.join(folder, 'none')], /ENOENT/],
    [2, [], /name a command\n.*--help/],
    [3, ['look', ...nowhere, '--timeout', '0.2', NOBODY], /./],
  ];
  const cases = [
    [2, ['nonsense'], /no command nonsense/],
    [2, ['id'], /name a key file/],
    [2, ['id', '--nonsense'], /--nonsense/],
    [2, ['send', '--to', NOBODY, 'x'], /name a service/],
    [2, ['send', ...nowhere, 'x'], /--to/],
    [2, ['send', ...nowhere, '--to', NOBODY, '--until', 'read', 'x'], /--until is written, relayed, delivered/],
    [2, ['request', ...nowhere, NOBODY], /the method/],
    [2, ['request', ...nowhere, '123', 'echo'], /"123": /],
    [2, ['request', ...nowhere, NOBODY, 'echo', '"x"'], /an array or an object/],
    [2, ['request', ...nowhere, NOBODY, 'echo', '{'], /an array or an object/],
    [2, ['request', ...nowhere, '--need', '2', NOBODY, 'echo'], /--need is at most/],
    [2, ['request', ...nowhere, `${NOBODY},${NOBODY}`, 'echo'], /nobody is asked twice/],
    [2, ['serve', ...nowhere, 'echo'], /--exec/],
    [2, ['serve', ...nowhere, '--exec', 'cat'], /one method or more/],
    [2, ['serve', ...nowhere, '--exec', 'cat', '--serve-running', '0', 'echo'], /serve-running/],
    [2, ['serve', ...nowhere, '--exec', 'cat', '--extensions', 'perhaps', 'echo'], /--extensions is on or off/],
    [2, ['look', ...nowhere, '--linger', 'soon', NOBODY], /linger/],
    [2, ['serve', ...nowhere, '--exec', 'cat', '--timeout', '1', 'echo'], /--timeout/],
    [2, ['serve', '--exec', 'cat', 'echo'], /name a service/],
    [1, ['serve', ...nowhere, '--exec', 'cat', 'rpc.echo'], /./],
    [2, ['look', ...nowhere], /one recipient or more/],
    [2, ['look', ...nowhere, '123'], /"123": /],
    [2, ['send', ...nowhere, '--to', NOBODY, '--file', 'a', 'b'], /one payload/],
    [2, ['listen', ...nowhere, '--count', '0'], /--count/],
    [2, ['listen', ...nowhere, '--timeout', 'soon'], /--timeout/],
    [2, ['id', 'nonsense'], /"nonsense": a recipient is/],
    [2, ['send', ...nowhere, '--to', '123', 'x'], /"123": /],
    [2, ['send', '--url', 'http://x', '--to', NOBODY, 'x'], /url: 'http:\/\/x'/],
    [2, ['listen', ...nowhere, '--ca-file', '/nowhere/ca'], /ca-file/],
    [2, ['send', ...nowhere, '--to', NOBODY, '--hex', 'abc'], /not hexadecimal/],
    [3, ['send', ...nowhere, '--to', NOBODY, '--timeout', '0.2', 'x'], /./],
  ];
  const title = (code, args) => `${code} for ${args.join(' ').slice(0, 60) || 'nothing'}`;
  for (const [code, args, words] of processes) {
    it(title(code, args), async () => {
      const ended = await run(args);
      assert.equal(ended.code, code, ended.errors);
      assert.match(ended.errors, words);
    });
  }
  for (const [code, args, words] of cases) {
    it(title(code, args), async (t) => {
      const errors = [];
      t.mock.method(console, 'error', (line) => void errors.push(line));
      const ended = await command(args);
      assert.match(errors.join('\n'), words);
      assert.equal(ended, code);
    });
  }

  it('1 without a trace of the stack where nobody reads any more what is printed', async () => {
    const { listener, id } = await listening(PROGRAMS.acurast);
    listener.child.stdout.destroy();
    assert.equal((await run(['send', '--url', service.url, '--to', id, 'x'])).code, 0);
    assert.equal((await listener.wait()).code, 1);
    assert.deepEqual(listener.errors, [`acurast: ${id} connected`]);
  });

  it('3 where no answer comes in time', async () => {
    const flags = ['--url', service.url, '--to', NOBODY, '--timeout', '0.5', '--wait', '1'];
    const { code, errors } = await run(['send', ...flags, 'x']);
    assert.equal(code, 3);
    assert.match(errors, /no message/);
  });
});
