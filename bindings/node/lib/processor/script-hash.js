'use strict';
// The address that IPFS gives to a script (CID version 0), as the vendor's command uploads it: what a processor signs beside a message.

const { createHash } = require('node:crypto');

const CHUNK = 262_144; // bytes of a file in one block
const LINKS = 174; // of a block to others
const [VARINT, BYTES] = [0, 2]; // kinds of fields, as protobuf counts them

function varint(number) {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
  return Buffer.from([...bytes, number]);
}

function number(field, value) {
  return Buffer.concat([Buffer.of((field << 3) | VARINT), varint(value)]);
}

function bytes(field, value) {
  return Buffer.concat([Buffer.of((field << 3) | BYTES), varint(value.length), value]);
}

function multihash(block) {
  return Buffer.concat([Buffer.of(0x12, 32), createHash('sha256').update(block).digest()]);
}

/** A block of a file: its own data, or links to blocks that have it. `size`: of the file's part; `total`: of all blocks below, too. */
function blockOf(data, below = []) {
  const size = data.length + below.reduce((sum, one) => sum + one.size, 0);
  const file = [number(1, 2), ...(data.length ? [bytes(2, data)] : []), number(3, size), ...below.map((one) => number(4, one.size))];
  const links = below.map(({ hash, total }) =>
    bytes(2, Buffer.concat([bytes(1, hash), bytes(2, Buffer.alloc(0)), number(3, total)])),
  );
  const block = Buffer.concat([...links, bytes(1, Buffer.concat(file))]);
  return { hash: multihash(block), size, total: block.length + below.reduce((sum, one) => sum + one.total, 0) };
}

function pieces(list, size) {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}

/** @param {Buffer} content @returns {string} ipfs://Qm… */
function scriptHash(content) {
  let blocks = Array.from({ length: Math.max(1, Math.ceil(content.length / CHUNK)) }, (_, i) =>
    blockOf(content.subarray(i * CHUNK, (i + 1) * CHUNK)),
  );
  while (blocks.length > 1) blocks = pieces(blocks, LINKS).map((below) => blockOf(Buffer.alloc(0), below));
  return `ipfs://${require('@scure/base').base58.encode(blocks[0].hash)}`;
}

module.exports = { scriptHash };
