#!/usr/bin/env node
'use strict';
// `npx acurast`: keys, requests, payloads and who is here, from the shell, as the program acurast-peer has them; and `build`, which
// compiles the package's addon from its sources where no prebuilt one fits.
//
// Results go to standard output, messages to standard error; --json prints one object a line.

const fs = require('node:fs');
const { parseArgs } = require('node:util');
const { jsonLine, shownMessage, shownPayload } = require('../lib/foreign.js');
const { readKeyFile } = require('../lib/keyfile.js');
const { client: CORE } = require('../lib/settings.js');

const HELP = `usage: npx acurast COMMAND [FLAGS]

  keygen   make a key                      [--out FILE] [--ed25519]
  id       print ids and public keys       [--key FILE] [RECIPIENT ...]
  request  ask, and print the answer       [--need COUNT] [--agree] [--progress] [--retry] RECIPIENT[,...] METHOD [PARAMS]
  serve    answer by a command             --exec COMMAND [--serve-running COUNT] [--serve-waiting COUNT] METHOD ...
  send     send one payload                --to RECIPIENT [--file FILE] [--wait COUNT] [--until LEVEL] [PAYLOAD]
  look     tell who is here                RECIPIENT ...
  listen   print what comes                [--echo] [--count COUNT]
  build    compile the package's addon from its sources

RECIPIENT: an id (16 bytes) or a public key (33 or 65), as hexadecimal. PAYLOAD: text, or hexadecimal with --hex; without it
and --file, standard input. PARAMS: an array or an object of JSON.
  --out FILE         where the key goes, mode 0600; without it, to standard output as PEM
  --key FILE         whose identity to use; without it a new key, forgotten afterwards
  --url URL          the services to try, in order; may be repeated [ACURAST_PEER_URL]
  --timeout SECONDS  for all of it (send: 30; look, request: 10; listen: for ever)
  --until LEVEL      how far it must get: written (default), relayed or delivered
  --need COUNT       of several recipients, how many have to answer (default: all)
  --agree            and with the same result
  --progress         print what the recipient tells meanwhile, on standard error
  --retry            it may be executed twice, where nobody knows whether it was
  --exec COMMAND     run by /bin/sh for each request: its method is $ACURAST_METHOD, who asks is $ACURAST_SENDER, and its params, as
                     JSON, are on standard input. What it writes, one value of JSON, is the result; if it ends with another
                     status than 0, the answer is the error -32000. Ctrl-C ends serving, with 0
  --serve-running COUNT, --serve-waiting COUNT
                     how many run at once, and how many wait; beyond that the answer is the error -32001, "busy"
  --ca-file FILE, --linger TIME ...
                     every option of the core's clients is a flag: ca-file, a PEM file of authorities to trust instead of the system's;
                     what the others are is on the repository's page core/docs/options.md
  --hex              payloads are hexadecimal
  --json             print one object a line
  --help, --version
Exit codes: 0 done; 1 failed; 2 wrong usage; 3 no service or no answer in time; 4 the answer is an error.`;

const OK = 0;
const FAILED = 1;
const USAGE = 2;
const LATE = 3;
const REMOTE = 4;
const MAX_TIMEOUT = 2 ** 31 / 1000 - 1; // seconds, as far as a timer goes

const WRONG = new Set(['ACURAST_BAD_OPTION', 'ACURAST_BAD_HEX', 'ACURAST_BAD_RECIPIENT']); // of what a flag said

const LATENESS = new Set(['ACURAST_TIMEOUT', 'ACURAST_EXPIRED', 'ACURAST_UNDETERMINED']);

class UsageError extends Error {}

const FLAGS = {
  keygen: { out: { type: 'string' }, ed25519: { type: 'boolean' } },
  id: { key: { type: 'string' } },
  send: { to: { type: 'string' }, file: { type: 'string' }, wait: { type: 'string' }, until: { type: 'string' } },
  request: { need: { type: 'string' }, agree: { type: 'boolean' }, progress: { type: 'boolean' }, retry: { type: 'boolean' } },
  serve: { exec: { type: 'string' } },
  look: {},
  listen: { echo: { type: 'boolean' }, count: { type: 'string' } },
  build: {},
};
const OF_THE_CORE = Object.fromEntries(Object.values(CORE).map(({ name }) => [name, { type: 'string' }]));
const OF_A_CLIENT = { url: { type: 'string', multiple: true }, key: { type: 'string' }, ...OF_THE_CORE };
const OF_A_TALK = { ...OF_A_CLIENT, timeout: { type: 'string' }, hex: { type: 'boolean' } };
const SHARED = { request: OF_A_TALK, send: OF_A_TALK, look: OF_A_TALK, listen: OF_A_TALK, serve: OF_A_CLIENT };
const LEVELS = ['written', 'relayed', 'delivered'];
const COMMANDS = { keygen, id, request, serve, send, look, listen, build };
const TAKE_POSITIONALS = ['id', 'request', 'serve', 'send', 'look'];

