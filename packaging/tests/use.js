'use strict';
// Uses an installed acurast:  node use.js CERTIFICATES   (with ca.pem, cert.pem and key.pem for localhost)
//
// A round trip by TLS, a signature, and the runner's echo. The last line is `used` where all went well.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { Identity, Service, connect, verify } = require('acurast');
const { runDeployment } = require('acurast/processor');

const SIGNED = Buffer.from('signed');
const at = (name) => path.join(process.argv[2], name);

function signing() {
  const [one, other] = [Identity.generate(), Identity.generate()];
  const signature = one.sign(SIGNED);
  assert.equal(verify(one.publicKey, SIGNED, signature), true);
  assert.equal(verify(other.publicKey, SIGNED, signature), false);
  assert.equal(verify(one.publicKey, Buffer.from('forged'), signature), false);
}

async function roundTrip() {
  const service = await Service.start({ tlsCert: at('cert.pem'), tlsKey: at('key.pem') });
  const url = service.url.replace('127.0.0.1', 'localhost');
  assert.match(url, /^wss:/);
  const client = await connect(url, { timeout: 30_000, caFile: at('ca.pem') });
  for (const size of [0, 1, 100_000]) {
    await client.sendText(client.id, 'e'.repeat(size));
    assert.equal((await client.receive()).text().length, size);
  }
  await client.close();
  await assert.rejects(connect(url, { timeout: 2000 }), (error) => {
    console.log(`a stranger is told: ${error.cause?.message ?? error.message}`);
    return true;
  });
  await service.close();
}

async function runnersEcho() {
  const script = path.join(path.dirname(require.resolve('acurast')), 'examples', 'deployments', 'echo.js');
  assert.ok(fs.existsSync(script));
  const deployment = await runDeployment(script, { local: true });
  const { service, publicKey } = await deployment.ready;
  const dapp = await connect(service, { timeout: 30_000 });
  await dapp.sendText(publicKey, 'echoed');
  assert.equal((await dapp.receive()).text(), 'echoed');
  await dapp.close();
  assert.equal(await deployment.stop(), 0);
}

(async () => {
  signing();
  await roundTrip();
  await runnersEcho();
  console.log('used');
})();
