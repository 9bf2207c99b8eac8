// Makes tests/vectors/seal.json: what sealing gives for known keys, by node:crypto alone.
//
//     node tests/vectors/seal.mjs > tests/vectors/seal.json
//
// Everything "random" comes from a label, so that each run prints the same bytes.
import { createCipheriv, createDecipheriv, createECDH, createHash, ECDH, hkdfSync } from 'node:crypto'
import assert from 'node:assert'

const CURVES = { secp256r1: 'prime256v1', secp256k1: 'secp256k1' } // the name in the label, and Node's

const bytes = (label, size) => {
  const parts = []
  for (let i = 0; i * 32 < size; i++) parts.push(createHash('sha256').update(`${label}/${i}`).digest())
  return Buffer.concat(parts).subarray(0, size)
}

const pair = (curve, label) => {
  const ecdh = createECDH(CURVES[curve])
  ecdh.setPrivateKey(bytes(label, 32))
  return ecdh
}

const publicKey = (ecdh, form) => ecdh.getPublicKey(null, form)

const sorted = (a, b) => (a.length === b.length ? Buffer.compare(a, b) : a.length - b.length) < 0 ? [a, b] : [b, a]

function row({ curve, name, from = 'from', to = 'to', zeros = 0, stripped = false, fromForm = 'compressed',
  toForm = 'compressed', salt = bytes(`${curve}/${name}/salt`, 32), plaintext = Buffer.from('a message') }) {
  const sealer = pair(curve, `${curve}/${from}`)
  const opener = pair(curve, `${curve}/${to}`)
  const shared = sealer.computeSecret(opener.getPublicKey())
  assert.strictEqual(shared.length, 32)
  assert.ok(shared.subarray(0, zeros).every((byte) => byte === 0) && shared[zeros] !== 0, `${curve}, ${name}`)

  const keys = [publicKey(sealer, fromForm), publicKey(opener, toForm)]
  const info = Buffer.concat([Buffer.from(`ECDH ${curve} AES-256-GCM-SIV`), ...sorted(...keys)])
  const key = Buffer.from(hkdfSync('sha256', stripped ? shared.subarray(zeros) : shared, salt, info, 32))
  const iv = bytes(`${curve}/${name}/iv`, 12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const sealed = Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])

  const hex = (value) => value.toString('hex')
  return {
    name, curve,
    sealer_secret: hex(sealer.getPrivateKey()), sealer_key: hex(keys[0]),
    opener_secret: hex(opener.getPrivateKey()), opener_key: hex(keys[1]),
    shared: hex(shared), stripped, salt: hex(salt), key: hex(key),
    plaintext: hex(plaintext), sealed: hex(sealed)
  }
}

// Labels whose agreed secret starts with zero bytes, as found by counting up from 0.
const ONE_ZERO = { secp256r1: '423', secp256k1: '72' }
const TWO_ZEROS = { secp256r1: '38083', secp256k1: '64547' }

const rows = Object.keys(CURVES).flatMap((curve) => [
  { name: 'a message' },
  { name: 'the other way round', from: 'to', to: 'from' },
  { name: 'nothing', plaintext: Buffer.alloc(0) },
  { name: 'several blocks', plaintext: bytes('plaintext', 1000) },
  { name: 'no salt', salt: Buffer.alloc(0) },
  { name: 'a salt of zeros', salt: Buffer.alloc(16) },
  { name: 'a salt longer than a block', salt: bytes('salt', 200) },
  { name: 'to an uncompressed key', toForm: 'uncompressed' },
  { name: 'from an uncompressed key', fromForm: 'uncompressed' },
  { name: 'uncompressed keys', fromForm: 'uncompressed', toForm: 'uncompressed' },
  { name: 'uncompressed keys, the other way round', from: 'to', to: 'from', fromForm: 'uncompressed', toForm: 'uncompressed' },
  { name: 'a zero byte', to: ONE_ZERO[curve], zeros: 1 },
  { name: 'a zero byte stripped', to: ONE_ZERO[curve], zeros: 1, stripped: true },
  { name: 'a zero byte stripped, uncompressed keys', to: ONE_ZERO[curve], zeros: 1, stripped: true, fromForm: 'uncompressed', toForm: 'uncompressed' },
  { name: 'two zero bytes', to: TWO_ZEROS[curve], zeros: 2 },
  { name: 'two zero bytes stripped', to: TWO_ZEROS[curve], zeros: 2, stripped: true }
].map((wanted) => row({ curve, ...wanted })))

const about = 'Sealing, known-answer data by node:crypto: made by seal.mjs. Hex; iv, ciphertext and tag make up sealed. ' +
  'The keys are in the form that went into the seal.'
process.stdout.write(JSON.stringify({ about, seal: rows }, null, 1) + '\n')
