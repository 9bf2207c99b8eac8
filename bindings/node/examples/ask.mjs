// Asks a processor five times, one after the other: `node ask.mjs URL PROCESSOR TEXT`. Prints the median round trip in ms, a tab,
// and the answer.

import { connect } from 'acurast';

const TIMES = 5;

const [url, processor, text] = process.argv.slice(2);
const client = await connect(url, { timeout: 10_000 });
try {
  const times = [];
  let answer;
  for (let i = 0; i < TIMES; i++) {
    const began = performance.now();
    await client.sendText(processor, text);
    answer = (await client.receive({ timeout: 10_000 })).text();
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const shown = answer.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?'); // what a stranger wrote does not steer the terminal
  console.log(`${times[(TIMES - 1) / 2].toFixed(3)}\t${shown}`);
} finally {
  await client.close();
}
