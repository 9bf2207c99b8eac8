// acurast-peer's command line.
'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const { Program } = require('./program')

// A key made here, in a file that acurast-peer reads.
function keyFile() {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'acurast-interop-'))
  const file = path.join(folder, 'key.pem')
  fs.writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const { x, y } = publicKey.export({ format: 'jwk' })
  const [px, py] = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]
  const compressed = Buffer.concat([Buffer.from([2 + (py[31] & 1)]), px])
  return {
    file,
    compressed: compressed.toString('hex'),
    uncompressed: Buffer.concat([Buffer.from([4]), px, py]).toString('hex'),
    id: crypto.createHash('sha256').update(compressed).digest('hex').slice(0, 32),
    remove: () => fs.rmSync(folder, { recursive: true }),
  }
}

const EAGER = ['--backoff-min', '5ms', '--backoff-max', '50ms']

class Listener extends Program {
  constructor(url, key, ...flags) {
    super('acurast-peer', ['listen', '--json', '--url', url, '--key', key.file, ...EAGER, ...flags])
    this.id = key.id
  }

  static async start(url, key, ...flags) {
    const listener = new Listener(url, key, ...flags)
    await listener.next('connected')
    return listener
  }

  // The next object of this event, skipping others.
  async next(event) {
    for (;;) {
      const told = JSON.parse(await this.line())
      if (!event || told.event === event) return told
    }
  }
}

// Runs one send to its end: { code, answers (text), errors }. A payload that is a Buffer goes through standard input.
async function send(url, key, recipient, payload, ...flags) {
  const binary = Buffer.isBuffer(payload)
  const program = new Program(
    'acurast-peer',
    ['send', '--url', url, '--key', key.file, '--to', recipient, ...EAGER, ...flags, ...(binary ? ['--file', '-'] : [payload])],
    { input: binary ? payload : undefined },
  )
  const { code } = await program.wait()
  return { code, lines: program.lines, errors: program.errors.join('\n') }
}

module.exports = { EAGER, Listener, keyFile, send }
