// The vendor's unmodified npm client against our service.
'use strict'

const assert = require('node:assert')
const crypto = require('node:crypto')
const path = require('node:path')
const { test, before, after, describe } = require('node:test')

const { Program, Service, eventually, firstRound } = require('./lib/program')
const { Vendor, keyPair } = require('./lib/vendor')

const binary = {
  'an empty payload': Buffer.alloc(0),
  'one byte': Buffer.from([0]),
  'all bytes': Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  '1 MiB': crypto.randomBytes(1024 * 1024),
}

const texts = ['hello', 'ünïcödé ✓ 🐙', '{"jsonrpc":"2.0","id":1,"method":"add","params":[1,2]}', 'x'.repeat(100_000)]

function child(url, keys) {
  return new Program('vendor', [path.join(__dirname, 'lib', 'vendor_child.js'), url, JSON.stringify(keys)], { file: process.execPath })
}

describe('two vendor clients through our service', () => {
  let service, dapp, processor

  before(async () => {
    service = await Service.start('--threads', '2')
    dapp = await Vendor.start(service.url)
    processor = await Vendor.start(service.url)
  })

  after(async () => {
    await dapp?.close()
    await processor?.close()
    assert.deepStrictEqual(await service?.end(), { code: 0, signal: null })
  })

  const ways = { 'dApp to processor': () => [dapp, processor], 'processor to dApp': () => [processor, dapp] }
  for (const [way, pick] of Object.entries(ways)) {
    for (const [name, payload] of Object.entries(binary)) {
      test(`${name} from ${way}`, async () => {
        const [from, to] = pick()
        await from.send(to.id, new Uint8Array(payload))
        assert.deepStrictEqual(await to.next(), { sender: from.id, recipient: to.id, payload })
      })
    }

    for (const text of texts) {
      test(`the text ${text.slice(0, 20)} from ${way}`, async () => {
        const [from, to] = pick()
        await from.send(to.id, text)
        const { sender, payload } = await to.next()
        assert.strictEqual(sender, from.id)
        assert.strictEqual(payload.toString('utf8'), text)
      })
    }

    test(`a compressed key as recipient from ${way}`, async () => {
      const [from, to] = pick()
      await from.send(to.keys.compressed, 'by key')
      assert.strictEqual((await to.next()).payload.toString(), 'by key')
    })

    test(`500 messages in order from ${way}`, async () => {
      const [from, to] = pick()
      for (let number = 0; number < 500; number++) await from.send(to.id, `number ${number}`)
      for (let number = 0; number < 500; number++) assert.strictEqual((await to.next()).payload.toString(), `number ${number}`)
    })
  }

  test('the id that the vendor computes is the one that the service uses', () => {
    assert.strictEqual(dapp.client.idFromPublicKey(dapp.keys.compressed), dapp.id)
  })
})

// The echo and the service that it came back to; nothing where its process has died, whose last words go to `deaths`.
async function echoAfterRestart(keys, deaths) {
  const first = await Service.start()
  const echo = child(first.url, keys)
  assert.strictEqual(JSON.parse(await echo.line()).event, 'started')
  await first.kill()
  const second = await Service.start('--listen', `127.0.0.1:${first.port}`)
  const asker = await Vendor.start(second.url)
  let asked = 0
  await eventually(async () => {
    if (echo.result) return true
    await asker.send(keys.id, `anybody ${asked++}`)
    return asker.received.length > 0
  }, 'an echo after the restart')
  if (!echo.result) return { echo, second, asker }
  deaths.push(...echo.errors)
  await asker.close()
  await second.end()
  return undefined
}

test('a vendor client reconnects to a new service on the same port and is reached again', async () => {
  const keys = keyPair()
  const deaths = []
  const back = await firstRound(() => echoAfterRestart(keys, deaths))
  assert.ok(back, `the vendor's client died each time: ${deaths.join('\n')}`)
  const first_echo = await back.asker.next()
  assert.strictEqual(first_echo.sender, keys.id)
  await back.asker.close()
  await back.echo.kill()
  await back.second.end()
})

test('two vendor clients of one key do not evict each other for ever', async () => {
  const service = await Service.start()
  const keys = keyPair()
  const first = child(service.url, keys)
  assert.strictEqual(JSON.parse(await first.line()).event, 'started')
  const second = child(service.url, keys)
  assert.strictEqual(JSON.parse(await second.line()).event, 'started')
  const figure = async (pattern) => {
    const page = await (await fetch(`${service.url.replace('ws', 'http')}/metrics`)).text()
    return Number(pattern.exec(page)?.[1])
  }
  const takeovers = () => figure(/^acurast_takeovers_total (\d+)$/m)
  const turnedAway = () => figure(/^acurast_handshakes_total\{result="incumbent"\} (\d+)$/m)
  await eventually(async () => (await turnedAway()) >= 2, 'the loser to be turned away')
  assert.strictEqual(await takeovers(), 3)
  const asker = await Vendor.start(service.url)
  await asker.send(keys.id, 'who is it?')
  assert.strictEqual((await asker.next()).payload.toString(), 'who is it?')
  await eventually(async () => (await turnedAway()) >= 4, 'the loser to try again')
  assert.strictEqual(await takeovers(), 3)
  await asker.close()
  await first.kill()
  await second.kill()
  await service.end()
})

test('a vendor client falls over to the second service of its list', async () => {
  const service = await Service.start()
  const other = await Service.start()
  const dead = other.url
  await other.end()
  const vendor = await Vendor.start([dead, service.url])
  await vendor.send(vendor.id, 'to myself')
  assert.strictEqual((await vendor.next()).payload.toString(), 'to myself')
  await vendor.close()
  await service.end()
})

test('a payload for a vendor client that has just left waits in the mailbox', async () => {
  const service = await Service.start()
  const keys = keyPair()
  const away = await Vendor.start(service.url, keys)
  const sender = await Vendor.start(service.url)
  await away.close()
  const ids = async () => /^acurast_ids (\d+)$/m.exec(await (await fetch(`${service.url.replace('ws', 'http')}/metrics`)).text())[1]
  await eventually(async () => (await ids()) === '1', 'the departure')
  for (const text of ['one', 'two', 'three']) await sender.send(keys.id, text)
  await sender.send(sender.id, 'all sent')
  assert.strictEqual((await sender.next()).payload.toString(), 'all sent')
  const back = await Vendor.start(service.url, keys)
  for (const text of ['one', 'two', 'three']) assert.strictEqual((await back.next()).payload.toString(), text)
  await back.close()
  await sender.close()
  await service.end()
})
