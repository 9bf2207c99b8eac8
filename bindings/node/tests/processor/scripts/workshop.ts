// A deployment in TypeScript: JSON-RPC by hand, and a price that it does not know.
/// <reference types="acurast/processor" />

interface Question {
  jsonrpc: '2.0';
  id: number;
  params: [string];
}

const PRICES: Record<string, number> = { EUR: 0.94, CHF: 0.97 };

function priceOf(pair: string): number {
  const price = PRICES[pair];
  if (price === undefined) throw new Error(`no price of ${pair}`);
  return price;
}

function answer(text: string): string {
  const { id, params } = JSON.parse(text) as Question;
  return JSON.stringify({ jsonrpc: '2.0', id, result: priceOf(params[0]) });
}

_STD_.ws.open('ws://127.0.0.1:1', () => print('ready for questions'));
_STD_.ws.registerPayloadHandler(({ sender, payload }) => {
  const text = Buffer.from(payload, 'hex').toString();
  _STD_.ws.send(sender, Buffer.from(answer(text)).toString('hex'));
});
