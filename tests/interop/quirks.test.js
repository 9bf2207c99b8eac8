// Our client against a service with the quirks of the deployed one: it must work there, and behave well.
'use strict'

const assert = require('node:assert')
const crypto = require('node:crypto')
const { test } = require('node:test')
const WebSocket = require('ws')

const { Program, eventually } = require('./lib/program')
const { EAGER, Listener, keyFile, send } = require('./lib/peer')
const { QuirkService, TYPE, frame } = require('./lib/quirk_service')
const { Vendor } = require('./lib/vendor')

// Runs `act(service, key)` and cleans up whatever it started with `keep`.
async function withQuirks(options, act) {
  const service = await QuirkService.start(options)
  const key = keyFile()
  const programs = []
  const keep = (program) => (programs.push(program), program)
  try {
    await act(service, key, keep)
  } finally {
    for (const program of programs) await program.end()
    await service.close()
    key.remove()
  }
}

async function stranger(service) {
  const socket = new WebSocket(service.url)
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  return socket
}

test('it logs in, with its extension block and without', () =>
  withQuirks({}, async (service, key) => {
    for (const flags of [[], ['--extensions', 'off']]) {
      const { code, lines, errors } = await send(service.url, key, key.id, 'to myself', '--wait', '1', ...flags)
      assert.strictEqual(code, 0, errors)
      assert.deepStrictEqual(lines, ['to myself'])
    }
    const inits = service.log.filter(({ event }) => event === 'init')
    assert.ok(inits[0].extra > 0, 'a block that the deployed service ignores')
    assert.strictEqual(inits[1].extra, 0, 'exactly what the vendor’s client sends')
    assert.ok(service.log.filter(({ event }) => event === 'response').every(({ size }) => size === 129))
  }))

test('it talks with the vendor’s client there', () =>
  withQuirks({}, async (service, key, keep) => {
    keep(await Listener.start(service.url, key, '--echo', '--quiet'))
    const vendor = await Vendor.start(service.url)
    for (const payload of [Buffer.alloc(0), Buffer.from('text'), crypto.randomBytes(1024 * 1024)]) {
      await vendor.send(key.id, new Uint8Array(payload))
      assert.deepStrictEqual((await vendor.next()).payload, payload)
    }
    await vendor.close()
  }))

test('it signs once: a stranger’s init with my id gets no signature, and harms nothing', () =>
  withQuirks({}, async (service, key, keep) => {
    const listener = keep(await Listener.start(service.url, key))
    const intruder = await stranger(service)
    for (let turn = 0; turn < 5; turn++) intruder.send(frame(TYPE.init, Buffer.from(key.id, 'hex'), Buffer.alloc(16), crypto.randomBytes(turn)))
    await eventually(() => service.count('init') === 6, 'the misdirected challenges')
    // What comes after them was handled after them.
    const other = keyFile()
    assert.strictEqual((await send(service.url, other, key.id, 'after the challenges')).code, 0)
    assert.strictEqual((await listener.next('payload')).text, 'after the challenges')
    other.remove()
    assert.strictEqual(service.log.filter(({ event, sender }) => event === 'response' && sender === key.id).length, 1)
    assert.strictEqual(service.log.filter(({ event }) => event === 'closed').length, 1, 'only the sender has left')
    intruder.terminate()
  }))

test('a stray accepted and unknown frames are ignored', () =>
  withQuirks({}, async (service, key, keep) => {
    const listener = keep(await Listener.start(service.url, key))
    const [socket] = service.all
    const id = Buffer.from(key.id, 'hex')
    socket.send(frame(TYPE.accepted, Buffer.alloc(16), id))
    for (let type = 5; type < 16; type++) socket.send(frame(type, Buffer.alloc(16), id, Buffer.from('?')))
    socket.send(Buffer.concat([Buffer.from([0x24]), Buffer.alloc(32), Buffer.from('version 2')]))
    socket.send(Buffer.alloc(10))
    socket.send(Buffer.alloc(0))
    socket.send(frame(TYPE.payload, Buffer.alloc(16), crypto.randomBytes(16), Buffer.from('for somebody else')))
    socket.send(frame(TYPE.payload, Buffer.alloc(16, 7), id, Buffer.from('for me')))
    assert.strictEqual((await listener.next()).text, 'for me')
  }))

test('silence on refusal ends by its own deadline, and it tries again', () =>
  withQuirks({ refuse: true }, async (service, key, keep) => {
    const listener = keep(new Listener(service.url, key, '--handshake-timeout', '200ms'))
    const told = await listener.next('disconnected')
    assert.strictEqual(told.status, 'UNRESPONSIVE')
    await eventually(() => service.count('response') >= 3, 'the next tries')
    service.times.refuse = false
    await listener.next('connected')
  }))

