// A gateway in the usual style: a client for each request, all of one key; the first message is the answer.
const { AcurastClient } = require('@acurast/dapp');

const [url, text, processors, form] = process.argv.slice(2);
const keys = JSON.parse(text);
const recipients = processors.split(',');
const question = (number) => (form === 'text' ? `question ${number}` : JSON.stringify({ jsonrpc: '2.0', id: `r${number}`, method: 'm' }));

async function ask(number) {
  const client = new AcurastClient([url], 5000);
  const answer = new Promise((resolve) => client.onMessage(({ payload }) => resolve(Buffer.from(payload).toString())));
  await client.start(keys);
  await client.send(recipients[number % recipients.length], question(number));
  const got = await answer;
  await client.close();
  return form === 'text' ? got : JSON.parse(got).id;
}

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function main() {
  const all = Array.from({ length: 20 }, (_, number) => later(number * 5).then(() => ask(number)));
  console.log(JSON.stringify(await Promise.all(all)));
}

main();
