'use strict';
// The command acurast-processor: flags to options, events to the terminal, signals to an orderly end.

const fs = require('node:fs');
const util = require('node:util');
const { shownMessage } = require('../foreign.js');
const { readKeyFile } = require('../keyfile.js');
const { Deployment, sweep } = require('./deployment.js');
const { settingsOf } = require('./settings.js');
const { jsonShow, peopleShow } = require('./show.js');
const { describe } = require('./trouble.js');
const { version } = require('../../package.json');

const OK = 0;
const FAILED = 1;
const USAGE = 2;
const SAME_MOMENT = 500; // ms
const LEFT_MS = 200; // for the process to end by itself after its deployment

const HELP = `usage: acurast-processor SCRIPT.js|FOLDER [--local | --service URL...] [flags]
       acurast-processor dev SCRIPT.ts|SCRIPT.js|FOLDER [--service URL...] [flags]

Runs an on-demand deployment script as a processor does: with _STD_, print, httpGET, httpPOST and environment. A folder is
a project of the vendor's command: its acurast.json names the script, and which variables of its .env are the deployment's.
dev bundles it by esbuild, TypeScript too, and starts it again after each change; keys, storage, service and clients stay.

  --local              start a service in this process, for the script and for who talks to it
  --service URL        the service to use instead of those in the script; again for further ones, tried in order
  --env KEY=VALUE      a variable of the deployment, for _STD_.env; may be repeated
  --env-file FILE      variables from a file of KEY=VALUE lines; --env goes first
  --state DIR          keep the deployment's keys and its storage there, so that its id stays; else they are fresh
  --key FILE           a P-256 key as PEM to connect with; not with --state
  --project NAME       which project of a folder's acurast.json, where there are several
  --prelude FILE       a file that runs before the script; may be repeated
  --script-hash HASH   what chains.*.signer.sign puts in front of a message, and _STD_.scriptHash; else that of IPFS for the script
  --fulfill OUTCOME    what a script hears of a transaction, which is never sent: success (as without the flag) or fail
  --chain-rpc URL      the node that a transaction is told with, instead of the script's; nothing is sent there either; may be repeated
  --ca-file FILE       authorities (PEM) to trust: for wss:// instead of the system's, for httpGET and httpPOST besides the usual ones
  --allow-net HOST     connect to this host only; may be repeated: name, name:port, *.domain; '' allows none
  --without NAME       make _STD_.NAME absent: chains, network, p2p, scriptHash, tunnel, webview, llama, sentry, ownAddress, _DEVTOOLS_
  --page[=PORT]        a page that shows what happens, and asks the script: prints its address, which is for this machine alone
  --inspect[=PORT]     let a debugger attach to this process and the script's thread; port 9229
  --inspect-brk[=PORT] the same, and wait for it before the script starts
  --json               print one object a line
  --help, --version

Exit codes: 0 done or stopped by a signal; 1 the script could not start, or ended after an error that nobody caught;
2 wrong usage; else what the script gave to process.exit.
`;

const FLAGS = {
  'allow-net': { type: 'string', multiple: true },
  'ca-file': { type: 'string' },
  'chain-rpc': { type: 'string', multiple: true },
  env: { type: 'string', multiple: true },
  'env-file': { type: 'string', multiple: true },
  fulfill: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  inspect: { type: 'string' },
  'inspect-brk': { type: 'string' },
  json: { type: 'boolean' },
  key: { type: 'string' },
  local: { type: 'boolean' },
  page: { type: 'string' },
  prelude: { type: 'string', multiple: true },
  project: { type: 'string' },
  'script-hash': { type: 'string' },
  service: { type: 'string', multiple: true },
  state: { type: 'string' },
  version: { type: 'boolean' },
  without: { type: 'string', multiple: true },
};

const WITH_PORT = ['--page', '--inspect', '--inspect-brk']; // whose value may be left out

class UsageError extends Error {}

function tell(words) {
  process.stderr.write(`acurast-processor: ${shownMessage(words)}\n`);
}

function fromFile(file) {
  if (!util.parseEnv) throw new UsageError('--env-file needs Node 20.12 or newer');
  return util.parseEnv(fs.readFileSync(file, 'utf8'));
}

