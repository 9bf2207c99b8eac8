// A price oracle: JSON-RPC 2.0 in payloads, the median over several sources, and an answer that anybody can check.
//
// Bundle it as you would for a processor, then run it:
//
//     npx esbuild oracle.js --bundle --platform=node --outfile=bundle.js
//     npx acurast-processor bundle.js --local --env SOURCES=http://127.0.0.1:8000/a,http://127.0.0.1:8000/b
const { createHash } = require('node:crypto');
const axios = require('axios');

const SERVICES = ['wss://ws-1.ws-server-1.acurast.com/', 'wss://ws-1.ws-server-2.acurast.com/'];
const sources = (_STD_.env.SOURCES ?? '').split(',').filter(Boolean);

class RpcError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

async function priceAt(url, pair) {
  const { data } = await axios.get(url, { params: { pair }, timeout: 5000 });
  return Number(data.price);
}

function median(numbers) {
  const sorted = numbers.toSorted ? numbers.toSorted((a, b) => a - b) : [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

const methods = {
  ping: () => ({ status: 'alive', slot: _STD_.job.getSlot() }),

  async price({ pair } = {}) {
    if (typeof pair !== 'string') throw new RpcError(-32602, 'pair must be a string');
    const settled = await Promise.allSettled(sources.map((url) => priceAt(url, pair)));
    const prices = settled.map(({ value }) => value).filter(Number.isFinite);
    if (prices.length < 2) throw new RpcError(-32000, `only ${prices.length} of ${sources.length} sources answered`);
    const body = JSON.stringify({ pair, price: median(prices), sources: prices.length });
    const digest = createHash('sha256').update(body).digest('hex');
    return { body, signature: _STD_.signers.secp256k1.sign(digest), publicKey: _STD_.job.getPublicKeys().secp256k1 };
  },
};

async function answer(text) {
  let id = null;
  try {
    const request = JSON.parse(text);
    id = request.id ?? null;
    if (!Object.hasOwn(methods, request.method)) throw new RpcError(-32601, 'there is no such method');
    return { jsonrpc: '2.0', id, result: await methods[request.method](request.params) };
  } catch (error) {
    const code = error instanceof SyntaxError ? -32700 : (error.code ?? -32603);
    return { jsonrpc: '2.0', id, error: { code, message: error.message } };
  }
}

_STD_.ws.open(
  SERVICES,
  () => {
    console.log('oracle: open');
    _STD_.ws.registerPayloadHandler(async ({ sender, payload }) => {
      const response = await answer(Buffer.from(payload, 'hex').toString('utf8'));
      _STD_.ws.send(sender, Buffer.from(JSON.stringify(response)).toString('hex'));
    });
  },
  (message) => console.error('oracle:', message),
);
