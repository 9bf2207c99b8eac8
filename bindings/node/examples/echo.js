'use strict';
// An echo processor: `node echo.js URL [KEY.pem]`. Ctrl-C ends it.

const fs = require('node:fs');
const { Identity, connect } = require('acurast');

async function main(url, key) {
  const identity = key ? Identity.fromPem(fs.readFileSync(key)) : Identity.generate();
  const client = await connect(url, { identity });
  process.once('SIGINT', () => client.close());
  console.log('id', client.id);
  for await (const message of client) {
    client.send(message.sender, message.payload).catch((error) => console.error(error.message));
  }
}

main(...process.argv.slice(2));
