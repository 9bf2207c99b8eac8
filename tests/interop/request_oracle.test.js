// What our reader of requests takes, llhttp, which Node has inside, reads in the same way; and what it refuses although llhttp takes it is
// on a list.
'use strict'

const assert = require('node:assert')
const http = require('node:http')
const { Duplex } = require('node:stream')
const { test } = require('node:test')
const { Random, readAll } = require('./lib/wire')

const COUNT = 2500
const skip = parseInt(process.versions.llhttp) < 9 && `llhttp ${process.versions.llhttp} tolerates what 9 and ours refuse`

// A connection without a network, and what came of it.
class Pipe extends Duplex {
  _read() {}

  _write(chunk, encoding, done) {
    done()
  }
}

function makeServer() {
  const server = http.createServer({ requireHostHeader: false, maxHeaderSize: 16384, insecureHTTPParser: false })
  for (const event of ['request', 'upgrade', 'connect', 'checkContinue', 'checkExpectation']) {
    server.on(event, (request) => (request.socket.request ??= request))
  }
  server.on('clientError', (error, socket) => (socket.error ??= error))
  return server
}

// What llhttp makes of the bytes: a request, an error, or neither as yet.
async function llhttp(server, bytes) {
  const pipe = new Pipe()
  server.emit('connection', pipe)
  pipe.push(bytes)
  await new Promise(setImmediate)
  pipe.destroy()
  return pipe
}

function headersOf(request) {
  const headers = new Map()
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i].toLowerCase()
    headers.set(name, [...(headers.get(name) ?? []), request.rawHeaders[i + 1]])
  }
  return headers
}

// What our reader has to say of a request that llhttp read.
function wordsOf(request) {
  const headers = headersOf(request)
  const upgradable = request.httpVersion === '1.1'
  const words = new Map()
  const tell = (name, value) => words.set(name, value === undefined ? undefined : Buffer.from(value, 'latin1').toString('hex'))
  tell('method', request.method)
  tell('path', request.url.split('?')[0])
  tell('host', headers.get('host')?.[0] ?? '')
  tell('upgrade', upgradable ? headers.get('upgrade')?.[0] : undefined)
  for (const name of ['key', 'version', 'protocol']) tell(`sec-websocket-${name}`, headers.get(`sec-websocket-${name}`)?.[0])
  tell('x-forwarded-for', headers.get('x-forwarded-for')?.join(', '))
  const connection = (headers.get('connection') ?? []).flatMap((list) => list.split(',')).map((word) => word.trim().toLowerCase())
  const flags = {
    upgrades: upgradable && connection.includes('upgrade'),
    body: headers.has('transfer-encoding') || /[^0]/.test(headers.get('content-length')?.[0] ?? '0'),
    proxied: ['x-forwarded-for', 'x-real-ip', 'via', 'forwarded'].some((name) => headers.has(name)),
  }
  const told = [...words].filter(([, value]) => value !== undefined).map(([name, value]) => `${name}:${value}`)
  return [...told, ...Object.keys(flags).filter((flag) => flags[flag])]
}

// ---- requests, most of them not quite right

const LINES = `GET / HTTP/1.1
GET /a/b?c=d HTTP/1.1
GET /%2e/x%00 HTTP/1.1
HEAD /metrics HTTP/1.1
GET / HTTP/1.0
POST /a?b HTTP/1.1
OPTIONS * HTTP/1.1
CONNECT a:1 HTTP/1.1
PUT http://a/b?c HTTP/1.1`.split('\n')
const HEADERS = `Upgrade: websocket
Connection: Upgrade
connection:keep-alive ,\tupgrade
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Version: 13
Sec-WebSocket-Protocol: a, b
X-Forwarded-For: 1.2.3.4
x-forwarded-for:\t5.6.7.8, ::1\t
X-Forwarded-For:
X-Real-IP: 1.2.3.4
Via: 1.1 a
Forwarded: for=a
User-Agent: "a" (b; c)
Cookie: a=\xe4\xff
Content-Length: 3
Content-Length: 0
Transfer-Encoding: chunked
Expect: 100-continue
A:\t\t`.split('\n')
const WORDS = ['\r', '\n', '\r\n', '\r\n\r\n', ' ', '\t', ':', '\0', '\x7f', '\x80', '#', '?', '/', 'a', '0', ',', ', upgrade', ' HTTP/1.0',
  '2.0', '\r\n b', '\r\nHost: b', '\r\nContent-Length: 5', '\r\nUpgrade: b', '\r\nTransfer-Encoding: gzip', 'http://c']