async function main([name, ...args]) {
  if (name === '--help' || name === '-h') return say(HELP);
  if (name === '--version') return say(require('../package.json').version);
  if (!Object.hasOwn(COMMANDS, name ?? '')) throw new UsageError(name ? `there is no command ${name}` : 'name a command');
  const common = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } };
  const options = { ...FLAGS[name], ...SHARED[name], ...common };
  const { values, positionals } = parseArgs({ args, options, allowPositionals: TAKE_POSITIONALS.includes(name) });
  return values.help ? say(HELP) : COMMANDS[name](values, positionals);
}

/** The package; loaded late, since `build` has to run where it does not load. */
const acurast = () => require('../index.js');

function keygen(flags) {
  const identity = acurast().Identity.generate(flags.ed25519 ? 'ed25519' : 'p256');
  if (!flags.out) return process.stdout.write(identity.toPem());
  fs.writeFileSync(flags.out, identity.toPem(), { mode: 0o600, flag: 'wx' });
  return showKey(flags, identity.id, identity.publicKey, { file: flags.out });
}

function id(flags, recipients) {
  if (!flags.key && !recipients.length) throw new UsageError('name a key file or a recipient');
  if (flags.key) {
    const identity = readKey(flags.key);
    showKey(flags, identity.id, identity.publicKey);
  }
  const { compressKey } = acurast();
  for (const each of recipients) {
    const isId = each.replace(/^0x/, '').length === 32;
    showKey(flags, recipientOf(each), isId ? undefined : compressKey(each));
  }
}

function recipientOf(text) {
  try {
    return acurast().idOf(text);
  } catch (error) {
    throw WRONG.has(error.code) ? new UsageError(`${JSON.stringify(text)}: ${error.message}`, { cause: error }) : error;
  }
}

async function send(flags, positionals) {
  if (!flags.to) throw new UsageError('name the recipient: --to');
  const count = whole(flags, 'wait') ?? 0;
  const { until = 'written' } = flags;
  if (!LEVELS.includes(until)) throw new UsageError(`--until is ${LEVELS.join(', ')}, not ${until}`);
  const limit = deadlineOf(flags, 30);
  const payload = readPayload(flags, positionals);
  const recipient = recipientOf(flags.to);
  const client = await open(flags, limit);
  try {
    const onKept = () => tell('the recipient is away; it waits in its mailbox');
    const reached = await client.send(recipient, payload, {
      timeout: limit.left(),
      ...(until !== 'written' && { until, onKept }),
    });
    if (reached !== until) tell('relayed: the recipient cannot tell whether it was delivered');
    if (flags.json) sayJson({ event: 'sent', reached, recipient, size: payload.length });
    return count ? await take(client, limit, count, (message) => message.sender === recipient && show(flags, message, true)) : OK;
  } finally {
    await client.close();
  }
}

function paramsOf(text) {
  if (text === undefined) return undefined;
  let params;
  try {
    params = JSON.parse(text);
  } catch {
    // said below
  }
  if (params === null || typeof params !== 'object') throw new UsageError('the params are an array or an object of JSON');
  return params;
}

async function request(flags, [to, method, params, ...more]) {
  if (!method || more.length) throw new UsageError('name the recipient, the method, and perhaps params');
  const limit = deadlineOf(flags, 10);
  const recipients = to.split(',').map(recipientOf);
  const need = whole(flags, 'need');
  const many = recipients.length > 1 || need !== undefined || flags.agree;
  if (new Set(recipients).size < Math.max(recipients.length, need ?? 1)) {
    throw new UsageError('nobody is asked twice, and --need is at most the number of recipients');
  }
  const given = paramsOf(params);
  const client = await open(flags, limit);
  try {
    const onProgress = flags.progress ? (value) => console.error(jsonLine(value)) : undefined;
    const options = { timeout: limit.left(), retry: flags.retry, onProgress };
    if (!many) return await ask(client.request(recipients[0], method, given, options));
    return await askMany(flags, client.requestMany(recipients, method, given, { ...options, need, agree: flags.agree }));
  } finally {
    await client.close();
  }
}

