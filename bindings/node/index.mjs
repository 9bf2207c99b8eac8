// The same for `import`: every name of index.js, by name.
import acurast from './index.js';

export * from './lib/errors.mjs';
export const {
  AcurastClient,
  Client,
  Identity,
  Message,
  RpcError,
  Service,
  WebSocketTransportClient,
  compressKey,
  configure,
  connect,
  idOf,
  verify,
  verifyDigest,
  version,
} = acurast;
