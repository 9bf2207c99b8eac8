// A deployment script with the declaration of `_STD_` and the globals, and the runner as a function.
import { runDeployment, runDeployments, type MessageEvent } from 'acurast/processor';
_STD_.ws.open(['wss://a.example'], () => {
  print('open');
  _STD_.ws.registerPayloadHandler(async ({ sender, payload }) => {
    const digest: string = _STD_.random.generateSecureRandomHex();
    _STD_.ws.send(sender, payload + _STD_.signers.secp256k1.sign(digest), undefined, (message) => print(message.length));
  });
});
httpGET('https://a.example', {}, (text, certificate) => print(text + certificate), print);
const key: string = _STD_.job.getPublicKeys().ed25519 + _STD_.chains.tezos.encoding.pack([environment('A')]);
runDeployment('a.js', { local: true, without: 'p2p' }).then(async (deployment) => {
  deployment.on('error', ({ where, line }) => print(where, line, key));
  const code: number = await deployment.stop();
  return code;
});
// @ts-expect-error an object where the callback belongs
_STD_.ws.open('wss://a.example', {}, () => {});
_STD_.ws.send('00', new Uint8Array(1));
_STD_.signers.secp256k1.sign(Buffer.alloc(32));
_STD_.webview.newTab('https://a.example', async (tab) => {
  const trigger: 'manual' | 'auto' = await tab.getTrigger();
  await tab.close({ wholeTree: trigger === 'auto' });
});
// @ts-expect-error a payload is hexadecimal digits or bytes
_STD_.ws.send('00', 1);
// @ts-expect-error there is no such option
runDeployment('a.js', { services: [] });
// @ts-expect-error what is offered cannot be left out
runDeployment('a.js', { without: ['ws'] });

async function tested(): Promise<number[]> {
  const http = async (request: Request) => (request.method === 'GET' ? Response.json({ price: 1 }) : undefined);
  const deployment = await runDeployment('a.js', { local: true, clock: new Date(), http, slot: 1 });
  await deployment.clock?.advance(1000);
  const { payload, peer } = deployment.sent[0]!;
  const bytes: Buffer = payload;
  const message = await deployment.waitFor<MessageEvent>({ direction: 'out', text: /1/ }, { timeout: 10, after: deployment.sent[0]! });
  console.log(bytes, peer, message.text(), deployment.requests[0]?.url, deployment.printed[0]?.length);
  // @ts-expect-error: several have slots of their own
  await runDeployments('a.js', 3, { slot: 1 });
  await using all = await runDeployments('a.js', 3, (slot) => ({ env: { SLOT: String(slot) } }));
  return all.stop();
}
void tested;
