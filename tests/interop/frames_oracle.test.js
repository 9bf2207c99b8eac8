// What our reader of frames reads, the receiver of the package ws reads as well: the same messages and control frames, and the same code
// to close with where a frame is broken. Where they may differ is on a list.
'use strict'

const assert = require('node:assert')
const { test } = require('node:test')
const { Receiver } = require('ws')
const { Random, readAll } = require('./lib/wire')

const COUNT = 600
const LIMIT = 1000
const SLICES = [0, 1, 2, 3, 10, 100, 1000]

// ---- what ws reads

function statusOf(error) {
  return error[Object.getOwnPropertySymbols(error).find((symbol) => symbol.description === 'status-code')]
}

// In the words of `wire_reader`.
async function receive({ bytes, slice }, kind) {
  const words = []
  const receiver = new Receiver({ isServer: kind === 'service', maxPayload: LIMIT })
  const hex = (data) => Buffer.from(data).toString('hex')
  receiver.on('message', (data, binary) => words.push(`${binary ? 'binary' : 'text'}:${hex(data)}`))
  receiver.on('ping', (data) => words.push(`ping:${hex(data)}`))
  receiver.on('pong', (data) => words.push(`pong:${hex(data)}`))
  receiver.on('conclude', (code, reason) => words.push(`close:${code}:${hex(reason)}`))
  receiver.on('error', (error) => words.push(`error:${statusOf(error)}`))
  for (let at = 0; at < bytes.length && !receiver.destroyed && !receiver.writableEnded; at += slice || bytes.length) {
    receiver.write(Buffer.from(bytes.subarray(at, at + (slice || bytes.length)))) // a copy: it is unmasked in place
  }
  await new Promise(setImmediate)
  return words
}

// ---- frames, of which one may be broken

function frame(random, kind, { opcode, final, payload, form, masked = kind === 'service' }) {
  const length = form ?? (payload.length < 126 ? 0 : payload.length < 65536 ? 2 : 8)
  const head = Buffer.alloc(2 + length)
  head[0] = (final ? 0x80 : 0) | opcode
  head[1] = (masked ? 0x80 : 0) | (length === 0 ? payload.length : length === 2 ? 126 : 127)
  if (length === 2) head.writeUInt16BE(payload.length, 2)
  if (length === 8) head.writeBigUInt64BE(BigInt(payload.length), 2)
  if (!masked) return Buffer.concat([head, payload])
  const mask = Buffer.from([random.below(256), random.below(256), random.below(256), random.below(256)])
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ mask[i % 4])])
}

function someBytes(random, size, text) {
  return Buffer.from(Array.from({ length: size }, () => (text ? 97 + random.below(26) : random.below(256))))
}

const CODES = [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]
const REASONS = ['', 'gone', '\xe2\x82\xac', '\xc3', '\xed\xa0\x80']

function closePayload(random) {
  const code = Buffer.alloc(2)
  code.writeUInt16BE(random.one(CODES))
  const reason = random.one(REASONS)
  return random.one([Buffer.alloc(0), code.subarray(0, 1), Buffer.concat([code, Buffer.from(reason, 'latin1')])])
}

// Right frames, the last of which may close.
function rightFrames(random) {
  const frames = []
  let within = 0
  for (let i = random.below(8); i >= 0; i--) {
    const control = random.below(4) === 0
    const opcode = control ? random.one([9, 10]) : within ? 0 : random.one([1, 2, 2])
    const final = control || random.below(3) > 0
    const size = control ? random.below(126) : random.one([0, 1, 5, 125, 126, 127, 200, 500, 900])
    frames.push({ opcode, final, payload: someBytes(random, size, (within || opcode) === 1) })
    if (!control) within = final ? 0 : within || opcode
  }
  if (random.below(3) === 0) frames.push({ opcode: 8, final: true, payload: closePayload(random) })
  return frames
}

const BREAKS = [
  (random, one) => (one.opcode = random.below(16)),
  (random, one) => (one.opcode |= 1 << (4 + random.below(3))),
  (random, one) => (one.final = !one.final),
  (random, one, kind) => (one.masked = kind !== 'service'),
  (random, one) => (one.payload = someBytes(random, random.one([126, 130, 1001, 70000]))),
  (random, one) => (one.form = one.payload.length < 65536 ? random.one([2, 8]) : 8),
]

function someStream(random, kind) {
  const frames = rightFrames(random)
  if (random.below(2)) random.one(BREAKS)(random, random.one(frames), kind)
  const bytes = Buffer.concat(frames.map((each) => frame(random, kind, each)))
  if (random.below(4)) return bytes
  // What follows completes a frame that was cut: ws refuses some with the first half of their header.
  return Buffer.concat([random.mutate(bytes, ['\0', '\x7f\xff', '\x80', '\xff\x80\0\0\0\0\0\0\0']), Buffer.alloc(140)])
}

// ---- where they may differ

const tooLong = Buffer.from('a length that is not in its shortest form, or too large').toString('hex')

// What is behind the first difference is not compared.
const DIFFERENCES = [
  ['a length that is not in its shortest form is refused', '82fe00010000000061', (ours) => ours === `error:1002:${tooLong}`],
  ['a text is not looked into', '818100000000ff', (ours, theirs) => ours?.startsWith('text:') && theirs === 'error:1007'],
]

// Says how the two differ, if they do and need not. A message that is too large ends the comparison: who uses ours closes with 1009.
function compare({ bytes }, ours, theirs) {
  const plain = (word) => (word === 'large' ? 'error:1009' : word?.replace(/^(error:\d+):.*/, '$1'))
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    if (plain(ours[i]) !== theirs[i]) {
      const explained = DIFFERENCES.some(([, , explains]) => explains(ours[i], theirs[i]))
      return explained ? [] : [`${bytes.toString('hex')}: ${ours.join(' ')}; ws: ${theirs.join(' ')}`]
    }
    if (ours[i] === 'large') break
  }
  return []
}

for (const kind of ['service', 'client']) {
  test(`ws reads the same frames as our ${kind}`, async () => {
    const random = new Random(6455)
    const streams = Array.from({ length: COUNT }, () => ({ bytes: someStream(random, kind), slice: random.one(SLICES) }))
    const read = readAll(streams, kind, LIMIT)
    const differences = []
    for (const [i, stream] of streams.entries()) differences.push(...compare(stream, read[i], await receive(stream, kind)))
    assert.deepStrictEqual(differences.slice(0, 5), [], `${differences.length} differences`)
    const broken = read.filter((words) => words.at(-1)?.startsWith('error')).length
    assert.ok(broken > COUNT / 4 && broken < (COUNT * 3) / 4, `${broken} of ${COUNT} were refused`)
  })
}

for (const [what, hex] of DIFFERENCES) {
  test(`unlike ws: ${what}`, async () => {
    const stream = { bytes: Buffer.from(hex, 'hex'), slice: 0 }
    const [ours] = readAll([stream], 'service', LIMIT)
    const theirs = await receive(stream, 'service')
    assert.notDeepStrictEqual(ours, theirs)
    assert.deepStrictEqual(compare(stream, ours, theirs), [])
  })
}
