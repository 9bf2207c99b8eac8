// The page of acurast-processor: a list that grows with each event, a form that asks the script, and what is known of the deployment.
import { el, payloadView, short, sizeOf, timeOf } from './view.js';

const ROWS = 2000;
const $ = (id) => document.getElementById(id);
const events = $('events');
const counts = { message: 0, output: 0, error: 0, transaction: 0 };
let filter = 'all';

// ---- the list ----

const KINDS = { message: 'message', print: 'output', output: 'output', error: 'error', transaction: 'transaction' };

/** Which row an event becomes: its class, what it is, who, and what it says. */
const ROW = {
  message: (told) => ({
    name: told.direction === 'in' ? '←' : told.failed ? '✗' : '→',
    class: told.direction + (told.failed ? ' failed' : ''),
    who: el('code', { title: told.peer }, short(told.peer)),
    body: told.failed ? el('p', {}, told.failed) : payloadView(told),
    note: sizeOf(told.size),
  }),
  print: (told) => ({ name: 'print', body: el('pre', {}, told.text) }),
  output: (told) => ({ name: told.stream, body: el('pre', {}, told.text.replace(/\n$/, '')) }),
  error: (told) => ({
    name: told.where,
    who: told.file && el('code', { title: told.file }, `${told.file.split('/').pop()}:${told.line}`),
    body: el('pre', {}, told.stack ?? `${told.name}: ${told.message}`),
  }),
  transaction: (told) => ({
    name: told.call,
    who: el('span', {}, told.outcome === 'success' ? 'not sent; success told' : 'not sent; failure told'),
    body: el('pre', {}, told.cut ? `${sizeOf(told.cut)}` : JSON.stringify(told, hidden, 2)),
  }),
  note: (told) => ({ name: 'note', body: el('p', {}, `${told.where}: ${told.text}`) }),
  start: (told) => ({ name: told.restarted ? 'again' : 'start', body: el('p', {}, told.script) }),
  ready: (told) => ({ name: 'connected', body: el('p', {}, told.service) }),
  state: (told) => told.reason && { name: told.state, body: el('p', {}, told.reason) },
  build: (told) => told.changed !== false && { name: told.ok ? 'built' : 'not built', body: el('p', {}, `in ${told.ms} ms`) },
  restart: (told) => ({ name: 'restart', body: el('p', {}, `in ${told.ms} ms`) }),
  done: (told) => ({ name: 'done', body: el('p', {}, `with code ${told.code}`) }),
  end: (told) => ({ name: 'end', body: el('p', {}, `with code ${told.code}`) }),
};
const hidden = (name, value) => (['event', 'time', 'number'].includes(name) ? undefined : value);

function addRow(told) {
  const row = ROW[told.event]?.(told);
  if (!row) return;
  const kind = KINDS[told.event] ?? 'other';
  const head = el('div', { class: 'head' }, timeOf(told.time), el('b', {}, row.name), row.who, row.note && el('small', {}, row.note));
  const item = el('li', { class: `${kind} ${row.class ?? ''}`.trim(), 'data-kind': kind, hidden: filter !== 'all' && kind !== filter }, head, row.body);
  const list = $('timeline');
  const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  events.append(item);
  if (events.children.length > ROWS) events.firstElementChild.remove();
  $('nothing').hidden = true;
  if (follows) list.scrollTop = list.scrollHeight;
  if (kind in counts) count(kind, counts[kind] + 1);
}

function count(kind, number) {
  counts[kind] = number;
  document.querySelector(`[data-filter=${kind}] b`).textContent = number;
}

function clear() {
  events.replaceChildren();
  $('nothing').hidden = false;
  for (const kind of Object.keys(counts)) count(kind, 0);
}

function choose(button) {
  filter = button.dataset.filter;
  for (const one of document.querySelectorAll('[data-filter]')) one.setAttribute('aria-pressed', String(one === button));
  for (const row of events.children) row.hidden = filter !== 'all' && row.dataset.kind !== filter;
}

// ---- what is known ----

function fact(name, value) {
  const copy = el('button', { type: 'button', title: 'Copy', onclick: () => navigator.clipboard?.writeText(value) }, 'copy');
  return [el('dt', {}, name), el('dd', {}, el('code', { title: value }, value), copy)];
}

function showFacts({ id, publicKey, address, keys = {} }) {
  const { encryption = {}, p256, ...others } = keys;
  const named = [['id', id], ['public key', publicKey], ['address', address], ...Object.entries(others)];
  const sealing = Object.entries(encryption).map(([name, value]) => [`${name}, encryption`, value]);
  $('facts').replaceChildren(...[...named, ...sealing].flatMap(([name, value]) => fact(name, value)));
}

function setState(name, title = '') {
  document.body.dataset.state = name;
  $('state').textContent = name;
  $('state').title = title;
  $('send').disabled = name !== 'connected';
}

const LEARN = {
  about({ script, env }) {
    clear();
    setState('waiting');
    if (script) document.title = $('script').textContent = script;
    $('env').replaceChildren(...(env.length ? env.map((name) => el('code', {}, name)) : ['none: --env and --env-file give some']));
  },
  start: showFacts,
  ready: ({ service }) => setState('connected', service),
  state: ({ state, service, reason }) => setState(state, reason ?? service),
  end: () => setState('ended'),
  done: () => setState('ended'),
};

// ---- the form ----

const chosen = (name) => document.querySelector(`[name=${name}]:checked`).value;

function switchKind() {
  for (const part of document.querySelectorAll('[data-for]')) part.hidden = part.dataset.for !== chosen('kind');
}

function answerOf({ payload, result, none, ms }) {
  if (none !== undefined) return ['failed', el('p', {}, none)];
  return ['done', payload ? payloadView(payload) : el('pre', {}, result), el('small', {}, `${ms} ms`)];
}

async function ask(event) {
  event.preventDefault();
  const answer = $('answer');
  answer.hidden = false;
  answer.dataset.state = 'asking';
  answer.textContent = 'Sent; nothing has come back yet …';
  const form = { kind: chosen('kind'), form: chosen('form'), text: $('text').value, method: $('method').value, params: $('params').value };
  const sent = await fetch('ask', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(form) }).catch(() => undefined);
  const told = sent?.ok ? await sent.json() : { none: sent ? (await sent.text()).trim() : 'the runner has ended' };
  const [state, ...shown] = answerOf(told);
  answer.dataset.state = state;
  answer.replaceChildren(...shown);
}

// ---- dark and light: the system's, unless chosen ----

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem('theme', theme);
}

function turnTheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const now = document.documentElement.dataset.theme ?? (dark ? 'dark' : 'light');
  setTheme(now === 'dark' ? 'light' : 'dark');
}

if (localStorage.getItem('theme')) setTheme(localStorage.getItem('theme'));
$('theme').addEventListener('click', turnTheme);
$('clear').addEventListener('click', clear);
$('ask').addEventListener('submit', ask);
$('ask').addEventListener('change', switchKind);
$('text').addEventListener('keydown', (event) => event.key === 'Enter' && (event.ctrlKey || event.metaKey) && $('ask').requestSubmit());
for (const button of document.querySelectorAll('[data-filter]')) button.addEventListener('click', () => choose(button));

const source = new EventSource('events');
source.addEventListener('message', ({ data }) => {
  const told = JSON.parse(data);
  LEARN[told.event]?.(told);
  addRow(told);
});
source.addEventListener('error', () => document.body.dataset.state === 'ended' || setState('away', 'the runner does not answer'));
