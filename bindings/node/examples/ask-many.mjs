// Asks several processors for a price, and takes what three of them agree on: `node ask-many.mjs URL PAIR PROCESSOR...`. Prints it, a tab
// and the milliseconds, and then who has said what.

import { NotEnoughAnswersError, connect } from 'acurast';

const NEED = 3;

const [url, pair, ...processors] = process.argv.slice(2);
const client = await connect(url, { timeout: 10_000 });
try {
  const began = performance.now();
  const { value, answers } = await client.requestMany(processors, 'price', { pair }, { need: NEED, agree: true, timeout: 5000 });
  console.log(`${Number(value.price)}\t${(performance.now() - began).toFixed(3)}`);
  for (const { id, value: said } of answers) console.log(id, Number(said.price));
} catch (error) {
  if (!(error instanceof NotEnoughAnswersError)) throw error;
  console.error(`${NEED} do not agree: ${error.answers.length} answers, ${error.failures.length} failures`);
  process.exitCode = 1;
} finally {
  await client.close();
}
