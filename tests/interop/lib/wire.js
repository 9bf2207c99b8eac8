// Our readers of requests and frames, and numbers for streams that are the same in each run.
'use strict'

const { execFileSync } = require('node:child_process')
const path = require('node:path')
const { BIN, DEADLINE } = require('./program')

const READER = path.join(BIN, '..', 'tests', 'wire_reader')

// What `wire_reader` reads from each { bytes, slice }: its words.
function readAll(streams, kind, limit = 1 << 20) {
  const records = streams.flatMap(({ bytes, slice }) => {
    const sizes = Buffer.alloc(8)
    sizes.writeUInt32BE(bytes.length)
    sizes.writeUInt32BE(slice, 4)
    return [sizes, bytes]
  })
  const options = { input: Buffer.concat(records), encoding: 'utf8', maxBuffer: 1 << 28, timeout: DEADLINE }
  const lines = execFileSync(READER, [kind, String(limit)], options).split('\n')
  return lines.slice(0, -1).map((line) => line.split(' ').filter((word) => word))
}

// xorshift; `below` gives whole numbers.
class Random {
  constructor(seed) {
    this.state = seed >>> 0 || 1
  }

  below(limit) {
    this.state ^= this.state << 13
    this.state ^= this.state >>> 17
    this.state ^= this.state << 5
    return (this.state >>> 0) % limit
  }

  one(list) {
    return list[this.below(list.length)]
  }

  // Changes a byte, leaves some out, or puts some in.
  mutate(bytes, words) {
    const at = this.below(bytes.length + 1)
    const word = Buffer.from(this.one(words), 'latin1')
    const skipped = this.one([0, 0, 1, 1, 2, 20])
    return Buffer.concat([bytes.subarray(0, at), this.one([word, Buffer.alloc(0)]), bytes.subarray(at + skipped)])
  }
}

module.exports = { Random, readAll }
