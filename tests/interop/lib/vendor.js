// The vendor's unmodified client, in this process.
'use strict'

const crypto = require('node:crypto')

// It never clears the timer of its connection timeout, which would hold the process for as long: let that timer not count.
const CONNECT_MS = 20_011
const plainSetTimeout = globalThis.setTimeout
globalThis.setTimeout = Object.assign((act, ms, ...more) => {
  const timer = plainSetTimeout(act, ms, ...more)
  if (ms === CONNECT_MS) timer.unref()
  return timer
}, plainSetTimeout)

const { AcurastClient } = require('@acurast/dapp')
const { eventually } = require('./program')

function keyPair() {
  const ecdh = crypto.createECDH('prime256v1')
  ecdh.generateKeys()
  const pair = {
    secretKey: ecdh.getPrivateKey('hex').padStart(64, '0'),
    publicKey: ecdh.getPublicKey('hex'),
    compressed: ecdh.getPublicKey('hex', 'compressed'),
  }
  pair.id = crypto.createHash('sha256').update(Buffer.from(pair.compressed, 'hex')).digest('hex').slice(0, 32)
  return pair
}

class Vendor {
  static async start(urls, keys = keyPair()) {
    const vendor = new Vendor()
    vendor.keys = keys
    vendor.id = keys.id
    vendor.received = []
    vendor.client = new AcurastClient([].concat(urls), CONNECT_MS)
    vendor.client.onMessage((message) => vendor.received.push(message))
    await vendor.client.start({ secretKey: keys.secretKey, publicKey: keys.publicKey })
    return vendor
  }

  send(recipient, payload) {
    return this.client.send(recipient, payload)
  }

  // The next message as { sender, recipient (hex), payload (Buffer) }.
  async next() {
    await eventually(() => this.received.length > 0, 'a message at the vendor’s client')
    const { sender, recipient, payload } = this.received.shift()
    return {
      sender: Buffer.from(sender).toString('hex'),
      recipient: Buffer.from(recipient).toString('hex'),
      payload: Buffer.from(payload),
    }
  }

  close() {
    return this.client.close()
  }
}

module.exports = { Vendor, keyPair }
