// What becomes of a payload on its way to ourselves, in hex.
const { AcurastClient } = require('@acurast/dapp');

const [url, keys, list] = process.argv.slice(2);

async function main() {
  const client = new AcurastClient([url], 1000);
  await client.start(JSON.parse(keys));
  const payloads = JSON.parse(list).map((each) => (typeof each === 'string' ? each : Uint8Array.from(each)));
  let left = payloads.length;
  client.onMessage(({ payload }) => {
    console.log(JSON.stringify({ hex: Buffer.from(payload).toString('hex') }));
    if (--left === 0) client.close();
  });
  for (const payload of payloads) await client.send(client.idFromPublicKey(JSON.parse(keys).compressed), payload);
}

main();
