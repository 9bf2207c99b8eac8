'use strict';
// A first-in first-out list whose `shift` does not move the rest.

class Fifo {
  #items = [];
  #head = 0;

  get length() {
    return this.#items.length - this.#head;
  }

  push(item) {
    this.#items.push(item);
  }

  shift() {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) this.clear();
    else if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) this.#compact();
    return item;
  }

  peek() {
    return this.#items[this.#head];
  }

  /** Takes out the items that `unwanted` says true for. */
  remove(unwanted) {
    this.#compact();
    this.#items = this.#items.filter((item) => !unwanted(item));
  }

  clear() {
    this.#items = [];
    this.#head = 0;
  }

  #compact() {
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}

module.exports = { Fifo };
