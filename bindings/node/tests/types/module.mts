// What `import` sees: compiled by types.test.js, never run. Each @ts-expect-error has to be an error.

import {
  AcurastError,
  Client,
  ClosedError,
  Identity,
  NotEnoughAnswersError,
  RemoteError,
  RpcError,
  Service,
  TimeoutError,
  compressKey,
  connect,
  idOf,
  verify,
  verifyDigest,
  version,
} from 'acurast';
import type {
  ClientOptions,
  ConnectOptions,
  Encoding,
  Gone,
  Handlers,
  IncomingRequest,
  Level,
  ManyAnswers,
  Message,
  Presence,
  Seen,
  ServiceOptions,
  StateChange,
  Stats,
} from 'acurast';

export async function positive(): Promise<void> {
  const identity: Identity = Identity.generate('ed25519');
  const bytes: Uint8Array = identity.sign(new Uint8Array(3));
  const known: boolean = verify(identity.publicKey, bytes, bytes) && verifyDigest(bytes, bytes, bytes);
  const options: ConnectOptions = { identity, sendTimeout: '30s', outboxCount: 10, signal: AbortSignal.timeout(1) };
  await using client = await connect(['wss://one.example', 'wss://two.example'], options);
  client.on('message', (message: Message) => message.text().length);
  client.on('state', (change) => (change.retryIn ?? 0) + change.closeCode + change.url.length);
  client.once('error', (error: Error) => error.message);
  await client.send(new Uint8Array(16), Buffer.from('x'), { timeout: 5, signal: AbortSignal.abort() });
  const level: Level = await client.sendText(client.id, 'text', { until: 'delivered', onKept: () => {} });
  const seen: Seen[] = await client.look([client.id, new Uint8Array(16), identity], { timeout: 5 });
  const presence: Presence | undefined = seen[0]?.presence;
  const key: string = seen[0]?.publicKey ?? (await client.keyOf(client.id));
  client.on('gone', (gone: Gone) => [gone.id.length, gone.presence === 'away', level, presence, key]);
  await client.sendJson(idOf(compressKey(client.publicKey)), { known, version });
  for await (const message of client) {
    const value: unknown = message.json();
    const payload: Uint8Array = message.payload;
    void [value, payload, message.sender.length, message.recipient.length];
  }
  const stats: Stats = client.stats();
  const state: 'idle' | 'connecting' | 'authenticating' | 'connected' | 'disconnected' | 'closed' = client.state;
  await using service: Service = await Service.start({ listen: ['127.0.0.1:0'], maxFrame: '1MiB' });
  void [stats.outboxBytes, stats.repeats + stats.foreignReceipts, state, service.port.toFixed(), service.metrics().length];
  await new Client('ws://127.0.0.1:1').connect({ timeout: 5 });
}

interface Price {
  price: number;
}

export async function requests(client: Client): Promise<number> {
  const handlers: Handlers = {
    price: async ({ pair }: { pair: string }, request: IncomingRequest) => {
      const encoding: Encoding = request.encoding;
      await request.progress({ encoding, asked: request.sender, method: request.method, over: request.signal.aborted });
      if (!pair) throw new RpcError(-32602, 'pair must be a string', { pair });
      return { price: 1 };
    },
  };
  client.serve(handlers).serve({ ping: () => 'pong', echo: (params) => params });
  client.on('handlerError', (error, { sender }) => console.error(error, sender));
  const stop: { signal: AbortSignal; onProgress: (value: unknown) => void } = { signal: AbortSignal.timeout(1), onProgress: console.log };
  const { price } = await client.request<Price>(client.id, 'price', { pair: 'EUR/CHF' }, { timeout: 5, retry: true, ...stop });
  const unknown: unknown = await client.request(client.id, 'price', [1]);
  const many: ManyAnswers<Price> = await client.requestMany<Price>([client.id], 'price', [], { need: 1, agree: true, encoding: 'msgpack' });
  return price + many.value.price + many.answers.length + many.failures.length + Number(unknown) + client.stats().strayAnswers;
}

export function requestErrors(error: unknown): number {
  if (error instanceof RemoteError) return error.remoteCode + error.remoteMessage.length + Number(error.data);
  return error instanceof NotEnoughAnswersError ? error.answers.length + error.failures.length : 0;
}

export async function wrongRequests(client: Client): Promise<void> {
  // @ts-expect-error: params are an array or an object
  await client.request(client.id, 'price', 1);
  // @ts-expect-error: no such encoding
  await client.request(client.id, 'price', [], { encoding: 'cbor' });
  // @ts-expect-error: one recipient has request()
  await client.requestMany(client.id, 'price');
  // @ts-expect-error: no function
  client.serve({ price: 1 });
  // @ts-expect-error: the code is a number
  throw new RpcError('x', 'y');
}

export function errors(error: unknown): string {
  if (error instanceof TimeoutError) {
    const code: 'ACURAST_TIMEOUT' = error.code;
    return code;
  }
  if (error instanceof ClosedError) return error.advice;
  return error instanceof AcurastError && error.retriable ? `${error.status} ${error.detail}` : '';
}

export async function negative(client: Client, message: Message, change: StateChange): Promise<void> {
  // @ts-expect-error: text is sent by sendText
  await client.send(client.id, 'text');
  // @ts-expect-error: no such level
  await client.send(client.id, new Uint8Array(1), { until: 'read' });
  // @ts-expect-error: a list of ids
  await client.look(client.id);
  // @ts-expect-error: there may be no key
  (await client.look([client.id]))[0]?.publicKey.length;
  // @ts-expect-error: a number is no recipient
  await client.sendText(1, 'text');
  // @ts-expect-error: no such option
  const options: ClientOptions = { sendTimeOut: 1 };
  // @ts-expect-error: not one of the choices
  const choice: ClientOptions = { failover: 'random' };
  // @ts-expect-error: a count is a number
  const service: ServiceOptions = { maxConnections: '5' };
  // @ts-expect-error: no such kind
  Identity.generate('rsa');
  // @ts-expect-error: made by the named functions
  new Identity();
  // @ts-expect-error: started by start()
  new Service();
  // @ts-expect-error: values of JSON are unknown
  message.json().field;
  // @ts-expect-error: messages do not change
  message.sender = '';
  // @ts-expect-error: there may be no error
  change.error.message;
  // @ts-expect-error: no such event
  client.on('payload', () => {});
  // @ts-expect-error: a message, not its payload
  client.on('message', (payload: Uint8Array) => payload);
  // @ts-expect-error: only those of the client
  client.identity = Identity.generate();
  void [options, choice, service];
}
