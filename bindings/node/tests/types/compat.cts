// The drop-in, used as the vendor's documents use theirs, and what its types refuse.
import { AcurastClient, WebSocketTransportClient, createPayloadMessage, forgeMessage, parseMessage, verifyDifficulty } from 'acurast/compat';
import type { KeyPair, Message, WireMessage } from 'acurast/compat';
import type { AcurastClient as AtTheRoot } from 'acurast';

async function dapp(keyPair: KeyPair): Promise<string> {
  const client: AtTheRoot = new AcurastClient(['wss://example.com'], 15_000, 100, false);
  await client.start(keyPair);
  client.onMessage(async (message: Message) => {
    const bytes: Uint8Array[] = [message.sender, message.recipient, message.payload];
    console.log(bytes, message.payload.toString('utf8'));
    await client.close();
  });
  await client.send('028aad55', 'my message');
  await client.send(new Uint8Array(16), new Uint8Array(1));
  return client.idFromPublicKey(keyPair.publicKey ?? '');
}

async function transport(bytes: Uint8Array): Promise<Buffer> {
  const client = new WebSocketTransportClient(['wss://example.com'], 1000, undefined, undefined, { linger: 0 });
  await client.connect({ publicKey: bytes, secretKey: bytes });
  // @ts-expect-error: the transport takes bytes
  await client.send(bytes, 'text');
  return client.idFromPublicKey(bytes);
}

function options(): AcurastClient {
  // @ts-expect-error: no such option
  new AcurastClient('wss://example.com', { strickt: true });
  // @ts-expect-error: the identity is the key pair of start
  new AcurastClient('wss://example.com', { identity: undefined });
  // @ts-expect-error: a key pair has a secret
  void new AcurastClient('wss://example.com').start({ publicKey: '02' });
  return new AcurastClient('wss://example.com', { strict: true, shared: false, sendTimeout: 1000, onState: ({ state, error }) => console.log(state, error?.code) });
}

function frames(id: Uint8Array): boolean {
  const message: WireMessage | undefined = parseMessage(forgeMessage(createPayloadMessage(id, id, id)));
  // @ts-expect-error: an init has no payload
  if (message?.type === 'init') return message.payload;
  return message?.type === 'challenge' && verifyDifficulty(message.challenge, message.difficulty);
}

export { dapp, frames, options, transport };
