'use strict';
// First-in first-out lists whose `shift` does not move the rest.

const ROOM = 64; // so many who are over may stand in a Line before it looks for them

class Fifo {
  #items = [];
  #head = 0;

  get length() {
    return this.#items.length - this.#head;
  }

  push(item) {
    this.#items.push(item);
  }

  peek() {
    return this.#items[this.#head];
  }

  shift() {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head >= ROOM && this.#head * 2 >= this.#items.length) this.#replace(this.#items.slice(this.#head));
    return item;
  }

  keep(wanted) {
    this.#replace(this.#items.slice(this.#head).filter(wanted));
  }

  #replace(items) {
    this.#items = items;
    this.#head = 0;
  }
}

/** A Fifo of items that may be `over` before their turn comes: these are passed by, and do not pile up. */
class Line {
  #items = new Fifo();
  #limit = ROOM;

  push(item) {
    if (this.#items.length >= this.#limit) {
      this.#items.keep((one) => !one.over);
      this.#limit = Math.max(ROOM, 2 * this.#items.length);
    }
    this.#items.push(item);
  }

  /** The first that is not over, or undefined; it stays. */
  peek() {
    while (this.#items.peek()?.over) this.#items.shift();
    return this.#items.peek();
  }

  shift() {
    const item = this.peek();
    this.drop();
    return item;
  }

  /** Takes out what peek() gave, although it may be over by now. */
  drop() {
    this.#items.shift();
  }
}

module.exports = { Fifo, Line };
