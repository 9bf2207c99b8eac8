// Answers JSON-RPC 2.0, which `request` asks by: the price of a pair. It takes the place of sources in a table, and needs no bundling;
// oracle.js asks real ones, and signs.
const PRICES = { 'EUR/CHF': 0.94, 'BTC/USD': 64000, 'ACU/USD': 0.12 };

const methods = {
  price({ pair } = {}) {
    if (!Object.hasOwn(PRICES, pair)) throw { code: -32602, message: 'there is no such pair' };
    return { pair, price: PRICES[pair] };
  },
};

function answer(text) {
  let id = null;
  try {
    const request = JSON.parse(text);
    id = request.id ?? null;
    if (!Object.hasOwn(methods, request.method)) throw { code: -32601, message: 'there is no such method' };
    return { jsonrpc: '2.0', id, result: methods[request.method](request.params) };
  } catch (error) {
    const code = error instanceof SyntaxError ? -32700 : (error.code ?? -32603);
    return { jsonrpc: '2.0', id, error: { code, message: error.message } };
  }
}

_STD_.ws.open(
  ['wss://ws-1.ws-server-1.acurast.com', 'wss://ws-1.ws-server-2.acurast.com'],
  () => {
    print('open: success');
    _STD_.ws.registerPayloadHandler(({ sender, payload }) => {
      const response = answer(Buffer.from(payload, 'hex').toString());
      _STD_.ws.send(sender, Buffer.from(JSON.stringify(response)).toString('hex'));
    });
  },
  (message) => print('open: error ' + message),
);
