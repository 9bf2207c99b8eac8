'use strict';
// Scripts in the shape of those that are deployed, each asked by our client and by the vendor's: a price oracle that signs for three
// kinds of chains, a signer of Bitcoin transactions, and live code that speaks Micheline.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { test } = require('node:test');
const { p256 } = require('@noble/curves/p256');
const { secp256k1 } = require('@noble/curves/secp256k1');
const { blake2b } = require('@noble/hashes/blake2b');
const { packDataBytes, unpackDataBytes } = require('@taquito/michel-codec');
const { build } = require('esbuild');
const { Struct, Vector, str, u64, u128 } = require('scale-ts');
const { decodeAbiParameters, keccak256, recoverAddress } = require('viem');
const { HERE, client, within } = require('../../lib/harness');
const { deploy, example, folder } = require('../lib/harness');

const INTEROP = path.join(HERE, '..', '..', 'tests', 'interop');
const noVendor = !fs.existsSync(path.join(INTEROP, 'node_modules')) && "the vendor's client is not installed in tests/interop";

/** Who asks: ask(bytes) resolves to the bytes of the answer. */
const askers = {
  async ours(t, { service, publicKey }) {
    const dapp = await client(t, service);
    return async (payload) => {
      await dapp.send(publicKey, payload);
      return Buffer.from((await within(dapp.receive(), 'an answer')).payload);
    };
  },
  async vendor(t, { service, publicKey }) {
    const { Vendor } = require(path.join(INTEROP, 'lib', 'vendor.js'));
    const dapp = await Vendor.start(service);
    const ask = async (payload) => {
      await dapp.send(publicKey, payload.toString('hex'));
      return (await dapp.next()).payload;
    };
    ask.close = () => dapp.close(); // before the service is gone: a vendor's client that reconnects kills its process
    return ask;
  },
};

/** A test for each asker; `use` gets the deployment and ask(). */
function asked(title, source, options, use) {
  for (const [who, connect] of Object.entries(askers)) {
    test(`${title}: ${who}`, { skip: who === 'vendor' && noVendor }, async (t) => {
      const { deployment, events } = await deploy(t, await source(t), await options(t));
      await events.next({ event: 'print', text: /open/ });
      const ask = await connect(t, deployment);
      try {
        await use({ ask, events });
      } finally {
        await ask.close?.();
      }
    });
  }
}

const askJson = async (ask, params, method) =>
  JSON.parse(await ask(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))));

async function bundled(t) {
  const outfile = path.join(folder(t), 'bundle.js');
  await build({ entryPoints: [example('signed-price.js')], bundle: true, platform: 'node', minify: true, outfile });
  return outfile;
}

