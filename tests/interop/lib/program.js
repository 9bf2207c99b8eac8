// The programs under test as child processes, each ended by its own pid.
'use strict'

const { spawn } = require('node:child_process')
const path = require('node:path')
const readline = require('node:readline')

const BIN = process.env.ACURAST_BIN || path.join(__dirname, '..', '..', '..', 'build', 'bin')
const DEADLINE = Number(process.env.ACURAST_TEST_DEADLINE || 30) * 1000

function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ACURAST_')))
}

// Resolves to what `probe` gives once that is true; rejects after the deadline.
async function eventually(probe, what = 'the condition', deadline = DEADLINE) {
  const end = Date.now() + deadline
  for (;;) {
    const value = await probe()
    if (value) return value
    if (Date.now() > end) throw new Error(`${what} did not come within ${deadline} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

// What `play` gives in the first round in which it gives something; undefined after ten. For what a busy machine may spoil through no
// fault of ours: the vendor's client tries again once, 200 ms after it lost its service, and where nobody listens then its process dies.
async function firstRound(play) {
  for (let round = 0; round < 10; round++) {
    const result = await play()
    if (result) return result
  }
  return undefined
}

class Program {
  constructor(name, args, { file = path.join(BIN, name), input } = {}) {
    this.name = name
    this.lines = []
    this.errors = []
    this.taken = 0
    this.child = spawn(file, args.map(String), { env: cleanEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] })
    this.child.stdin.on('error', () => {})
    if (input !== undefined) this.child.stdin.end(input)
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => this.lines.push(line))
    readline.createInterface({ input: this.child.stderr }).on('line', (line) => this.errors.push(line))
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject)
      this.child.on('close', (code, signal) => {
        this.result = { code, signal }
        resolve(this.result)
      })
    })
    this.ended.catch(() => {})
  }

  // The next line of standard output.
  async line() {
    await eventually(() => this.lines.length > this.taken || this.result, `a line of ${this.name}`)
    if (this.lines.length > this.taken) return this.lines[this.taken++]
    throw new Error(`${this.name} ended with ${JSON.stringify(this.result)}: ${this.errors.join('\n')}`)
  }

  async wait() {
    await eventually(() => this.result, `the end of ${this.name}`)
    this.checkSanitizers()
    return this.result
  }

  // Ends it in order: 0 is what a program must answer to SIGTERM.
  async end() {
    if (!this.result) this.child.kill('SIGTERM')
    return this.wait()
  }

  async kill() {
    this.child.kill('SIGKILL')
    return this.wait()
  }

  checkSanitizers() {
    const text = this.errors.join('\n')
    if (/Sanitizer|runtime error:/.test(text)) throw new Error(text)
  }
}

class Service extends Program {
  constructor(...flags) {
    const listen = flags.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']
    super('acurast-service', [...listen, '--drain-time', '2s', ...flags])
  }

  static async start(...flags) {
    const service = new Service(...flags)
    for (;;) {
      const found = /^listening on (\S+)$/.exec(await service.line())
      if (found) {
        service.url = found[1]
        return service
      }
    }
  }

  get port() {
    return Number(this.url.split(':').pop())
  }
}

module.exports = { BIN, DEADLINE, Program, Service, eventually, firstRound }
