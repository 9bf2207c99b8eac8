// The life of a client: what each call answers, in which order, and what it leaves behind.
const { AcurastClient } = require('@acurast/dapp');

const [url, text] = process.argv.slice(2);
const keys = JSON.parse(text);

async function outcome(what, act) {
  let answer;
  try {
    const value = await act();
    answer = value === undefined ? 'done' : value;
  } catch (error) {
    answer = error instanceof Error ? 'an Error' : typeof error;
  }
  console.log(JSON.stringify({ what, answer }));
}

function nextMessage(client) {
  return new Promise((resolve) => client.onMessage(({ payload }) => resolve(payload.toString())));
}

async function main() {
  const client = new AcurastClient([url], 1000);
  let heard = 0;
  client.onMessage(() => heard++);
  await outcome('close before start', () => client.close());
  await outcome('send before start', () => client.send(keys.id, 'too early'));
  await outcome('start without a service', () => new AcurastClient([]).start(keys));
  await outcome('start', () => client.start(keys));
  await outcome('start again', () => client.start(keys));
  await outcome('id of a compressed key', () => client.idFromPublicKey(keys.compressed));
  await outcome('id of a key with 0x', () => client.idFromPublicKey(`0x${keys.compressed}`));
  await outcome('id of an id', () => client.idFromPublicKey(keys.id));
  await outcome('id of bytes', () => client.idFromPublicKey(Uint8Array.from(Buffer.from(keys.compressed, 'hex'))));
  await outcome('two listeners', async () => {
    const both = Promise.all([nextMessage(client), nextMessage(client)]);
    await client.send(keys.id, 'to both');
    return both;
  });
  await outcome('close', () => client.close());
  await outcome('close again', () => client.close());
  await outcome('send after close', () => client.send(keys.id, 'too late'));
  await outcome('start after close', () => client.start(keys));
  await outcome('a new listener', async () => {
    const next = nextMessage(client);
    await client.send(keys.compressed, 'hello again');
    return next;
  });
  const before = heard;
  await outcome('another message', async () => {
    const next = nextMessage(client);
    await client.send(keys.id, 'once more');
    return next;
  });
  await outcome('a listener from before close is forgotten', () => heard === before);
  await client.close();
}

main();
