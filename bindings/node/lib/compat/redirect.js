'use strict';
// node --require acurast/redirect: programs that use the vendor's client go to the services of ACURAST_REDIRECT instead of those that they name,
// such as `acurast live`, whose list is fixed. The client is the vendor's own; only its list is another.

const Module = require('node:module');

const NAME = '@acurast/transport-websocket'; // which @acurast/dapp is made of
const services = (process.env.ACURAST_REDIRECT ?? '').split(/[\s,]+/).filter(Boolean);
const bad = services.find((url) => !/^wss?:/i.test(url) || !URL.canParse(url));
if (services.length === 0 || bad !== undefined) {
  throw new TypeError(`ACURAST_REDIRECT must be a ws:// or wss:// address, or several with commas, not ${JSON.stringify(bad ?? '')}`);
}

const redirected = new WeakMap(); // by what the package exports

function withOtherServices(exported) {
  if (!redirected.has(exported)) {
    class WebSocketTransportClient extends exported.WebSocketTransportClient {
      constructor(_urls, ...rest) {
        super([...services], ...rest);
      }
    }
    redirected.set(exported, { ...exported, WebSocketTransportClient });
  }
  return redirected.get(exported);
}

const load = Module._load;
Module._load = function (request, ...rest) {
  const exported = load.call(this, request, ...rest);
  return request === NAME ? withOtherServices(exported) : exported;
};
