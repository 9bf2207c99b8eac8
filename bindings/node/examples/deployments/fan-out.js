// A worker that works in slices and fans each result out to all who were named, as it comes.
const print = (...words) => console.log('fan-out:', ...words); // scripts shadow what they like

function* primes(from, to) {
  for (let n = Math.max(2, from); n < to; n++) {
    let prime = true;
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
    if (prime) yield n;
  }
}

function work({ from, to, slice, watchers }, sender) {
  const end = Math.min(from + slice, to);
  const result = Buffer.from(JSON.stringify({ from, to: end, primes: [...primes(from, end)] })).toString('hex');
  for (const watcher of [sender, ...watchers]) {
    _STD_.ws.send(watcher, result, undefined, (message) => print(`${watcher}: ${message}`));
  }
  if (end < to) setTimeout(work, 0, { from: end, to, slice, watchers }, sender);
}

// The handler may be there before the connection.
_STD_.ws.registerPayloadHandler(({ sender, payload }) => work(JSON.parse(Buffer.from(payload, 'hex')), sender));
_STD_.ws.open(['wss://ws-1.ws-server-1.acurast.com', 'wss://ws-1.ws-server-2.acurast.com']);
