// Does what it is told on standard input, one object of JSON a line, and tells what comes: for tests that take the service away.
const readline = require('node:readline');
const { AcurastClient } = require('@acurast/dapp');

const tell = (object) => console.log(JSON.stringify(object));
const [urls, text] = process.argv.slice(2);
const client = new AcurastClient(urls.split(','), 1000);

async function act({ to, payload, close }) {
  if (close) return client.close();
  await client.send(to, payload);
  tell({ sent: payload });
}

async function main() {
  client.onMessage(({ payload }) => tell({ received: Buffer.from(payload).toString('utf8') }));
  try {
    await client.start(JSON.parse(text));
  } catch (error) {
    tell({ refused: error instanceof Error });
    process.stdin.destroy();
    return;
  }
  tell({ started: true });
  const input = readline.createInterface({ input: process.stdin });
  input.on('line', (line) => act(JSON.parse(line)).catch((error) => tell({ failed: error.message })));
  input.on('close', () => client.close());
}

main();
