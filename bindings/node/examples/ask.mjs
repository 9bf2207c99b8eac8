// Asks a processor for a price: `node ask.mjs URL PROCESSOR PAIR`. Prints it, or why there is none, then a tab and the milliseconds.

import { NotHereError, RemoteError, connect } from 'acurast';

async function priceOf(client, processor, pair) {
  try {
    const { price } = await client.request(processor, 'price', { pair }, { timeout: 5000 });
    return Number(price);
  } catch (error) {
    if (error instanceof NotHereError) return 'not here'; // at once: nobody waits for a timeout
    if (error instanceof RemoteError) return `error ${error.remoteCode}`;
    throw error;
  }
}

const [url, processor, pair] = process.argv.slice(2);
const client = await connect(url, { timeout: 10_000 });
try {
  const began = performance.now();
  const answer = await priceOf(client, processor, pair);
  console.log(`${answer}\t${(performance.now() - began).toFixed(3)}`);
} finally {
  await client.close();
}
