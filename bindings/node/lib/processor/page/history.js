'use strict';
// What the page shows, as JSON and within bounds: the newest events, and what stands until the next of its kind.

const KEPT = 2000; // events
const KEPT_BYTES = 16 * 1024 * 1024; // of their JSON
const LONGEST = 32 * 1024; // characters of a text, bytes of a payload; what is beyond is cut
const FACTS = new Set(['start', 'ready', 'state']);

function cut(text) {
  return text.length > LONGEST ? { text: text.slice(0, LONGEST), cut: text.length } : { text };
}

/** A payload as hexadecimal digits, with its whole size. */
function payloadOf(bytes) {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, LONGEST)).toString('hex');
  return { size: bytes.byteLength, hex };
}

/** An event as the page gets it: a payload in hexadecimal, and no text longer than it should be. */
function plainOf({ payload, ...told }) {
  const plain = { ...told, ...(told.event === 'message' ? payloadOf(payload) : payload === undefined ? {} : { payload }) };
  if (typeof plain.text === 'string') Object.assign(plain, cut(plain.text));
  for (const name of ['stack', 'message', 'failed']) if (typeof plain[name] === 'string') plain[name] = plain[name].slice(0, LONGEST);
  return plain;
}

class History {
  #lines = [];
  #bytes = 0;
  #number = 0;
  #facts = {};

  /** Adds an event; returns its line of JSON. */
  put(told) {
    const number = ++this.#number;
    let line = JSON.stringify({ time: Date.now(), ...plainOf(told), number });
    if (line.length > 8 * LONGEST) line = JSON.stringify({ time: Date.now(), event: told.event, call: told.call, cut: line.length, number });
    if (FACTS.has(told.event)) this.#facts[told.event] = line;
    this.#lines.push(line);
    this.#bytes += line.length;
    while (this.#lines.length > KEPT || this.#bytes > KEPT_BYTES) this.#bytes -= this.#lines.shift().length;
    return line;
  }

  /** Everything that is kept, in order; what stands comes first where its event is gone. */
  lines() {
    const facts = Object.values(this.#facts).filter((line) => !this.#lines.includes(line));
    return [...facts, ...this.#lines];
  }
}

module.exports = { History, LONGEST };
