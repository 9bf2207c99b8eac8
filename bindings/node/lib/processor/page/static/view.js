// How things look: elements, times, payloads as text, JSON or hexadecimal. Nothing here is ever read as HTML.

/** An element with attributes and children; text children are text. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

const two = (number) => String(number).padStart(2, '0');

export function timeOf(ms) {
  const at = new Date(ms);
  const seconds = `${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  return el('time', { datetime: at.toISOString() }, `${two(at.getHours())}:${two(at.getMinutes())}:${seconds}`);
}

export function sizeOf(bytes) {
  return bytes < 1024 ? `${bytes} B` : bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;
}

export function short(hex) {
  return hex.length > 16 ? `${hex.slice(0, 8)}…${hex.slice(-4)}` : hex;
}

function bytesOf(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
}

function textIn(hex, whole) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(hex), { stream: !whole });
  } catch {
    return undefined;
  }
}

function jsonIn(text) {
  if (!/^\s*[[{]/.test(text ?? '')) return undefined;
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return undefined;
  }
}

/** Lines of 16 bytes: where they are, what they are. */
function dump(hex) {
  const rows = hex.match(/.{1,32}/g) ?? [''];
  return rows.map((row, index) => `${(index * 16).toString(16).padStart(6, '0')}  ${row.replace(/../g, '$& ')}`).join('\n');
}

/** A payload with a switch between its forms; JSON first, then text, then hexadecimal. */
export function payloadView({ hex, size }) {
  const whole = size * 2 === hex.length;
  const text = textIn(hex, whole);
  const forms = { JSON: whole ? jsonIn(text) : undefined, Text: text, Hex: dump(hex) };
  const names = Object.keys(forms).filter((name) => forms[name] !== undefined);
  const shown = el('pre');
  const show = (name) => {
    shown.textContent = forms[name] + (whole ? '' : `\n… ${sizeOf(size)} in all`);
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.textContent === name));
  };
  const buttons = names.map((name) => el('button', { type: 'button', onclick: () => show(name) }, name));
  show(names[0]);
  return el('div', { class: 'payload' }, shown, el('span', { class: 'forms' }, ...buttons));
}
