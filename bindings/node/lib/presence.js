'use strict';
// Who is here, as the core writes it: an id, a public key that is zero where none is known, and a number for the presence.

const ID_SIZE = 16;
const KEY_SIZE = 33;
const SEEN_SIZE = ID_SIZE + KEY_SIZE + 1;

/** By the core's number. */
const PRESENCES = ['not here', 'here', 'away'];

function seenAt(bytes, at) {
  const key = at + ID_SIZE;
  return Object.freeze({
    id: bytes.toString('hex', at, key),
    presence: PRESENCES[bytes[key + KEY_SIZE]],
    publicKey: bytes[key] ? bytes.toString('hex', key, key + KEY_SIZE) : undefined,
  });
}

/** What a look has found, one value for each id.
 * @param {Uint8Array} found
 */
function seenOf(found) {
  const bytes = Buffer.from(found.buffer, found.byteOffset, found.length);
  return Array.from({ length: bytes.length / SEEN_SIZE }, (_, i) => seenAt(bytes, i * SEEN_SIZE));
}

module.exports = { PRESENCES, seenOf };
