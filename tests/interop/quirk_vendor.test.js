// Is the quirk service a fair stand-in? The vendor's own client works with it, and its quirks show.
'use strict'

const assert = require('node:assert')
const { test } = require('node:test')
const WebSocket = require('ws')

const { eventually } = require('./lib/program')
const { QuirkService, TYPE, frame } = require('./lib/quirk_service')
const { Vendor, keyPair } = require('./lib/vendor')

async function withQuirks(options, act) {
  const service = await QuirkService.start(options)
  try {
    await act(service)
  } finally {
    await service.close()
  }
}

test('two vendor clients talk through the quirk service', () =>
  withQuirks({}, async (service) => {
    const [one, two] = await Promise.all([Vendor.start(service.url), Vendor.start(service.url)])
    await one.send(two.id, 'there')
    assert.strictEqual((await two.next()).payload.toString(), 'there')
    await two.send(one.keys.compressed, 'and back')
    assert.strictEqual((await one.next()).payload.toString(), 'and back')
    await one.close()
    await two.close()
  }))

test('the page of the quirk service says Hello!', () =>
  withQuirks({}, async (service) => {
    const answer = await fetch(service.url.replace('ws', 'http'))
    assert.strictEqual(await answer.text(), 'Hello!')
  }))

test('a stranger’s init with my id makes the vendor’s client sign for the stranger', () =>
  withQuirks({}, async (service) => {
    const victim = await Vendor.start(service.url)
    const stranger = new WebSocket(service.url)
    await new Promise((resolve) => stranger.on('open', resolve))
    stranger.send(frame(TYPE.init, Buffer.from(victim.id, 'hex'), Buffer.alloc(16)))
    await eventually(() => service.count('response') === 2, 'the second signature')
    stranger.terminate()
    await victim.close()
  }))

test('a second connection of a key is locked out, and its challenge goes to the first', () =>
  withQuirks({ handshake: 300 }, async (service) => {
    const keys = keyPair()
    const first = await Vendor.start(service.url, keys)
    const second = new WebSocket(service.url)
    await new Promise((resolve) => second.on('open', resolve))
    second.on('message', () => assert.fail('the second was answered'))
    second.send(frame(TYPE.init, Buffer.from(keys.id, 'hex'), Buffer.alloc(16)))
    const [code, reason] = await new Promise((resolve) => second.on('close', (...how) => resolve(how)))
    assert.strictEqual(code, 1008)
    assert.strictEqual(reason.toString(), 'The connection timed out.')
    await first.close()
  }))
