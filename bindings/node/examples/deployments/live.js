// Live code: runs the code in a payload and sends back what it printed and what came out. For nobody but yourself.
_STD_.ws.open(
  ['wss://ws-1.ws-server-1.acurast.com', 'wss://ws-1.ws-server-2.acurast.com'],
  () => {
    _STD_.ws.registerPayloadHandler((payload) => {
      const respond = (type, data) => {
        const text = JSON.stringify({ type, data });
        _STD_.ws.send(payload.sender, Buffer.from(text).toString('hex'));
      };
      console.log = (...args) => {
        print(args.join(' '));
        respond('log', args);
      };
      try {
        const code = Buffer.from(payload.payload, 'hex').toString();
        Promise.resolve(eval(code)).then(
          (value) => respond('result', value),
          (error) => respond('error', String(error)),
        );
      } catch (error) {
        respond('error', String(error));
      }
    });
  },
  (err) => {
    print('open: ' + err);
  },
);