function fromFlag(text) {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--env takes KEY=VALUE, not ${JSON.stringify(text)}`);
  return { [text.slice(0, at)]: text.slice(at + 1) };
}

function envOf(flags) {
  return Object.assign({}, ...(flags['env-file'] ?? []).map(fromFile), ...(flags.env ?? []).map(fromFlag));
}

/** Flags and positionals as settings of a deployment. */
function settingsFrom({ values: flags, positionals }) {
  if (positionals.length !== 1) throw new UsageError(positionals.length ? 'one script, please' : 'name a script');
  return settingsOf(positionals[0], {
    allowNet: flags['allow-net'],
    caFile: flags['ca-file'],
    chainRpc: flags['chain-rpc'],
    env: envOf(flags),
    fulfill: flags.fulfill,
    key: flags.key && readKeyFile(flags.key, (words) => tell(`warning: ${words}`)),
    local: flags.local,
    prelude: flags.prelude,
    project: flags.project,
    scriptHash: flags['script-hash'],
    service: flags.service?.flatMap((one) => one.split(/[\s,]+/)).filter(Boolean),
    state: flags.state,
    without: flags.without,
  });
}

function parse(words) {
  const args = words.map((word) => (WITH_PORT.includes(word) ? `${word}=` : word));
  try {
    return util.parseArgs({ args, options: FLAGS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function portOf(flags, name, fallback) {
  if (flags[name] === undefined) return undefined;
  const port = flags[name] === '' ? fallback : Number(flags[name]);
  if (/^\d*$/.test(flags[name]) && port < 65536) return port;
  throw new UsageError(`--${name} takes a port, not ${JSON.stringify(flags[name])}`);
}

/** What is more than to run a script; undefined where nothing is. */
function wishesOf(dev, flags) {
  const [page, plain, waiting] = [portOf(flags, 'page', 0), portOf(flags, 'inspect', 9229), portOf(flags, 'inspect-brk', 9229)];
  const port = waiting ?? plain;
  const inspect = port === undefined ? undefined : { port, wait: waiting !== undefined };
  return dev || page !== undefined || inspect ? { dev, page, inspect } : undefined;
}

// Without listeners a signal does what it does to other programs, whatever the threads of this one wait for.
function dieOf(signal) {
  sweep();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

// The first signal ends the deployment in order, a later one at once. Those of the same moment are one: timeout(1), for example,
// sends its signal to the program and to its group. A thread that is left behind, as it waits in the operating system, would
// hold the process, and process.exit() would wait for it.
function stopOnSignals(started) {
  let first;
  const stop = (signal) => {
    first ??= performance.now();
    if (performance.now() - first > SAME_MOMENT) return dieOf(signal);
    started
      .then((deployment) => deployment.stop())
      .catch(() => {})
      .then(() => setTimeout(dieOf, LEFT_MS, signal).unref());
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
}

async function run(settings, wishes, show) {
  const started = wishes
    ? require('./workshop.js').startWorkshop(settings, wishes, show)
    : Deployment.start({ ...settings, onEvent: show });
  stopOnSignals(started);
  try {
    return await (
      await started
    ).ended;
  } catch (error) {
    show({ event: 'error', where: 'start', ...describe(error) });
    return FAILED;
  }
}

function complain(error, code) {
  tell(error.message);
  if (code === USAGE) process.stderr.write('acurast-processor --help tells more\n');
  return code;
}

// Nobody reads any more, as after `| head`.
function endWithReader() {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(FAILED));
}

/** Runs the command with these words and resolves to its exit code. */
async function main(words) {
  try {
    const dev = words[0] === 'dev';
    const parsed = parse(words.slice(dev ? 1 : 0));
    if (parsed.values.help) return (process.stdout.write(HELP), OK);
    if (parsed.values.version) return (process.stdout.write(`${version}\n`), OK);
    const show = parsed.values.json ? jsonShow(process) : peopleShow(process);
    return await run(settingsFrom(parsed), wishesOf(dev, parsed.values), show);
  } catch (error) {
    return complain(error, error instanceof UsageError || error instanceof TypeError ? USAGE : FAILED);
  }
}

module.exports = { endWithReader, main };
