'use strict';
// A payload that has arrived, and who sent it.

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Message {
  constructor(sender, recipient, payload) {
    /** Id of the sender, as hex: what the service says, no more. */
    this.sender = sender;
    /** The client's own id, as hex. */
    this.recipient = recipient;
    /** The bytes, a copy of the receiver's own. */
    this.payload = payload;
  }

  /** The payload as UTF-8. Throws a TypeError if it is none. */
  text() {
    return decoder.decode(this.payload);
  }

  /** The payload as JSON. Throws a TypeError if it is not UTF-8, a SyntaxError if it is not JSON. */
  json() {
    return JSON.parse(this.text());
  }
}

module.exports = { Message };
