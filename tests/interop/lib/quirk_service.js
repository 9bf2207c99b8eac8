// A stand-in for the deployed service, with its quirks, written from observations of it:
//
//   - challenges and sockets are keyed by the sender field of a frame, so a stranger's init with my id sends me a challenge
//   - a failed handshake is answered with silence; the challenge is spent, a new init on the same socket works
//   - an unauthenticated init is closed after 30 s with 1008 "The connection timed out."
//   - a second connection of a key is locked out while the first lives: its challenge goes to the first
//   - the last 20 messages for a recipient are kept until 30 s after its disconnect and replayed on reconnect, delivered or not
//   - after 1,000 messages in a burst it stops reading for 10 s; order is kept and nothing is lost
//   - extra bytes after init are ignored, a response with extra bytes is not; unknown types and versions are ignored
//   - it never pings, never tells that a recipient is away, takes any path and the first subprotocol; GET / says "Hello!"
//
// The times can be shortened.
'use strict'

const crypto = require('node:crypto')
const http = require('node:http')
const { WebSocketServer } = require('ws')

const NOBODY = Buffer.alloc(16)
const TYPE = { init: 0, challenge: 1, response: 2, accepted: 3, payload: 4 }

function frame(type, sender, recipient, body = Buffer.alloc(0)) {
  return Buffer.concat([Buffer.from([0x10 | type]), sender, recipient, body])
}

function idOf(publicKey) {
  return crypto.createHash('sha256').update(publicKey).digest().subarray(0, 16)
}

// ECDSA over a digest as it is, which node:crypto does not offer: the vendor's own dependency does.
function verifies(publicKey, digest, signature) {
  const { ec: EC } = require('elliptic')
  try {
    const key = new EC('p256').keyFromPublic(publicKey)
    return key.verify(digest, { r: signature.subarray(0, 32), s: signature.subarray(32) })
  } catch {
    return false
  }
}

class QuirkService {
  constructor(options = {}) {
    this.times = { handshake: 30_000, keep: 30_000, pause: 10_000, burst: 1000, replay: 20, ...options }
    this.sockets = new Map() // id -> the socket that named it first
    this.challenges = new Map() // id -> challenge
    this.kept = new Map() // id -> last messages
    this.log = [] // what it saw, for the tests
    this.all = new Set()
  }

  static async start(options) {
    const service = new QuirkService(options)
    service.http = http.createServer((_request, response) => response.end('Hello!'))
    service.server = new WebSocketServer({
      server: service.http,
      maxPayload: 100 * 1024 * 1024,
      handleProtocols: (offered) => [...offered][0],
    })
    service.server.on('connection', (socket) => service.connected(socket))
    await new Promise((resolve) => service.http.listen(options?.port ?? 0, '127.0.0.1', resolve))
    service.port = service.http.address().port
    service.url = `ws://127.0.0.1:${service.port}`
    return service
  }

  count(event) {
    return this.log.filter((entry) => entry.event === event).length
  }

  note(event, more = {}) {
    this.log.push({ event, at: Date.now(), ...more })
  }

  connected(socket) {
    this.all.add(socket)
    this.note('connection')
    socket.burst = 0
    socket.on('message', (data, binary) => binary && this.message(socket, data))
    socket.on('close', () => this.closed(socket))
    socket.on('error', () => {})
  }

  message(socket, data) {
    if (data.length < 33 || data[0] >> 4 !== 1) return
    const sender = data.subarray(1, 17).toString('hex')
    const body = data.subarray(33)
    switch (data[0] & 15) {
      case TYPE.init:
        return this.init(socket, sender, body)
      case TYPE.response:
        return this.response(socket, sender, body)
      case TYPE.payload:
        return this.payload(socket, data)
    }
  }

  init(socket, sender, extra) {
    this.note('init', { sender, extra: extra.length })
    const owner = this.sockets.get(sender) ?? socket
    this.sockets.set(sender, owner)
    const challenge = crypto.randomBytes(16)
    this.challenges.set(sender, challenge)
    owner.send(frame(TYPE.challenge, NOBODY, Buffer.from(sender, 'hex'), Buffer.concat([Buffer.alloc(16, 0xff), challenge])))
    socket.timer ??= setTimeout(() => {
      if (!socket.accepted) socket.close(1008, 'The connection timed out.')
    }, this.times.handshake)
  }

  response(socket, sender, body) {
    this.note('response', { sender, size: body.length })
    const challenge = this.challenges.get(sender)
    this.challenges.delete(sender)
    if (body.length !== 129 || !challenge?.equals(body.subarray(0, 16))) return
    const publicKey = body.subarray(16, 49)
    const digest = crypto.createHash('sha256').update(body.subarray(0, 65)).digest()
    if (idOf(publicKey).toString('hex') !== sender || !verifies(publicKey, digest, body.subarray(65))) return
    if (this.times.refuse) return
    const owner = this.sockets.get(sender) ?? socket
    owner.accepted = true
    owner.id = sender
    this.note('accepted', { sender })
    const id = Buffer.from(sender, 'hex')
    owner.send(frame(TYPE.accepted, NOBODY, id))
    for (const data of this.kept.get(sender)?.messages ?? []) owner.send(data)
  }

  payload(socket, data) {
    if (!socket.accepted) return
    const recipient = data.subarray(17, 33).toString('hex')
    const owner = this.sockets.get(recipient)
    this.note('payload', { recipient, body: data.subarray(33) })
    if (owner?.accepted || this.kept.has(recipient)) this.keep(recipient, data)
    if (owner?.accepted) owner.send(data)
    if (++socket.burst >= this.times.burst) this.pause(socket)
  }

  keep(recipient, data) {
    if (!this.kept.has(recipient)) this.kept.set(recipient, { messages: [] })
    const { messages } = this.kept.get(recipient)
    messages.push(data)
    if (messages.length > this.times.replay) messages.shift()
  }

  pause(socket) {
    socket.burst = 0
    this.note('pause')
    socket.pause()
    socket.wake = setTimeout(() => socket.resume(), this.times.pause)
  }

  closed(socket) {
    this.all.delete(socket)
    clearTimeout(socket.timer)
    clearTimeout(socket.wake)
    this.note('closed', { sender: socket.id })
    for (const [id, owner] of this.sockets) {
      if (owner !== socket) continue
      this.sockets.delete(id)
      const kept = this.kept.get(id)
      if (!kept) continue
      clearTimeout(kept.timer)
      kept.timer = setTimeout(() => this.sockets.has(id) || this.kept.delete(id), this.times.keep).unref()
    }
  }

  // Breaks every connection without a goodbye.
  breakAll() {
    for (const socket of this.all) socket.terminate()
  }

  async close() {
    for (const socket of this.all) {
      clearTimeout(socket.timer)
      clearTimeout(socket.wake)
      socket.terminate()
    }
    this.server.close()
    await new Promise((resolve) => this.http.close(resolve))
  }
}

module.exports = { QuirkService, TYPE, frame, idOf }