async function ask(asked) {
  try {
    sayJson(await asked);
    return OK;
  } catch (error) {
    if (!(error instanceof acurast().RemoteError)) throw error;
    console.error(jsonLine(saidBy(error)));
    return REMOTE;
  }
}

const saidBy = ({ remoteCode, remoteMessage, data }) => ({ code: remoteCode, message: remoteMessage, data });

/** LATE where too few have answered, or too few the same; what each said goes to standard error then. */
async function askMany(flags, asked) {
  try {
    const found = await asked;
    if (flags.json) showAnswers(found);
    else sayJson(found.value);
    return OK;
  } catch (error) {
    if (!(error instanceof acurast().NotEnoughAnswersError)) throw error;
    (flags.json ? showAnswers : tellAnswers)(error);
    complain(error);
    return LATE;
  }
}

const remoteOf = (error) => (error instanceof acurast().RemoteError ? saidBy(error) : undefined);

function showAnswers({ answers, failures }) {
  for (const { id, value } of answers) sayJson({ event: 'answer', id, status: 'OK', result: value });
  for (const { id, error } of failures) {
    sayJson({ event: 'answer', id, status: error.code.replace('ACURAST_', ''), error: remoteOf(error) });
  }
}

function tellAnswers({ answers, failures }) {
  for (const { id, value } of answers) console.error(`${id}: ${jsonLine(value)}`);
  for (const { id, error } of failures) console.error(`${id}: ${remoteOf(error) ? jsonLine(saidBy(error)) : error.text}`);
}

