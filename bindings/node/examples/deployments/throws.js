// A handler with a fault: some payloads make it throw, now or later. The deployment goes on.
_STD_.ws.open(['wss://ws-1.ws-server-1.acurast.com'], () => {
  _STD_.ws.registerPayloadHandler(({ sender, payload }) => {
    const text = Buffer.from(payload, 'hex').toString();
    if (text === 'now') throw new TypeError('thrown in the handler');
    if (text === 'later') setTimeout(() => null.nothing, 1);
    if (text === 'rejected') return Promise.reject(new RangeError('rejected in the handler'));
    _STD_.ws.send(sender, payload);
  });
});
