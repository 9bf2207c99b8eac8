'use strict';
// `serve --exec`: requests answered by a command of the shell, by both programs alike.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { acurast, eventually, service, within } = require('./lib/harness');
const { PROGRAMS, run, start } = require('./lib/command');

const LONG = { timeout: 60_000 }; // what ends sooner, ends for another reason
const EAGER = ['--backoff-min', '10ms', '--backoff-max', '20ms'];
const COMMAND = `
case $ACURAST_METHOD in
echo) cat ;;
who) printf '"%s"' "$ACURAST_SENDER" ;;
fails) exit 7 ;;
killed) kill -9 $$ ;;
text) echo not json ;;
nothing) : ;;
large) head -c 20000000 /dev/zero ;;
deaf) exec <&-; echo 1 ;;
sleeps) echo >"$MARKER"; sleep 60; echo 1 ;;
stays) trap '' TERM; echo >"$MARKER"; sleep 20; sleep 20 ;;
esac`;
const METHODS = /^(\w+)\)/gm;

/** A server of COMMAND by a program, and who asks it: { server, asker, ask, error }. */
async function serving(t, name, { flags = [], marker = '/dev/null' } = {}) {
  const relay = await acurast.Service.start();
  const { url } = relay;
  const methods = [...COMMAND.matchAll(METHODS)].map(([, method]) => method);
  const command = COMMAND.replaceAll('$MARKER', marker);
  const server = start(['serve', '--url', url, ...EAGER, ...flags, '--exec', command, ...methods], { program: PROGRAMS[name] });
  const asker = await acurast.connect(url, { linger: 0 });
  t.after(async () => {
    await server.end(); // first: it would wait for the service
    await asker.close();
    await relay.close();
  });
  await eventually(() => server.errors.some((line) => line.includes('connected')), 'its connection');
  const [id] = server.errors.join('\n').match(/[0-9a-f]{32}/);
  const ask = (method, params, options = LONG) => within(asker.request(id, method, params, options), method);
  return { url, id, server, asker, ask, error: (method) => ask(method).catch((reason) => reason) };
}

/** A file, in which a command says that it has begun. */
function marked(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-exec-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'pid');
  return { file, begun: () => eventually(() => fs.existsSync(file), 'the command') };
}

for (const name of Object.keys(PROGRAMS)) {
  describe(`by ${name}`, () => {
    it('what the command writes is the result', async (t) => {
      const { asker, ask } = await serving(t, name);
      const params = { a: [1, 2.5, 'é', 'x'.repeat(200_000)] };
      assert.deepEqual(await ask('echo', params), params);
      assert.equal(await ask('who'), asker.id);
      assert.equal(await ask('nothing'), null);
      assert.equal(await ask('deaf', ['x'.repeat(200_000)]), 1);
    });

    it('what goes wrong is an error', async (t) => {
      const { server, asker, id, error } = await serving(t, name);
      const cases = {
        fails: [-32000, 'the command ended with 7'],
        killed: [-32000, 'the command ended with 137'],
        text: [-32603, 'the result is not JSON'],
        large: [-32603, 'the result is too large'],
        unknown: [-32601, 'Method not found'],
      };
      for (const [method, expected] of Object.entries(cases)) {
        const { remoteCode, remoteMessage } = await error(method);
        assert.deepEqual([remoteCode, remoteMessage], expected);
      }
      await asker.send(id, Buffer.from('940007a46563686f90', 'hex'));
      const { payload } = await within(asker.receive());
      assert.match(Buffer.from(payload).toString('latin1'), /MessagePack is not spoken here/);
      assert.match(server.errors.join('\n'), /text: what the command wrote is no JSON/);
    });

    it('commands end with it, and so does what they have started', async (t) => {
      const mark = marked(t);
      const { server, ask } = await serving(t, name, { marker: mark.file });
      const asked = ask('sleeps').catch((reason) => reason);
      await mark.begun();
      // Its end comes once nobody holds its standard error any more, which its commands have got from it.
      assert.deepEqual(await server.end(), { code: 0, signal: null });
      const error = await asked;
      if (error instanceof acurast.RemoteError) assert.equal(error.remoteMessage, 'the command ended with 143');
      else assert.ok(error instanceof acurast.UndeterminedError, error);
    });

    it('beyond its bounds it is busy', async (t) => {
      const { asker, id, error } = await serving(t, name, { flags: ['--serve-running', '1', '--serve-waiting', '1'] });
      for (let i = 0; i < 2; i++) asker.request(id, 'sleeps', [], LONG).catch(() => {});
      assert.equal((await error('nothing')).remoteCode, -32001);
    });
  });
}

it('bytes of params and results stay as they are', async (t) => {
  const { url, id, asker } = await serving(t, 'acurast');
  const exact = '{"a": [1.50, 12345678901234567890]}';
  await asker.sendText(id, `{"jsonrpc":"2.0","id":"a","method":"echo","params":${exact}}`);
  assert.equal((await within(asker.receive())).text(), `{"jsonrpc":"2.0","id":"a","result":${exact}}`);
  if (!PROGRAMS['acurast-peer']) return;
  const { lines } = await run(['request', '--url', url, id, 'echo', exact], { program: PROGRAMS['acurast-peer'] });
  assert.deepEqual(lines, [exact]);
});

it('a second signal does not wait for a command that ignores the first', async (t) => {
  const mark = marked(t);
  const { server, ask } = await serving(t, 'acurast', { marker: mark.file });
  ask('stays').catch(() => {});
  await mark.begun();
  server.child.kill('SIGINT');
  while ((await ask('nothing').catch(({ remoteCode }) => remoteCode)) === null); // until the signal is at work: no command is run any more
  assert.equal(server.result, undefined);
  server.child.kill('SIGINT');
  assert.deepEqual(await server.wait(), { code: 0, signal: null });
});

it('waits for a service, and says so', async (t) => {
  const first = await service(t);
  await first.close();
  const server = start(['serve', '--url', first.url, '--exec', 'cat', 'echo']);
  t.after(() => server.end());
  await eventually(() => server.errors.some((line) => /disconnected: .*; next try in \d+ ms$/.test(line)), 'the first try');
  assert.deepEqual(await server.end(), { code: 0, signal: null });
});
