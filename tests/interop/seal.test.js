// The known answers of sealing: they are what their script makes, and elliptic, which shares no code with libcrypto,
// agrees on the secrets, and loses leading zeros unless told not to.
'use strict'

const assert = require('node:assert')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { ec: EC } = require('elliptic')

const vectors = path.join(__dirname, '..', 'vectors')
const { seal } = require('../vectors/seal.json')

test('seal.mjs makes seal.json', () => {
  const made = execFileSync(process.execPath, [path.join(vectors, 'seal.mjs')], { encoding: 'utf8' })
  assert.strictEqual(made, fs.readFileSync(path.join(vectors, 'seal.json'), 'utf8'))
})

for (const row of seal) {
  test(`elliptic agrees on the secret: ${row.curve}, ${row.name}`, () => {
    const curve = new EC(row.curve === 'secp256r1' ? 'p256' : row.curve)
    const peer = curve.keyFromPublic(row.opener_key, 'hex').getPublic()
    const number = curve.keyFromPrivate(row.sealer_secret, 'hex').derive(peer)
    assert.strictEqual(number.toString('hex', 64), row.shared)
    assert.strictEqual(Buffer.from(number.toArray()).toString('hex'), row.shared.replace(/^(00)+/, ''))
  })
}
