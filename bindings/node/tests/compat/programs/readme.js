// The usage of the vendor's README: a dApp asks a processor and ends when the answer is there.
const { AcurastClient } = require('@acurast/dapp');

const [url, processor] = process.argv.slice(2);

async function main() {
  const acurastClient = new AcurastClient([url], 1000);

  await acurastClient.start({
    secretKey: 'f816e59353c58627039fbf5e96747a871244194b9db12095189554e78a6d4a45',
    publicKey:
      '04ae00462e82af267b42b477493450b04b8ed05e510eca2a40c6f7679b14e364b9d6f9c867a7e72b4880f9632450e5c2c03bd69424f786e10bb77e9bd09e322ef3',
  });

  acurastClient.onMessage(async (message) => {
    const { sender, recipient, payload } = message;
    const hex = [sender, recipient].map((id) => Buffer.from(id).toString('hex'));
    console.log(JSON.stringify({ from: hex[0], to: hex[1], text: payload.toString(), bytes: payload instanceof Uint8Array }));
    await acurastClient.close();
  });

  await acurastClient.send(processor, 'my message');
}

main();
