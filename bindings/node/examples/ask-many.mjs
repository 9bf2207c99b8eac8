// Asks many processors and takes the first three answers: `node ask-many.mjs URL ID ID ID ID ...`.

import { connect, idOf } from 'acurast';

const NEED = 3;
const TIME = 10_000; // ms

async function answers(client, asked, need) {
  const found = new Map();
  while (found.size < need) {
    const message = await client.receive({ timeout: TIME });
    if (asked.has(message.sender) && !found.has(message.sender)) found.set(message.sender, message.text());
  }
  return found;
}

const [url, ...processors] = process.argv.slice(2);
const client = await connect(url);
try {
  const asked = new Set(processors.map(idOf));
  await Promise.all([...asked].map((each) => client.sendText(each, 'what time is it?')));
  const shown = (text) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?'); // what a stranger wrote does not steer the terminal
  for (const [sender, answer] of await answers(client, asked, Math.min(NEED, asked.size))) console.log(sender, shown(answer));
} finally {
  await client.close();
}
