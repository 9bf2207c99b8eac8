// Our client and the vendor's client talk through our service.
'use strict'

const assert = require('node:assert')
const crypto = require('node:crypto')
const { test, before, after, describe } = require('node:test')

const { Service } = require('./lib/program')
const { Listener, keyFile, send } = require('./lib/peer')
const { Vendor } = require('./lib/vendor')

const payloads = {
  'an empty payload': Buffer.alloc(0),
  'a text': Buffer.from('hello, wörld ✓'),
  'all bytes': Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  '1 MiB': crypto.randomBytes(1024 * 1024),
}

describe('our client and the vendor’s through our service', () => {
  let service, key, vendor, echo, echoing

  before(async () => {
    service = await Service.start('--threads', '2')
    key = keyFile()
    echo = await Listener.start(service.url, key, '--echo')
    vendor = await Vendor.start(service.url)
    // An echo on the vendor's side.
    echoing = await Vendor.start(service.url)
    echoing.client.onMessage(({ sender, payload }) => echoing.send(sender, payload))
  })

  after(async () => {
    await vendor?.close()
    await echoing?.close()
    assert.deepStrictEqual(await echo?.end(), { code: 0, signal: null })
    assert.deepStrictEqual(await service?.end(), { code: 0, signal: null })
    key?.remove()
  })

  for (const [name, payload] of Object.entries(payloads)) {
    test(`${name}: the vendor's client asks, ours echoes`, async () => {
      await vendor.send(key.id, new Uint8Array(payload))
      const told = await echo.next('payload')
      assert.deepStrictEqual([told.sender, told.hex], [vendor.id, payload.toString('hex')])
      assert.deepStrictEqual(await vendor.next(), { sender: key.id, recipient: vendor.id, payload })
    })

    test(`${name}: ours asks, the vendor's client echoes`, async () => {
      const asker = keyFile()
      const digits = Buffer.from(payload.toString('hex'))
      const { code, lines, errors } = await send(service.url, asker, echoing.id, digits, '--wait', '1', '--hex')
      asker.remove()
      assert.strictEqual(code, 0, errors)
      assert.deepStrictEqual(lines, [payload.toString('hex')])
    })
  }

  test('the vendor reaches ours by its compressed key', async () => {
    await vendor.send(key.compressed, 'by key')
    assert.strictEqual((await echo.next('payload')).text, 'by key')
    assert.strictEqual((await vendor.next()).payload.toString(), 'by key')
  })

  test('ours reaches the vendor’s client by id and by both forms of its key', async () => {
    const asker = keyFile()
    for (const recipient of [vendor.id, vendor.keys.compressed, vendor.keys.publicKey, `0x${vendor.keys.publicKey}`]) {
      assert.strictEqual((await send(service.url, asker, recipient, 'found')).code, 0)
      assert.deepStrictEqual(await vendor.next(), { sender: asker.id, recipient: vendor.id, payload: Buffer.from('found') })
    }
    asker.remove()
  })

  test('1,000 questions of the vendor’s client are answered in order', async () => {
    for (let number = 0; number < 1000; number++) await vendor.send(key.id, `number ${number}`)
    for (let number = 0; number < 1000; number++) assert.strictEqual((await vendor.next()).payload.toString(), `number ${number}`)
  })
})
