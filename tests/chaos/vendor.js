// The vendor's unmodified client as a program of the chaos test: it says in its journal what peer.c says, and takes the same words.
//
//   node vendor.js --url URL --secret HEX --name NAME --journal FILE --seed N --to ID,ID --rate N --life SECONDS
//
// It sends plain payloads alone. It tells nobody when it loses its connection, so there is a T line for the first one only. Where it
// cannot come back it dies, as it does in anybody's program.
'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const readline = require('node:readline')
const { createRequire } = require('node:module')

const { AcurastClient } = createRequire(path.join(__dirname, '..', 'interop', 'package.json'))('@acurast/dapp')

const CONNECT_MS = 3000
const TURN_MS = 5
const BURST = 16
const CONNECTED = 3

const settings = {}
for (let at = 2; at + 1 < process.argv.length; at += 2) settings[process.argv[at].slice(2)] = process.argv[at + 1]
const recipients = settings.to.split(',')
const journal = fs.openSync(settings.journal, 'a', 0o600)
let [random, next, open, sending] = [BigInt(settings.seed) * 2n + 1n, 0, 0, false]

function say(...words) {
  fs.writeSync(journal, words.join(' ') + '\n')
}

// xorshift64*, as in peer.c
function any(below) {
  random ^= random >> 12n
  random ^= (random << 25n) & 0xffffffffffffffffn
  random ^= random >> 27n
  return Number((((random * 0x2545f4914f6cdd1dn) & 0xffffffffffffffffn) >> 11n) % BigInt(below))
}

function filler(number, at) {
  return (number * 31 + at * 7 + (at >> 8)) & 255
}

// The payload of a send, as journal.c makes it.
function filled(number, size) {
  const front = `${settings.name} ${number} 0 `
  const least = Math.max(size, front.length + 12)
  const head = Buffer.from(`${front}${least} `)
  return Buffer.concat([head, Buffer.from(Array.from({ length: least - head.length }, (_, at) => filler(number, head.length + at)))])
}

function isWhole(payload, head) {
  const [, number, , size] = head.split(' ').map(Number)
  return size === payload.length && payload.subarray(head.length).every((byte, at) => byte === filler(number % 256, head.length + at))
}

function received({ sender, payload }) {
  const bytes = Buffer.from(payload)
  const head = /^(?:[!-~]+ ){4}/.exec(bytes.subarray(0, 96).toString('latin1'))?.[0]
  const who = Buffer.from(sender).toString('hex')
  say('R', who, head ? `${head}${isWhole(bytes, head) ? 'whole' : 'damaged'}` : '? 0 0 0 damaged')
}

function keys() {
  const ecdh = crypto.createECDH('prime256v1')
  ecdh.setPrivateKey(settings.secret, 'hex')
  const id = crypto.createHash('sha256').update(ecdh.getPublicKey(null, 'compressed')).digest('hex').slice(0, 32)
  return { secretKey: settings.secret, publicKey: ecdh.getPublicKey('hex'), id }
}

function someSize() {
  return any(100) < 85 ? any(200) : any(20000)
}

// Once it has gone to the socket nobody knows more of it. While there is none the client throws, and nothing has gone.
async function sendOne(client) {
  const [number, to, size] = [++next, recipients[any(recipients.length)], someSize()]
  const payload = filled(number, size)
  say('S', number, to, 0, payload.length, 5000)
  open++
  let outcome = 'OK'
  try {
    await client.send(Buffer.from(to, 'hex'), new Uint8Array(payload))
  } catch (error) {
    if (!/not open/.test(error.message)) throw error
    outcome = 'BAD_STATE'
  }
  say('O', number, outcome, 0)
  open--
}

// Its sends are in the order of the calls only where each is waited for.
async function sendOn(client) {
  const pause = Math.max(TURN_MS, 1000 / Number(settings.rate))
  for (;;) {
    for (let i = 0; sending && i < BURST && any(2); i++) await sendOne(client)
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

async function end(client) {
  sending = false
  await client.close()
  say('E', open, 0, 1, 0, 0)
  process.exit(0)
}

function obey(client, word) {
  say('W', word)
  if (word === 'send') sending = true
  if (word === 'finish' || word === 'close') return end(client)
  return undefined
}

async function main() {
  const { id, ...pair } = keys()
  say('B', settings.name, id)
  setTimeout(() => {
    say('X', `open=${open}`)
    process.exit(4)
  }, Number(settings.life) * 1000)
  const client = new AcurastClient([settings.url], CONNECT_MS)
  client.onMessage(received)
  const words = readline.createInterface({ input: process.stdin })
  const heard = []
  words.on('line', (word) => heard.push(word))
  await client.start(pair)
  say('T', CONNECTED, 'OK', 0)
  for (const word of heard) await obey(client, word)
  words.removeAllListeners('line').on('line', (word) => void obey(client, word))
  words.on('close', () => void obey(client, 'close'))
  await sendOn(client)
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
