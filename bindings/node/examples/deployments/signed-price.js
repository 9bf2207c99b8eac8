// A price oracle for contracts: the price of a pair, packed and signed as contracts on an EVM, on Substrate and on Tezos take it.
//
// Bundle it as you would for a processor, then run it:
//
//     npx esbuild signed-price.js --bundle --platform=node --outfile=bundle.js
//     npx acurast-processor bundle.js --local --script-hash ipfs://Qm… --env SOURCE=http://127.0.0.1:8000/price
const { Struct, Vector, str, u64, u128 } = require('scale-ts');
const { encodeAbiParameters } = require('viem');

const SERVICES = ['wss://ws-1.ws-server-1.acurast.com/', 'wss://ws-1.ws-server-2.acurast.com/'];
const DECIMALS = 6;

const PriceScale = Struct({ pair: str, prices: Vector(u128), timestamp: u64 });
const PriceAbi = [
  {
    name: 'price',
    type: 'tuple',
    components: [
      { name: 'pair', type: 'string' },
      { name: 'prices', type: 'uint128[]' },
      { name: 'timestamp', type: 'uint64' },
    ],
  },
];

function get(url) {
  return new Promise((resolve, reject) =>
    httpGET(url, { accept: 'application/json' }, (text) => resolve(JSON.parse(text)), reject),
  );
}

const chains = {
  EVM({ pair, price, timestamp }) {
    const packed = encodeAbiParameters(PriceAbi, [{ pair, prices: [price], timestamp: BigInt(timestamp) }]).slice(2);
    return { packed, signature: _STD_.chains.ethereum.signer.sign(packed), signer: _STD_.chains.ethereum.getAddress() };
  },
  Substrate({ pair, price, timestamp }) {
    const packed = Buffer.from(PriceScale.enc({ pair, prices: [price], timestamp: BigInt(timestamp) })).toString('hex');
    _STD_.chains.substrate.signer.setSigner('SECP256K1');
    return { packed, signature: _STD_.chains.substrate.signer.sign(packed), signer: _STD_.job.getPublicKeys().secp256k1 };
  },
  Tezos({ pair, price, timestamp }) {
    const packed = _STD_.chains.tezos.encoding.pack([{ prices: [String(price)], symbol: pair, timestamp }]);
    return { packed, signature: _STD_.chains.tezos.signer.sign(packed), signer: _STD_.job.getPublicKeys().p256 };
  },
};

async function signedPrice({ pair, chain }) {
  if (!Object.hasOwn(chains, chain)) throw new Error(`unsupported chain: ${chain}`);
  const { price, timestamp } = await get(`${_STD_.env.SOURCE}?pair=${encodeURIComponent(pair)}`);
  return chains[chain]({ pair, price: BigInt(Math.round(price * 10 ** DECIMALS)), timestamp });
}

_STD_.ws.open(
  SERVICES,
  () => {
    print('oracle: open');
    _STD_.ws.registerPayloadHandler(async ({ sender, payload }) => {
      const { id, params } = JSON.parse(Buffer.from(payload, 'hex').toString('utf8'));
      const answer = await signedPrice(params).then(
        (result) => ({ jsonrpc: '2.0', id, result }),
        (error) => ({ jsonrpc: '2.0', id, error: { code: -32000, message: error.message } }),
      );
      _STD_.ws.send(sender, Buffer.from(JSON.stringify(answer)).toString('hex'));
    });
  },
  (message) => print('oracle: ' + message),
);