async function priced(t) {
  const server = http.createServer((_request, response) => response.end('{"price": 64123.25, "timestamp": 1700000000}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { scriptHash: SCRIPT, env: { SOURCE: `http://127.0.0.1:${server.address().port}/price` } };
}

const SCRIPT = 'ipfs://QmVHRimsTBSEASEcnbd5MYLKzphBu1MfZqajKqtWrC3Zbm';
const PRICE = 64_123_250_000n;
const marked = (packed) => Buffer.concat([Buffer.from(`acusig${SCRIPT}`), Buffer.from(packed, 'hex')]);
const blake2 = (bytes) => Buffer.from(blake2b(bytes, { dkLen: 32 }));

asked('a price oracle signs for EVM, Substrate and Tezos', bundled, priced, async ({ ask }) => {
  const price = async (chain) => (await askJson(ask, { pair: 'BTC/USD', chain }, 'price')).result;

  const evm = await price('EVM');
  const components = [{ type: 'string' }, { type: 'uint128[]' }, { type: 'uint64' }];
  assert.deepEqual(decodeAbiParameters([{ type: 'tuple', components }], `0x${evm.packed}`), [['BTC/USD', [PRICE], 1700000000n]]);
  const signer = await recoverAddress({ hash: keccak256(marked(evm.packed)), signature: `0x${evm.signature}` });
  assert.equal(signer.toLowerCase(), `0x${evm.signer}`);

  const substrate = await price('Substrate');
  const scale = Struct({ pair: str, prices: Vector(u128), timestamp: u64 });
  assert.deepEqual(scale.dec(substrate.packed), { pair: 'BTC/USD', prices: [PRICE], timestamp: 1700000000n });
  const { Signature } = secp256k1;
  const raw = Buffer.from(substrate.signature, 'hex');
  const found = Signature.fromCompact(raw.subarray(0, 64))
    .addRecoveryBit(raw[64] - 27)
    .recoverPublicKey(blake2(Buffer.from(substrate.packed, 'hex')));
  assert.equal(found.toHex(true), substrate.signer);

  const tezos = await price('Tezos');
  const pair = (...args) => ({ prim: 'Pair', args });
  assert.deepEqual(unpackDataBytes({ bytes: tezos.packed }), [
    pair([{ string: String(PRICE) }], pair({ string: 'BTC/USD' }, { int: '1700000000' })),
  ]);
  assert.ok(p256.verify(tezos.signature, blake2(marked(tezos.packed)), tezos.signer, { lowS: false }));

  const { error } = await askJson(ask, { pair: 'BTC/USD', chain: 'Solana' }, 'price');
  assert.equal(error.message, 'unsupported chain: Solana');
});

// The first example of BIP 143, native P2WPKH: its second input.
const TRANSACTION = {
  version: 1,
  locktime: 17,
  inputs: [
    { txid: '9f96ade4b41d5433f4eda31e1738ec2b36f6e7d1420d94a6af99801a88f7f7ff', vout: 0, sequence: 0xffffffee },
    {
      txid: '8ac60eb9575db5b2d987e29f301b5b819ea83a5c6579d282d189cc04b8e151ef',
      vout: 1,
      sequence: 0xffffffff,
      amount: 600_000_000,
      scriptCode: '76a9141d0f172a0ecb48aee1be1f2687d2963ae33f71a188ac',
    },
  ],
  outputs: [
    { amount: 112_340_000, script: '76a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac' },
    { amount: 223_450_000, script: '76a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac' },
  ],
};
const HASH = 'c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670';

asked(
  'a Bitcoin signer signs inputs with a derived key',
  () => example('bitcoin.js'),
  () => ({}),
  async ({ ask }) => {
    const { result: keys } = await askJson(ask, {}, 'keys');
    assert.match(keys.xpub, /^xpub/);
    for (let i = 0; i < 8; i++) {
      const transaction = { ...TRANSACTION, locktime: 17 + i };
      const { result } = await askJson(ask, { transaction, index: 1 }, 'sign');
      if (i === 0) assert.equal(result.hash, HASH);
      const signature = Buffer.from(result.signature, 'hex');
      assert.equal(signature.at(-1), 1);
      const read = secp256k1.Signature.fromDER(signature.subarray(0, -1)); // strictly
      assert.ok(secp256k1.verify(read, result.hash, keys.publicKey)); // refuses a high s
    }
  },
);

asked(
  'live code answers in Micheline',
  () => example('live-micheline.js'),
  () => ({}),
  async ({ ask, events }) => {
    const run = async (code) => {
      const answer = await ask(Buffer.from(packDataBytes({ string: code }).bytes, 'hex'));
      return JSON.parse(unpackDataBytes({ bytes: answer.toString('hex') }).string);
    };
    assert.deepEqual(await run('1 + 1'), { type: 'success', data: 2 });
    assert.deepEqual(await run('(async () => _STD_.job.getSlot())()'), { type: 'success', data: 0 });
    assert.deepEqual(await run("throw new Error('mine')"), { type: 'error', data: 'mine' });
    assert.deepEqual(await run("(console.log('seen', 1), new Promise(() => {}))"), { type: 'log', data: ['seen', 1] });
    await events.next({ event: 'print', text: /seen/ });
    const broken = await ask(Buffer.from('no Micheline'));
    assert.equal(JSON.parse(unpackDataBytes({ bytes: broken.toString('hex') }).string).type, 'error');
  },
);
