// The forms of a key pair that are accepted, by the id that each one gets.
const { AcurastClient } = require('@acurast/dapp');

const [url, text] = process.argv.slice(2);
const keys = JSON.parse(text);
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));

const forms = {
  uncompressed: { secretKey: keys.secretKey, publicKey: keys.publicKey },
  compressed: { secretKey: keys.secretKey, publicKey: keys.compressed },
  'with 0x': { secretKey: `0x${keys.secretKey}`, publicKey: `0x${keys.publicKey}` },
  bytes: { secretKey: bytes(keys.secretKey), publicKey: bytes(keys.publicKey) },
  'Buffers, compressed': { secretKey: Buffer.from(keys.secretKey, 'hex'), publicKey: Buffer.from(keys.compressed, 'hex') },
  'upper case': { secretKey: keys.secretKey.toUpperCase(), publicKey: keys.publicKey.toUpperCase() },
};

async function main() {
  for (const [form, keyPair] of Object.entries(forms)) {
    const client = new AcurastClient([url], 1000);
    const sender = new Promise((resolve) => client.onMessage((message) => resolve(message.sender)));
    await client.start(keyPair);
    await client.send(keys.id, '');
    console.log(JSON.stringify({ form, id: Buffer.from(await sender).toString('hex') }));
    await client.close();
  }
}

main();
