// Listeners that throw or reject, and one after them that does not.
const { AcurastClient } = require('@acurast/dapp');

const [url, text] = process.argv.slice(2);
const keys = JSON.parse(text);
const tell = (object) => console.log(JSON.stringify(object));

process.on('unhandledRejection', (error) => tell({ unhandled: error.message }));

async function main() {
  const client = new AcurastClient([url], 1000);
  client.onMessage(async () => Promise.reject(new Error('later')));
  client.onMessage(({ payload }) => {
    if (payload.length > 0) throw new Error('at once');
  });
  client.onMessage(({ payload }) => {
    tell({ received: payload.toString() });
    if (payload.length === 0) client.close();
  });
  await client.start(keys);
  await client.send(keys.id, 'text');
  await client.send(keys.id, '');
}

main();
