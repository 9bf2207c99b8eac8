'use strict';
// Whose answer a message is, where several clients share one connection. The wire says only from whom a message comes, so what
// is known is who asked that sender, when, and what the answer repeats of a question. In this order:
//
//   1. a question with an `id` is never answered by a message with another `id`;
//   2. the question of which the message repeats most goes first: members of a JSON object that are text, or whose name says that they are
//      an id; or all of a text. Other numbers tell nothing: what doubles a number repeats that of another question;
//   3. among equals, one that waits for its answer; of those, the one that was asked first.
//
// A question waits until a message was given to it, or for a minute. One of a closed client waits no less, if that client listened: its
// answer goes to nobody, where it can be told from those of others.

const LIFE = 60_000; // ms that a question waits
const MOST = 4096; // questions that are remembered
const MOST_EACH = 128; // of them, to one recipient; up to twice as many until they are counted
const MOST_PARSED = 16 * 1024; // bytes of a payload that is looked into
const MOST_COPIED = 1024; // bytes of one that is looked into when another client wants to know, which is hardly ever
const MOST_MEMBERS = 16;
const LONGEST = 64; // characters of a value that is remembered
const SHORTEST = 6; // characters of a text that does not come back by chance
const LONGEST_TEXT = 256;
const IDS = /id$|^(nonce|ref|seq|token|uuid)/i;

const decoder = new TextDecoder('utf-8', { fatal: true });

function objectIn(payload) {
  if (payload[0] !== 0x7b /* { */ || payload.length > MOST_PARSED) return undefined;
  try {
    return JSON.parse(decoder.decode(payload));
  } catch {
    return undefined;
  }
}

function tells(name, value) {
  if (value === null || typeof value === 'object') return false;
  return (typeof value === 'string' || IDS.test(name)) && String(value).length <= LONGEST;
}

/** Of a payload: the members of an object that an answer repeats, and the text of what is no object, each byte a character. */
function marksOf(payload, longest) {
  const object = objectIn(payload);
  const members = new Map(Object.entries(object ?? {}).filter(([name, value]) => tells(name, value)).slice(0, MOST_MEMBERS));
  const text = payload.length > longest ? '' : Buffer.from(payload).toString('latin1');
  return { isObject: object !== undefined, members, text };
}

/** What is remembered of a question. */
function questionOf(payload) {
  const { isObject, members, text } = marksOf(payload, LONGEST_TEXT);
  return { members, text: isObject || text.length < SHORTEST || /^[\d\s.,-]*$/.test(text) ? '' : text };
}

/** The same, made when it is needed first. */
class Question {
  #copy;
  #marks;

  constructor(asker, payload) {
    this.asker = asker;
    this.until = performance.now() + LIFE;
    this.waits = true;
    if (payload.length <= MOST_COPIED) this.#copy = Uint8Array.prototype.slice.call(payload);
    else this.#marks = questionOf(payload);
  }

  get marks() {
    this.#marks ??= questionOf(this.#copy);
    this.#copy = undefined;
    return this.#marks;
  }
}

/** How much of a question an answer repeats; -1 where it answers another one. A longer text counts for more than one within it. */
function repeated(question, answer) {
  const [asked, answered] = [question.members.get('id'), answer.members.get('id')];
  if (asked !== undefined && answered !== undefined && String(asked) !== String(answered)) return -1;
  let count = question.text && answer.text.includes(question.text) ? 1 + question.text.length / (LONGEST_TEXT + 1) : 0;
  for (const [name, value] of answer.members) if (question.members.has(name) && String(question.members.get(name)) === String(value)) count++;
  return count;
}

function isNotification({ members }) {
  return members.has('jsonrpc') && members.has('method') && !members.has('id');
}

/** Of questions that a message answers equally well; undefined where none of them is open or waits. */
function best(equals, most, listens) {
  const now = performance.now();
  const waiting = equals.filter(({ waits, until, asker }) => waits && until > now && (asker.open || asker.listened));
  const open = waiting.filter(({ asker }) => asker.open);
  if (open.length) return open.find(({ asker }) => listens(asker)) ?? open[0];
  if (most > 0 && waiting.length) return waiting[0];
  return equals.findLast(({ asker }) => asker.open) ?? waiting[0];
}

class Questions {
  #of = new Map(); // lists of questions by recipient, the one asked last at the end
  #last; // whom was asked last
  #count = 0;

  /** @param {string} recipient an id as hex */
  add(recipient, asker, payload) {
    const list = this.#of.get(recipient) ?? [];
    if (recipient !== this.#last) this.#of.delete(recipient);
    if (recipient !== this.#last) this.#of.set(recipient, list);
    this.#last = recipient;
    list.push(new Question(asker, payload));
    this.#count++;
    if (list.length > 2 * MOST_EACH) this.#count -= list.splice(0, MOST_EACH).length;
    if (this.#count > MOST) this.#forgetOldest();
  }

  #forgetOldest() {
    const [[recipient, list]] = this.#of;
    this.#of.delete(recipient);
    if (recipient === this.#last) this.#last = undefined;
    this.#count -= list.length;
  }

  /** A question that was not sent after all. */
  drop(recipient, asker) {
    const last = this.#of.get(recipient)?.findLast((one) => one.asker === asker && one.waits);
    if (last) last.waits = false;
  }

  /** An answer to the only client there ever was: only what waits has to be known. */
  settle(sender) {
    const list = this.#of.get(sender);
    const first = list?.findIndex((one) => one.waits) ?? -1;
    if (first >= 0) this.#count -= list.splice(first, 1).length;
  }

  /**
   * Takes a message: the client that it is for; `null` where it answers one that is closed, undefined where it answers nobody.
   * @param {(asker: object) => boolean} listens
   */
  answered(sender, payload, listens) {
    const marks = marksOf(payload, MOST_PARSED);
    const list = this.#of.get(sender);
    if (!list || isNotification(marks)) return undefined;
    const scored = list.map((one) => ({ one, score: repeated(one.marks, marks) }));
    const most = scored.reduce((high, { score }) => Math.max(high, score), -1);
    if (most < 0) return marks.members.has('jsonrpc') ? null : undefined; // to a question that is forgotten, or of its own accord
    const equals = scored.filter(({ score }) => score === most).map(({ one }) => one);
    const found = best(equals, most, listens);
    if (found) found.waits = false;
    if (found?.asker.open) return found.asker;
    return found || most > 0 ? null : undefined;
  }
}

module.exports = { Questions };
