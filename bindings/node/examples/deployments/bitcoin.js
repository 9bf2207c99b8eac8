// Signs inputs of Bitcoin transactions with a key below the deployment's own: the hash of BIP 143, the signature as DER with SIGHASH_ALL.
//
//     npx acurast-processor bitcoin.js --local --state deployment
const PATH = 'm/0/1';
const SIGHASH_ALL = 1;
const { sha256, rawSignHD } = _STD_.chains.bitcoin.signer;

const number = (value, bytes) => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer.subarray(0, bytes).toString('hex');
};
const sized = (hex) => number(hex.length / 2, 1) + hex; // scripts here are shorter than 253 bytes
const outpoint = ({ txid, vout }) => Buffer.from(txid, 'hex').reverse().toString('hex') + number(vout, 4);
const doubled = (hex) => sha256(sha256(hex));

function hashForWitness({ version, inputs, outputs, locktime }, index) {
  const { sequence, scriptCode, amount } = inputs[index];
  return doubled(
    number(version, 4) +
      doubled(inputs.map(outpoint).join('')) +
      doubled(inputs.map((input) => number(input.sequence, 4)).join('')) +
      outpoint(inputs[index]) +
      sized(scriptCode) +
      number(amount, 8) +
      number(sequence, 4) +
      doubled(outputs.map((output) => number(output.amount, 8) + sized(output.script)).join('')) +
      number(locktime, 4) +
      number(SIGHASH_ALL, 4),
  );
}

/** r and s as DER: without zeros in front, but for one before a high bit. */
function der(signature) {
  const integer = (hex) => {
    const short = hex.replace(/^(00)+(?=..)/, '');
    return '02' + sized(parseInt(short.slice(0, 2), 16) > 127 ? '00' + short : short);
  };
  return '30' + sized(integer(signature.slice(0, 64)) + integer(signature.slice(64)));
}

const methods = {
  keys: () => ({
    publicKey: _STD_.chains.bitcoin.getPublicKey(PATH),
    xpub: _STD_.chains.bitcoin.getExtendedPublicKey('0488b21e', PATH),
  }),
  sign({ transaction, index }) {
    const hash = hashForWitness(transaction, index);
    return { hash, signature: der(rawSignHD(hash, PATH)) + number(SIGHASH_ALL, 1) };
  },
};

_STD_.ws.open(
  ['wss://ws-1.ws-server-1.acurast.com', 'wss://ws-1.ws-server-2.acurast.com'],
  () => {
    print('signer: open');
    _STD_.ws.registerPayloadHandler(({ sender, payload }) => {
      const { id, method, params } = JSON.parse(Buffer.from(payload, 'hex').toString());
      let answer;
      try {
        answer = { jsonrpc: '2.0', id, result: methods[method](params) };
      } catch (error) {
        answer = { jsonrpc: '2.0', id, error: { code: -32000, message: error.message } };
      }
      _STD_.ws.send(sender, Buffer.from(JSON.stringify(answer)).toString('hex'));
    });
  },
  (message) => print('signer: ' + message),
);
