'use strict';
// Text that others wrote, for a terminal: the commands print it by these functions alone, so that it can neither steer the
// terminal nor pass for words of ours.
//
// Printable text stays as it is. \xNN is a control character of ASCII; \u{N} is another character that steers: U+0080 to
// U+009F, the separators of lines and paragraphs, what sets the direction of text, and half a surrogate pair. A backslash that
// would read as the beginning of one of these is \x5c, so that each output has one meaning; other backslashes stay.

const STEERS = String.raw`[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]`;
const MISLEADS = String.raw`\\(?=x|u\{)`;
const IN_A_LINE = new RegExp(`${STEERS}|${MISLEADS}`, 'gu');
const IN_LINES = new RegExp(String.raw`(?![\n\t])${STEERS}|${MISLEADS}`, 'gu');
const IN_JSON = new RegExp(STEERS, 'gu');

function hex(character, digits) {
  return character.codePointAt(0).toString(16).padStart(digits, '0');
}

function escape(character) {
  return character < '\x80' ? `\\x${hex(character, 2)}` : `\\u{${hex(character, 2)}}`;
}

/** Text on one line. */
function shown(text) {
  return String(text).replace(IN_A_LINE, escape);
}

/** Text whose line ends and tabs stay. */
function shownLines(text) {
  return String(text).replace(IN_LINES, escape);
}

/** A message of several lines: those after the first are set in, so that none passes for the beginning of another. */
function shownMessage(text) {
  return shownLines(text).replaceAll('\n', '\n    ');
}

/** A payload on one line; 0x and hexadecimal where it is no text. */
function shownPayload(payload) {
  try {
    return shown(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload));
  } catch {
    return `0x${Buffer.from(payload).toString('hex')}`;
  }
}

/** JSON on one line; what would steer a terminal has escapes of JSON. */
function jsonLine(value) {
  return JSON.stringify(value).replace(IN_JSON, (character) => `\\u${hex(character, 4)}`);
}

module.exports = { jsonLine, shown, shownLines, shownMessage, shownPayload };
