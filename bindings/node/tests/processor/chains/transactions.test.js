'use strict';
// What would be sent to a chain: recorded, shown, given to the test, and never sent; the script hears success or failure. And Aeternity,
// whose data is for such calls alone.

const assert = require('node:assert/strict');
const http = require('node:http');
const { test } = require('node:test');
const { command, deploy, evaluate, folder } = require('../lib/harness');
const { table, values } = require('./harness');

const FEES = '{ fee: 1500, gasLimit: 3000, storageLimit: 0 }';
const CALLS = {
  'tezos.fulfill': `('https://a.example', { price: 1 }, ${FEES}`,
  'tezos.customCall': `(['https://a.example', 'https://b.example'], [1n, '0x00'], { ...${FEES}, destination: 'KT1x', entrypoint: 'sign' }`,
  'ethereum.fulfill': "('https://a.example', '0x00', '0xff', { methodSignature: 'f(bytes)', gasLimit: '9000000' }",
  'substrate.fulfill': "('https://a.example', '00ff', { callIndex: '0x2101' }",
  'substrate.contract.fulfill': "('https://a.example', '0x4606', '5abc', 'ff', { refTime: '1', proofSize: '2' }",
  'substrate.contract.callView': "('https://a.example', 'get', '5abc', 'ff', {}",
  'substrate.gear.sendMessage': "('https://a.example', '0x1a00', '0x01', new Uint8Array([255]), { gasLimit: '1', value: '0', keepAlive: true }",
  'aeternity.fulfill': "('https://a.example', 'ct_x', [chains.aeternity.data.int(5)], { functionName: 'f' }",
};
const HASHES = {
  tezos: /^o[1-9A-HJ-NP-Za-km-z]{50}$/,
  aeternity: /^th_[1-9A-HJ-NP-Za-km-z]+$/,
  ethereum: /^0x[0-9a-f]{64}$/,
  substrate: /^0x[0-9a-f]{64}$/,
};

const SCRIPT = `const { chains } = _STD_; ${Object.entries(CALLS)
  .map(([name, words]) => `chains.${name}${words}, (hash) => print(JSON.stringify(['${name}', hash])), (error) => print(JSON.stringify(['${name}', error])));`)
  .join('\n')}`;

test('every call is recorded with its arguments, and succeeds with a hash of its chain', async (t) => {
  const { deployment, events } = await deploy(t, { code: SCRIPT });
  assert.equal(await deployment.ended, 0);
  const heard = events.all.filter(({ event }) => event === 'print').map(({ text }) => JSON.parse(text));
  assert.deepEqual(heard.map(([name]) => name), Object.keys(CALLS)); // in order, each once
  const { transactions } = deployment;
  assert.deepEqual(transactions.map(({ call, outcome }) => [call, outcome]), Object.keys(CALLS).map((name) => [name, 'success']));
  for (const [i, { call, hash }] of transactions.entries()) {
    assert.equal(heard[i][1], hash);
    assert.match(hash, HASHES[call.split('.')[0]]);
  }
  assert.equal(new Set(transactions.map(({ hash }) => hash)).size, transactions.length);
  assert.deepEqual(
    events.all.filter(({ event }) => event === 'transaction').map(({ event: _event, ...rest }) => rest),
    transactions,
  );
  const { hash: _hash, ...custom } = transactions[1];
  assert.deepEqual(custom, {
    call: 'tezos.customCall',
    nodes: ['https://a.example', 'https://b.example'],
    payload: ['1', '0x00'],
    extra: { fee: 1500, gasLimit: 3000, storageLimit: 0, destination: 'KT1x', entrypoint: 'sign' },
    outcome: 'success',
  });
  const gear = transactions[6];
  assert.deepEqual([gear.callIndex, gear.destination, gear.payload, gear.extra.keepAlive], ['0x1a00', '0x01', 'ff', true]);
  assert.deepEqual(transactions[7].payload, [{ type: 'int', value: '5' }]);
});

