// What `acurast live` does, in short: the vendor's client with a fixed list of services, the code wrapped and packed as Micheline, a line for
// each answer, and an end after the last. Arguments: a folder with the packages, a public key, a file.
import fs from 'node:fs';
import { createECDH } from 'node:crypto';
import { createRequire } from 'node:module';
import { packDataBytes, unpackDataBytes } from '@taquito/michel-codec';

const [packages, publicKey, file] = process.argv.slice(2);
const { AcurastClient } = createRequire(packages)('@acurast/dapp');
const client = new AcurastClient(['wss://websocket-proxy-1.prod.gke.acurast.com/', 'wss://websocket-proxy-2.prod.gke.acurast.com/']);
const ecdh = createECDH('prime256v1');
ecdh.generateKeys();
await client.start({ secretKey: ecdh.getPrivateKey('hex').padStart(64, '0'), publicKey: ecdh.getPublicKey('hex') });
client.onMessage(({ payload }) => {
  const { type, data } = JSON.parse(unpackDataBytes({ bytes: Buffer.from(payload).toString('hex') }).string);
  console.log(type, JSON.stringify(data));
  if (type !== 'log') process.exit(0);
});
client.send(publicKey, packDataBytes({ string: `(() => { ${fs.readFileSync(file, 'utf8')} })()` }).bytes);
