// The known answers against the vendor's own code: they are facts about the deployed protocol, not about ours.
'use strict'

const assert = require('node:assert')
const path = require('node:path')
const { test } = require('node:test')
const { ec: EC } = require('elliptic')
const { forgeMessage, parseMessage, ...messages } = require('@acurast/transport-websocket')

const vectors = require('../vectors/v1.json')
const transport = path.dirname(require.resolve('@acurast/transport-websocket'))
const { Crypto } = require(path.join(transport, 'crypto.js'))

const bytes = (hex) => Buffer.from(hex, 'hex')
const hex = (data) => Buffer.from(data).toString('hex')

const make = {
  init: (v) => messages.createInitMessage(bytes(v.sender)),
  challenge: (v) => messages.createChallengeMessage(bytes(v.recipient), bytes(v.challenge), bytes(v.difficulty)),
  response: (v) =>
    messages.createResponseMessage(bytes(v.sender), bytes(v.challenge), bytes(v.public_key), bytes(v.nonce), bytes(v.signature)),
  accepted: (v) => messages.createAcceptedMessage(bytes(v.recipient)),
  payload: (v) => messages.createPayloadMessage(bytes(v.sender), bytes(v.recipient), bytes(v.payload)),
}

const fields = { difficulty: 'difficulty', challenge: 'challenge', public_key: 'publicKey', nonce: 'nonce', signature: 'signature', payload: 'payload' }

for (const vector of vectors.frames) {
  test(`the vendor forges the frame ${vector.name}`, () => {
    assert.strictEqual(hex(forgeMessage(make[vector.name](vector))), vector.frame)
  })

  test(`the vendor parses the frame ${vector.name}`, () => {
    const parsed = parseMessage(bytes(vector.frame))
    assert.strictEqual(parsed.type, vector.name)
    assert.strictEqual(hex(parsed.sender), vector.sender)
    assert.strictEqual(hex(parsed.recipient), vector.recipient)
    for (const [ours, theirs] of Object.entries(fields))
      if (vector[ours] !== undefined) assert.strictEqual(hex(parsed[theirs]), vector[ours], ours)
  })
}

test('the vendor compresses keys to the known answers', () => {
  for (const { public_key, compressed } of vectors.compress)
    assert.strictEqual(hex(new Crypto().compressP256PublicKey(bytes(public_key))), compressed)
})

test('the vendor hashes to the known answers', () => {
  for (const { data, digest } of vectors.sha256) assert.strictEqual(hex(new Crypto().sha256(bytes(data))), digest)
})

test('the vendor’s curve verifies the known signatures', () => {
  for (const { digest, signature, public_key, valid } of vectors.verify) {
    const key = new EC('p256').keyFromPublic(bytes(public_key))
    assert.strictEqual(key.verify(bytes(digest), { r: signature.slice(0, 64), s: signature.slice(64) }), valid)
  }
})

test('the vendor signs the known handshake, nonce and all', () => {
  for (const v of vectors.handshake) {
    const crypto = new Crypto()
    const signed = Buffer.concat([bytes(v.challenge), bytes(v.public_key), bytes(v.nonce)])
    assert.strictEqual(hex(crypto.senderId(bytes(v.public_key))), v.id)
    assert.strictEqual(hex(crypto.signP256(crypto.sha256(signed), bytes(v.secret_key))), v.signature)
  }
})