/** Until it is interrupted: a second signal does not wait for what the first did not end. */
async function serve(flags, methods) {
  if (!flags.exec) throw new UsageError('name the command: --exec');
  if (!methods.length) throw new UsageError('name one method or more');
  const { Executor } = require('../lib/exec.js');
  const executor = new Executor(flags.exec, tell);
  const client = new (acurast().Client)(urlsOf(flags), settingsOf(flags));
  client.serve(executor.handlers(methods));
  client.on('handlerError', complain);
  let interrupts = 0;
  const interrupt = async () => {
    interrupts += 1;
    await executor.end(interrupts > 1 ? 'SIGKILL' : 'SIGTERM');
    client.close();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const { error } = await served(client);
  await executor.end('SIGTERM');
  if (error) complain(error);
  return interrupts ? OK : FAILED;
}

/** Connects, tells how that goes, and resolves with the end of the client. */
function served(client) {
  return new Promise((resolve) => {
    client.on('state', (change) => {
      const { state, error, retryIn } = change;
      if (state === 'connected') tellConnected(client);
      else if (state === 'disconnected') tell(`disconnected: ${error?.message ?? 'by the service'}; next try in ${retryIn} ms`);
      else if (state === 'closed') resolve(change);
    });
    client.connect({ timeout: Infinity }).catch(() => {}); // its end is told by the state
  });
}

/** OK where all are here. */
async function look(flags, recipients) {
  if (!recipients.length) throw new UsageError('name one recipient or more');
  const limit = deadlineOf(flags, 10);
  const ids = recipients.map(recipientOf);
  const client = await open(flags, limit);
  try {
    const found = await client.look(ids, { timeout: limit.left() });
    for (const { id, presence, publicKey } of found) {
      if (flags.json) sayJson({ event: 'seen', id, presence, public_key: publicKey });
      else say([id, presence, publicKey].filter(Boolean).join(' '));
    }
    return found.every(({ presence }) => presence === 'here') ? OK : FAILED;
  } finally {
    await client.close();
  }
}

async function listen(flags) {
  const count = whole(flags, 'count');
  const limit = deadlineOf(flags, undefined);
  const client = await open(flags, limit);
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
    client.close();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  if (flags.json) sayJson({ event: 'connected', id: client.id, public_key: client.publicKey });
  const echo = (message) => client.send(message.sender, message.payload).catch((error) => complain(error));
  let seen = 0;
  const code = await take(client, limit, count ?? Infinity, (message) => {
    seen += 1;
    if (flags.echo) echo(message);
    return show(flags, message, false);
  });
  await client.close();
  return interrupted || (seen && !count) ? OK : code;
}

/** Hands messages to `each` until it took `count` of them, or time is up: then LATE. */
async function take(client, limit, count, each) {
  const timer = limit.after(() => client.close());
  let left = count;
  try {
    for await (const message of client) {
      if (each(message)) left -= 1;
      if (left <= 0) return OK;
    }
    complain(new Error('no message came in time'));
    return LATE;
  } finally {
    clearTimeout(timer);
  }
}

function build() {
  require('../tools/build.js').main();
}

/** When all of it has to be over. */
function deadlineOf(flags, otherwise) {
  const seconds = flags.timeout === undefined ? otherwise : Number(flags.timeout);
  if (seconds === undefined) return { left: () => undefined, after: () => undefined };
  if (!(seconds > 0 && seconds <= MAX_TIMEOUT)) throw new UsageError(`--timeout is a number of seconds, not ${flags.timeout}`);
  const end = performance.now() + seconds * 1000;
  const left = () => Math.max(1, Math.ceil(end - performance.now()));
  return { left, after: (done) => setTimeout(done, left()) };
}

function urlsOf(flags) {
  const urls = flags.url ?? process.env.ACURAST_PEER_URL?.split(/[\s,]+/).filter(Boolean);
  if (!urls?.length) throw new UsageError('name a service: --url');
  return urls;
}

/** An option of the core as its type wants it; sizes and times are texts to the core as well. */
function optionOf(flags, { name, type }) {
  const text = flags[name];
  if (text === undefined) return undefined;
  if (type === 'count') return whole(flags, name, 0);
  if (type !== 'bool') return text;
  if (text !== 'on' && text !== 'off') throw new UsageError(`--${name} is on or off, not ${text}`);
  return text === 'on';
}

function settingsOf(flags) {
  const options = Object.entries(CORE).map(([key, option]) => [key, optionOf(flags, option)]);
  return { ...Object.fromEntries(options), identity: flags.key ? readKey(flags.key) : undefined };
}

const tellConnected = ({ id }) => console.error(`acurast: ${id} connected`);

async function open(flags, limit) {
  const client = await acurast().connect(urlsOf(flags), { ...settingsOf(flags), timeout: limit.left() });
  tellConnected(client);
  return client;
}

function readKey(file) {
  const pem = readKeyFile(file, (words) => complain(new Error(`warning: ${words}`)));
  return acurast().Identity.fromPem(pem);
}

function readPayload(flags, positionals) {
  if (positionals.length + (flags.file ? 1 : 0) > 1) throw new UsageError('one payload, please: an argument or --file');
  const standardInput = flags.file === undefined || flags.file === '-';
  const bytes = positionals.length ? Buffer.from(positionals[0]) : fs.readFileSync(standardInput ? 0 : flags.file);
  if (!flags.hex) return bytes;
  const digits = bytes.toString('latin1').trim().replace(/^0x/, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new UsageError('the payload is not hexadecimal');
  return Buffer.from(digits, 'hex');
}

function whole(flags, name, least = 1) {
  if (flags[name] === undefined) return undefined;
  const value = flags[name] === '' ? NaN : Number(flags[name]);
  if (!Number.isSafeInteger(value) || value < least) throw new UsageError(`--${name} is a whole number, not ${flags[name]}`);
  return value;
}

function showKey(flags, short, key, more = {}) {
  if (flags.json) sayJson({ id: short, ...(key && { public_key: key }), ...more });
  else say(`id ${short}${key ? `\npublic-key ${key}` : ''}`);
}

function show(flags, message, alone) {
  const hex = Buffer.from(message.payload).toString('hex');
  if (flags.json) {
    const { sender, recipient } = message;
    const text = textOf(message);
    sayJson({ event: 'payload', sender, recipient, size: message.payload.length, hex, ...(text !== undefined && { text }) });
  } else {
    const words = flags.hex ? hex : shownPayload(message.payload);
    say(alone ? words : `${message.sender} ${words}`);
  }
  return true;
}

function textOf(message) {
  try {
    return message.text();
  } catch {
    return undefined;
  }
}

function say(line) {
  process.stdout.write(`${line}\n`);
}

const sayJson = (value) => say(jsonLine(value));

function tell(words) {
  console.error(`acurast: ${shownMessage(words)}`);
}

function complain(error) {
  tell(error.message);
}

function codeOf(error) {
  if (error instanceof UsageError || error.code?.startsWith('ERR_PARSE_ARGS') || WRONG.has(error.code)) return USAGE;
  return LATENESS.has(error.code) ? LATE : FAILED;
}

/** One command, from its words to its exit code. */
async function command(words) {
  try {
    const code = await main(words);
    return typeof code === 'number' ? code : OK;
  } catch (error) {
    complain(error);
    const code = codeOf(error);
    if (code === USAGE) console.error('acurast --help tells more');
    return code;
  }
}

module.exports = { command };

if (require.main === module) {
  // Whoever read has gone, as behind `| head`.
  process.stdout.on('error', (error) => {
    if (error.code !== 'EPIPE') complain(error);
    process.exit(FAILED);
  });
  command(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
}
