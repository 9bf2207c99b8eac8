// What `require` sees: compiled by types.test.js, never run.

import acurast = require('acurast');

export async function positive(identity: acurast.Identity): Promise<string> {
  const options: acurast.ClientOptions = { identity, linger: 0 };
  const client = new acurast.Client('ws://127.0.0.1:9001', options);
  await client.connect();
  const error: acurast.AcurastError = new acurast.BusyError('detail', { cause: 1 });
  // @ts-expect-error: nothing of this name
  void acurast.disconnect;
  return error.code + client.publicKey;
}
