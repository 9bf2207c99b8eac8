'use strict';
// The messages of the wire as objects, as @acurast/transport-websocket exports them, for programs that build or read frames by
// themselves. The engine has its own, and uses none of this.

const { inspect } = require('node:util');

const check = require('../check');

const ID_SIZE = 16;
const HEADER_SIZE = 33;
const VERSION = 1;
const TYPES = ['init', 'challenge', 'response', 'accepted', 'payload'];
const NOBODY = new Uint8Array(ID_SIZE); // the service

/** What follows the header, in order: names and sizes in bytes; undefined, all the rest. */
const BODIES = {
  init: [],
  challenge: [['difficulty', 16], ['challenge', 16]],
  response: [['challenge', 16], ['publicKey', 33], ['nonce', 16], ['signature', 64]],
  accepted: [],
  payload: [['payload', undefined]],
};

function createInitMessage(sender, recipient = NOBODY, permissions = undefined) {
  return { version: VERSION, type: 'init', sender, recipient, permissions };
}

function createChallengeMessage(recipient, challenge, difficulty, sender = NOBODY) {
  return { version: VERSION, type: 'challenge', sender, recipient, challenge, difficulty };
}

function createResponseMessage(sender, challenge, publicKey, nonce, signature, recipient = NOBODY) {
  return { version: VERSION, type: 'response', sender, recipient, challenge, publicKey, nonce, signature };
}

function createAcceptedMessage(recipient, sender = NOBODY) {
  return { version: VERSION, type: 'accepted', sender, recipient };
}

function createPayloadMessage(sender, recipient, payload) {
  return { version: VERSION, type: 'payload', sender, recipient, payload };
}

function part(message, name, size) {
  return size === undefined ? check.bytes(message[name], `message.${name}`) : check.sizedBytes(message[name], `message.${name}`, size);
}

/** The frame of a message: a Buffer. Throws a TypeError or RangeError where a part is missing or has another size. */
function forgeMessage(message) {
  const { version, type } = check.object(message, 'message');
  if (version !== VERSION) throw check.outOfRange('message.version', VERSION, inspect(version));
  if (!TYPES.includes(type)) throw check.wrongValue('message.type', `one of ${TYPES.join(', ')}`);
  const parts = [['sender', ID_SIZE], ['recipient', ID_SIZE], ...BODIES[type]].map(([name, size]) => part(message, name, size));
  return Buffer.concat([Uint8Array.of((VERSION << 4) | TYPES.indexOf(type)), ...parts]);
}

/**
 * The message of a frame, its parts being views of the same bytes; undefined where it is none of version 1, or too short. What follows a
 * message of fixed size is ignored: that is where extensions live.
 */
function parseMessage(bytes) {
  const frame = check.bytes(bytes, 'bytes');
  const type = frame[0] >> 4 === VERSION ? TYPES[frame[0] & 0x0f] : undefined;
  if (type === undefined || frame.length < HEADER_SIZE) return undefined;
  const message = { version: VERSION, type, sender: frame.subarray(1, 17), recipient: frame.subarray(17, HEADER_SIZE) };
  if (type === 'init') message.permissions = undefined;
  let at = HEADER_SIZE;
  for (const [name, size = frame.length - at] of BODIES[type]) {
    if (at + size > frame.length) return undefined;
    message[name] = frame.subarray(at, (at += size));
  }
  return message;
}

/** Whether a hash meets a difficulty: no byte of it is above the difficulty's. */
function verifyDifficulty(data, difficulty) {
  const [hash, limit] = [check.bytes(data, 'data'), check.bytes(difficulty, 'difficulty')];
  return hash.length >= limit.length && limit.every((most, index) => hash[index] <= most);
}

/** Bytes as hex, as deep as they are. */
function readable(value) {
  const hexed = (_name, one) => (one?.type === 'Buffer' && Array.isArray(one.data) ? Buffer.from(one.data).toString('hex') : one);
  const bytes = (_name, one) => (one instanceof Uint8Array ? Buffer.from(one).toString('hex') : one);
  return JSON.parse(JSON.stringify(value, bytes) ?? 'null', hexed);
}

/** Writes a line to the console, and data below it. */
function log(tag, ...data) {
  if (data.length === 0) return console.log(tag);
  console.groupCollapsed(tag);
  console.log(...data.map(readable));
  console.groupEnd();
}

module.exports = {
  createAcceptedMessage,
  createChallengeMessage,
  createInitMessage,
  createPayloadMessage,
  createResponseMessage,
  forgeMessage,
  log,
  parseMessage,
  verifyDifficulty,
};
