// A dApp in the usual style: JSON-RPC by hand over both of its processors, the first answer wins.
const { AcurastClient } = require('@acurast/dapp');

const [urls, text, processors] = process.argv.slice(2);

async function main() {
  const client = new AcurastClient(urls.split(','), 1000, 50, false);
  const open = new Map();
  client.onMessage(({ payload }) => {
    const answer = JSON.parse(Buffer.from(payload).toString('utf8'));
    open.get(answer.id)?.(answer.params);
    open.delete(answer.id);
  });
  const ask = (id, params) =>
    new Promise((resolve, reject) => {
      open.set(id, resolve);
      for (const processor of processors.split(','))
        client.send(processor, JSON.stringify({ jsonrpc: '2.0', id, method: 'echo', params })).catch(reject);
    });
  await client.start(JSON.parse(text));
  for (let id = 1; id <= 20; id++) console.log(JSON.stringify(await ask(id, ['número', id])));
  await client.close();
}

main();
