// The vendor's client in a process of its own, as an echo: what it does after a close, it does to this process alone.
// One line a happening: {"event": "started" | "message", ...}.
'use strict'

const { Vendor } = require('./vendor')

async function main() {
  const [url, keys] = process.argv.slice(2)
  const vendor = await Vendor.start(url.split(','), JSON.parse(keys))
  console.log(JSON.stringify({ event: 'started' }))
  for (;;) {
    const message = await vendor.next()
    console.log(JSON.stringify({ event: 'message', ...message, payload: message.payload.toString('hex') }))
    await vendor.send(Buffer.from(message.sender, 'hex'), new Uint8Array(message.payload))
  }
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
