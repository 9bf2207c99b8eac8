// The transport alone: bytes in, bytes out; it answers once and ends.
const { WebSocketTransportClient } = require('@acurast/transport-websocket');

const [url, text] = process.argv.slice(2);
const keys = JSON.parse(text);
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));

async function main() {
  const client = new WebSocketTransportClient([url], 1000);
  console.log(JSON.stringify({ id: Buffer.from(client.idFromPublicKey(bytes(keys.compressed))).toString('hex') }));
  client.onMessage(async ({ sender, recipient, payload }) => {
    console.log(JSON.stringify([sender, recipient, payload].map((each) => Buffer.from(each).toString('hex'))));
    await client.close();
  });
  await client.connect({ secretKey: bytes(keys.secretKey), publicKey: bytes(keys.publicKey) });
  await client.send(bytes(keys.compressed), Uint8Array.of(0, 1, 2, 255));
}

main();
