_STD_.ws.open(
// open a websocket connection to the provided server
["wss://ws-1.ws-server-1.acurast.com", "wss://ws-1.ws-server-2.acurast.com "],
() => {
print("open: success");
_STD_.ws.registerPayloadHandler((payload) => {
// register a handler for incoming messages
_STD_.ws.send(payload.sender, payload.payload); // just send back the received message
});
},
(err) => {
print("open: error " + err);
}
);