test('an init that is never accepted is closed with 1008 and tried again, not in a tight loop', () =>
  withQuirks({ refuse: true, handshake: 100 }, async (service, key, keep) => {
    const listener = keep(new Listener(service.url, key, '--refused-backoff', '400ms'))
    const told = await listener.next('disconnected')
    assert.deepStrictEqual([told.status, told.close_code, told.reason], ['REFUSED', 1008, 'The connection timed out.'])
    service.times.refuse = false
    await listener.next('connected')
    const [first, second] = service.log.filter(({ event }) => event === 'connection')
    assert.ok(second.at - first.at >= 100, `tried again after ${second.at - first.at} ms`)
  }))

test('a key whose first connection lives is locked out until that is gone', () =>
  withQuirks({ handshake: 200 }, async (service, key, keep) => {
    const first = keep(await Listener.start(service.url, key))
    const second = keep(new Listener(service.url, key, '--refused-backoff', '50ms', '--handshake-timeout', '5s'))
    const told = await second.next('disconnected')
    assert.strictEqual(told.close_code, 1008)
    // The challenge that was meant for the second went to the first, which did not sign it.
    assert.strictEqual(service.count('response'), 1)
    await first.end()
    await second.next('connected')
    const other = keyFile()
    assert.strictEqual((await send(service.url, other, key.id, 'welcome')).code, 0)
    assert.strictEqual((await second.next('payload')).text, 'welcome')
    other.remove()
  }))

test('replays after a reconnect are passed on after accepted, in order', () =>
  withQuirks({}, async (service, key, keep) => {
    const listener = keep(await Listener.start(service.url, key))
    const other = keyFile()
    for (let number = 0; number < 3; number++) {
      assert.strictEqual((await send(service.url, other, key.id, `number ${number}`)).code, 0)
      assert.strictEqual((await listener.next('payload')).text, `number ${number}`)
    }
    service.breakAll()
    await listener.next('connected')
    for (let number = 0; number < 3; number++) assert.strictEqual((await listener.next('payload')).text, `number ${number}`)
    other.remove()
  }))

test('1,300 answers in a burst survive the pause after 1,000', () =>
  withQuirks({ pause: 1500 }, async (service, key, keep) => {
    keep(await Listener.start(service.url, key, '--echo', '--quiet', '--ping-interval', '300ms', '--ping-timeout', '20s'))
    const asker = await Vendor.start(service.url)
    const count = 1300
    for (let number = 0; number < count; number++) await asker.send(key.id, `number ${number}`)
    for (let number = 0; number < count; number++) assert.strictEqual((await asker.next()).payload.toString(), `number ${number}`)
    assert.ok(service.count('pause') >= 2, 'both have been paused')
    assert.strictEqual(service.log.filter(({ event, sender }) => event === 'accepted' && sender === key.id).length, 1, 'no reconnect')
    await asker.close()
  }))

test('a pause longer than the ping timeout costs a reconnect and no more', () =>
  withQuirks({ pause: 10_000, burst: 50 }, async (service, key, keep) => {
    const listener = keep(await Listener.start(service.url, key, '--ping-interval', '200ms', '--ping-timeout', '300ms'))
    const [socket] = service.all
    service.pause(socket)
    assert.strictEqual((await listener.next('disconnected')).status, 'UNRESPONSIVE')
    socket.terminate() // it noticed nothing, and would lock the new connection out
    await listener.next('connected')
  }))

test('a service that never pings is pinged', () =>
  withQuirks({}, async (service, key, keep) => {
    keep(await Listener.start(service.url, key, '--ping-interval', '100ms', '--ping-timeout', '200ms'))
    const [socket] = service.all
    let pings = 0
    socket.on('ping', () => pings++)
    await eventually(() => pings >= 2, 'pings')
  }))

test('a restart of the service is survived', () =>
  withQuirks({}, async (service, key, keep) => {
    const listener = keep(await Listener.start(service.url, key, '--echo'))
    const { port } = service
    await service.close()
    await listener.next('disconnected')
    const again = await QuirkService.start({ port })
    try {
      await listener.next('connected')
      const vendor = await Vendor.start(again.url)
      await vendor.send(key.id, 'again')
      assert.strictEqual((await vendor.next()).payload.toString(), 'again')
      await vendor.close()
      await listener.end()
    } finally {
      await again.close()
    }
  }))

test('it falls over to the second service, and trims blanks of real lists', () =>
  withQuirks({}, async (service, key, keep) => {
    const away = await QuirkService.start({})
    const dead = away.url
    await away.close()
    const listener = keep(new Program('acurast-peer', ['listen', '--json', '--url', ` ${dead} `, '--url', ` ${service.url}`, '--key', key.file, ...EAGER]))
    await eventually(async () => JSON.parse(await listener.line()).event === 'connected', 'a connection')
  }))
