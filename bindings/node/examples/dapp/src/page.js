// The page: makes a key, connects, sends to a recipient, shows what comes back.

import { AcurastClient } from '@acurast/dapp';

import { newKeyPair, toHex } from './keys.js';

const CONNECT_MS = 10_000;
const element = (id) => document.getElementById(id);
let keys;
let client;

function setState(state, detail = '') {
  document.body.dataset.state = state;
  element('send').disabled = state !== 'connected';
  element('state').textContent = detail || state;
}

function show(direction, peer, text) {
  const line = element('line').content.cloneNode(true).firstElementChild;
  line.classList.add(direction);
  line.querySelector('.peer').textContent = peer;
  line.querySelector('.text').textContent = text;
  line.querySelector('time').textContent = new Date().toLocaleTimeString();
  const log = element('log');
  log.append(line);
  log.scrollTop = log.scrollHeight;
}

async function makeKey() {
  keys = await newKeyPair();
  element('id').textContent = keys.id;
  element('public-key').textContent = keys.publicKey;
  element('connect').disabled = false;
}

async function connect(event) {
  event.preventDefault();
  await client?.close();
  client = undefined;
  setState('connecting');
  const next = new AcurastClient([element('url').value.trim()], CONNECT_MS);
  next.onMessage(({ sender, payload }) => show('in', toHex(sender), new TextDecoder().decode(payload)));
  try {
    await next.start(keys);
    client = next;
    setState('connected');
  } catch (error) {
    setState('failed', `failed: ${error.message}`);
  }
}

/** As bytes: a string of hexadecimal digits would be taken for the bytes that they stand for. */
async function send(event) {
  event.preventDefault();
  const [to, text] = [element('to').value.trim(), element('text').value];
  try {
    await client.send(to, new TextEncoder().encode(text));
    show('out', to, text);
    element('text').select();
  } catch (error) {
    show('failed', to, error.message);
  }
}

element('make').addEventListener('click', makeKey);
element('service').addEventListener('submit', connect);
element('message').addEventListener('submit', send);
setState('offline');