function someRequest(random) {
  const lines = [random.one(LINES), 'Host: a:1']
  for (let i = random.below(8); i > 0; i--) lines.push(random.one(HEADERS))
  let bytes = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  for (let i = random.one([0, 1, 1, 1, 2, 3]); i > 0; i--) bytes = random.mutate(bytes, WORDS)
  return bytes
}

// ---- where they may differ

const count = (head, name) => head.match(new RegExp(`\r?\n${name}[ \t]*:`, 'gi'))?.length ?? 0
const SINGLE = ['Host', 'Upgrade', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version', 'Sec-WebSocket-Protocol', 'Content-Length',
  'Transfer-Encoding']

// What ours refuses and llhttp takes.
const STRICTER = [
  ['no Host in HTTP/1.1', 'GET / HTTP/1.1\r\n\r\n', (head) => count(head, 'Host') === 0],
  ['a second header of which there is one at most', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n',
    (head) => SINGLE.some((name) => count(head, name) > 1)],
  ['a path that does not begin with /', 'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n', (head) => /^(GET|HEAD) [^/]/.test(head)],
  ['a fragment', 'GET /#a HTTP/1.1\r\nHost: a\r\n\r\n', (head) => /^[^\r]*#/.test(head)],
  ['another version', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', (head) => /^[^\r]* HTTP\/(2\.0|0\.9)/.test(head)],
  ['no version', 'GET /\r\nHost: a\r\n\r\n', (head) => !/^[^\r]* HTTP\//.test(head)],
  ['two spaces in a row', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', (head) => /^[^\r]*  /.test(head)],
  ['empty lines before it', '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', (head) => /^[\r\n]/.test(head)],
]

// What ours takes and llhttp refuses: only GET and HEAD are served, and nobody reads a body.
const LAXER = [
  ['an unknown method', 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n', (head, code) => code === 'HPE_INVALID_METHOD'],
  ['whatever path another method has', 'PUT :a HTTP/1.1\r\nHost: a\r\n\r\n',
    (head, code) => code === 'HPE_INVALID_URL' && !/^(GET|HEAD) /.test(head)],
  ['an encoding that has no end', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: a\r\n\r\n',
    (head, code) => code === 'HPE_INVALID_TRANSFER_ENCODING'],
  ['a length of more than 64 bits', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1${'0'.repeat(20)}\r\n\r\n`,
    (head, code) => code === 'HPE_INVALID_CONTENT_LENGTH'],
]

const isExplained = (list, head, code) => list.some(([, , explains]) => explains(head, code))

// Says how the two differ, if they do and need not.
async function compare(server, { bytes }, words) {
  const head = bytes.toString('latin1').replace(/(\r\n\r\n).*/s, '$1')
  const { request, error } = await llhttp(server, bytes)
  const ours = words.join(' ')
  const theirs = request ? [words.slice(0, 2).join(' '), ...wordsOf(request)].join(' ') : error?.code
  let fine = !request || (words[0] === 'wrong' && isExplained(STRICTER, head))
  if (words[0] === 'whole') fine = ours === theirs || (!request && isExplained(LAXER, head, theirs))
  return fine ? [] : [`${JSON.stringify(head)}: ${ours}; llhttp: ${theirs}`]
}

test('llhttp reads every request that ours takes, in the same way', { skip }, async () => {
  const random = new Random(14)
  const server = makeServer()
  const streams = Array.from({ length: COUNT }, () => ({ bytes: someRequest(random), slice: random.one([0, 0, 1, 5, 50]) }))
  const read = readAll(streams, 'request')
  const differences = []
  for (const [i, stream] of streams.entries()) differences.push(...(await compare(server, stream, read[i])))
  assert.deepStrictEqual(differences.slice(0, 5), [], `${differences.length} differences`)
  const taken = read.filter(([verdict]) => verdict === 'whole').length
  assert.ok(taken > COUNT / 4 && taken < (COUNT * 3) / 4, `${taken} of ${COUNT} were taken`)
})

for (const [list, expected] of [[STRICTER, 'wrong'], [LAXER, 'whole']]) {
  for (const [what, head] of list) {
    test(`${expected === 'wrong' ? 'stricter' : 'laxer'} than llhttp: ${what}`, { skip }, async () => {
      const [words] = readAll([{ bytes: Buffer.from(head), slice: 0 }], 'request')
      assert.strictEqual(words[0], expected)
      assert.deepStrictEqual(await compare(makeServer(), { bytes: Buffer.from(head) }, words), [])
    })
  }
}