test('--fulfill fail: each call fails with a message in a list, and that is recorded', async (t) => {
  const { deployment, events } = await deploy(t, { code: SCRIPT }, { fulfill: 'fail' });
  assert.equal(await deployment.ended, 0);
  const heard = events.all.filter(({ event }) => event === 'print').map(({ text }) => JSON.parse(text));
  assert.deepEqual(heard, Object.keys(CALLS).map((name) => [name, ['acurast-processor runs with --fulfill fail']]));
  for (const one of deployment.transactions) assert.deepEqual([one.outcome, one.hash], ['fail', undefined]);
});

test('aeternity.staticCall, which reads, is recorded and always fails', async (t) => {
  const code = `_STD_.chains.aeternity.staticCall('https://a.example', 'ct_x', [], { functionName: 'f' }, print, (error) => print(JSON.stringify(error)))`;
  const { deployment, events } = await deploy(t, { code });
  assert.equal(await deployment.ended, 0);
  assert.match((await events.next({ event: 'print' })).text, /^\["acurast-processor reads no chain; a --prelude/);
  assert.deepEqual([deployment.transactions[0].call, deployment.transactions[0].outcome], ['aeternity.staticCall', 'fail']);
});

test('a failure that no callback takes is reported; a success may be ignored', async (t) => {
  const code = `_STD_.chains.ethereum.fulfill('https://a.example', '0x00', '0xff')`;
  const { events } = await evaluate(t, code, { fulfill: 'fail' });
  assert.match((await events.next({ event: 'error', where: 'chains.ethereum.fulfill' })).message, /--fulfill fail/);
  const fine = await evaluate(t, code);
  assert.deepEqual([fine.code, fine.events.all.some(({ event }) => event === 'error')], [0, false]);
});

test('--chain-rpc is told as the node, and nothing is sent there, nor to those of the script', async (t) => {
  let asked = 0;
  const server = http.createServer((_request, response) => response.end(String(++asked)));
  server.on('connection', () => asked++);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}`;
  const code = SCRIPT.replaceAll('https://a.example', url);
  const script = `${folder(t)}/script.js`;
  require('node:fs').writeFileSync(script, code);
  const said = command(t, [script, '--chain-rpc', url, '--chain-rpc', 'https://c.example']);
  assert.equal((await said.ended).code, 0);
  const told = said.events.all.filter(({ event }) => event === 'transaction');
  assert.equal(told.length, Object.keys(CALLS).length);
  for (const { nodes } of told) assert.deepEqual(nodes, [url, 'https://c.example']);
  assert.equal((await command(t, [script]).ended).code, 0);
  assert.equal(asked, 0);
});

test('the flags --fulfill and --script-hash', async (t) => {
  const script = `${folder(t)}/script.js`;
  const code = `print(_STD_.scriptHash); _STD_.chains.ethereum.fulfill('https://a.example', '0x01', '0x', {}, print, (messages) => print(messages.join()))`;
  require('node:fs').writeFileSync(script, code);
  const said = command(t, [script, '--fulfill', 'fail', '--script-hash', 'ipfs://QmX']);
  assert.equal((await said.ended).code, 0);
  const printed = said.events.all.filter(({ event }) => event === 'print').map(({ text }) => text);
  assert.deepEqual(printed, ['ipfs://QmX', 'acurast-processor runs with --fulfill fail']);
  const wrong = command(t, [script, '--fulfill', 'perhaps'], { json: false });
  assert.equal((await wrong.ended).code, 2);
  assert.match(wrong.err, /fulfill must be one of success, fail, not "perhaps"/);
});

test('people see what is not sent', async (t) => {
  const script = `${folder(t)}/script.js`;
  require('node:fs').writeFileSync(script, `_STD_.chains.ethereum.fulfill('https://a.example', '0x01', '\\x1b[2J')`);
  const said = command(t, [script], { json: false });
  assert.equal((await said.ended).code, 0);
  assert.match(said.err, /not sent +ethereum\.fulfill to 0x01 at https:\/\/a\.example: /);
  assert.match(said.err, /the script hears success, 0x[0-9a-f]{64}/);
  assert.ok(!said.err.includes('\x1b'));
});

test('wrong arguments are errors at the call', (t) =>
  table(t, {
    'chains.tezos.fulfill(1, {})': /nodes must be a URL or a list of them, not a number/,
    'chains.tezos.fulfill([], {})': /nodes must be a URL or a list of them/,
    "chains.tezos.fulfill('https://a', 1)": /extra must have fee and gasLimit and storageLimit for _STD_\.chains\.tezos\.fulfill/,
    "chains.tezos.fulfill('https://a', 1, { fee: 1, gasLimit: 2 })": /extra must have storageLimit for/,
    "chains.tezos.fulfill('https://a', 1, 2)": /extra must be an object, not a number/,
    [`chains.tezos.fulfill('https://a', 1, ${FEES}, 'x')`]: /success must be a function, not a string/,
    "chains.substrate.fulfill('https://a', '00', {})": /extra must have callIndex/,
    "chains.substrate.contract.fulfill('https://a', '0x4606', 1, 'ff', {})": /destination must be a string, not a number/,
    "chains.substrate.gear.sendMessage('https://a', '0x', 'x', 'ff', { gasLimit: '1' })": /extra must have value and keepAlive/,
    "chains.aeternity.fulfill('https://a', 'ct_x', [1], {})": /payload\[0\] must be made by _STD_\.chains\.aeternity\.data/,
    "chains.ethereum.fulfill('https://a', '0x', (() => { const a = {}; a.a = a; return a })())": /circular/i,
  }));

const ACCOUNT = 'ak_2swhLkgBPeeADxVTAVCJnZLY5NZtCFiM93JxsEaMuC59euuFRQ';

test('aeternity: the arguments of calls', async (t) => {
  const data = 'chains.aeternity.data';
  await table(t, {
    [`${data}.int(5)`]: { type: 'int', value: '5' },
    [`${data}.int('-7')`]: { type: 'int', value: '-7' },
    [`${data}.int(1.9)`]: { type: 'int', value: '1' },
    [`${data}.string('x')`]: { type: 'string', value: 'x' },
    [`${data}.bytes('0x00ff')`]: { type: 'bytes', value: '00ff' },
    [`${data}.bytes(new Uint8Array([0, 255]))`]: { type: 'bytes', value: '00ff' },
    [`${data}.list([${data}.int(1)])`]: { type: 'list', value: [{ type: 'int', value: '1' }] },
    [`${data}.tuple([${data}.int(1)])`]: { type: 'tuple', value: [{ type: 'int', value: '1' }] },
    [`${data}.tuple(${data}.int(1), ${data}.string('x'))`]: {
      type: 'tuple',
      value: [{ type: 'int', value: '1' }, { type: 'string', value: 'x' }],
    },
    [`${data}.map([[${data}.string('k'), ${data}.int(1)]])`]: {
      type: 'map',
      value: [[{ type: 'string', value: 'k' }, { type: 'int', value: '1' }]],
    },
    [`${data}.account_pubkey('${ACCOUNT}')`]: { type: 'account_pubkey', value: ACCOUNT },
    [`${data}.account_pubkey('${ACCOUNT.slice(0, -1)}R')`]: /must be an address that begins with ak_/,
    [`${data}.account_pubkey('ct_x')`]: /must be an address that begins with ak_, not "ct_x"/,
    [`${data}.int('x')`]: /must be a whole number/,
    [`${data}.string(1)`]: /must be a string, not a number/,
    [`${data}.bytes('text')`]: /other characters/,
    [`${data}.list(1)`]: /values must be an array, not a number/,
    [`${data}.list([1])`]: /values\[0\] must be made by/,
    [`${data}.map([[${data}.int(1)]])`]: /values\[0\] must be a key and a value/,
  });
});

test('aeternity: the address is that of the ed25519 key', async (t) => {
  const [keys, address, taken] = await values(t, [
    '_STD_.job.getPublicKeys()',
    'chains.aeternity.getAddress()',
    'chains.aeternity.data.account_pubkey(chains.aeternity.getAddress()).value',
  ]);
  assert.equal(taken, address);
  const [decoded] = await values(t, [`chains.bitcoin.utils.base58CheckDecode('${address.slice(3)}')`]);
  assert.equal(decoded, keys.ed25519);
});
