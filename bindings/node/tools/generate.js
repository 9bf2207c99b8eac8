'use strict';
// Writes lib/errors.js, lib/settings.js and their types from the core's own tables of statuses and options.
//
//   node tools/generate.js           writes them
//   node tools/generate.js --check   fails where they are not what the tables say (the tests do this)

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { HERE, build } = require('./build.js');

// Names by rule would hide what they mean, or a name that programs know otherwise.
const NAMES = { SYSTEM: 'SystemCallError', CANCELLED: 'SendCancelledError', NO_MEMORY: 'OutOfMemoryError', REMOTE_ERROR: 'RemoteError' };

// What the errors of a class know beyond the others.
const MEMBERS = {
  REMOTE_ERROR: `
  /** The code that the recipient gave, such as -32601 where it has no such method. */
  readonly remoteCode: number;
  /** What it said, as it came; in \`message\` what would steer a terminal is escaped. */
  readonly remoteMessage: string;
  /** What it gave besides, or undefined. */
  readonly data: unknown;`,
  NOT_ENOUGH_ANSWERS: `
  /** What came until then, in order. */
  readonly answers: readonly Answer<unknown>[];
  readonly failures: readonly Failure[];`,
};

// What the caller can do about it, where the text does not say so.
const ADVICE = {
  CLOSED: 'make a new one',
  TIMEOUT: 'allow more time, or look at the service',
  ADDRESS_IN_USE: 'take port 0 for a free one',
  BAD_HEX: 'pass bytes, or an even number of hex digits',
  TLS: 'check the host name, or pass caFile for a private authority',
  UPGRADE: 'check the URL',
  REFUSED: 'check the identity, and the clock of both sides',
  DENIED: 'ask whoever runs the service',
  REPLACED: 'use one identity in one place only, or pass reconnectWhenReplaced: true',
  WORK_TOO_HARD: 'pass a larger maxWork if you trust the service',
  OUTBOX_FULL: 'await the send, or pass a larger outboxCount or outboxBytes',
  EXPIRED: 'pass a longer timeout, or look at the connection',
  NOT_ENOUGH_ANSWERS: 'look at its failures, or pass a smaller need',
  UNDETERMINED: 'ask the recipient before you send it again',
  TOO_LARGE: 'split it, or raise maxPayload here and maxFrame at the service',
  SLOW_READER: 'take messages faster',
};

// How a value of an option's type is written in JavaScript, and its unit.
const UNITS = {
  bool: ['boolean', ''],
  count: ['number', ''],
  size: ['number | string', "bytes, or text such as '16MiB'"],
  milliseconds: ['number | string', "milliseconds, or text such as '30s'"],
  seconds: ['number | string', "seconds, or text such as '1m'"],
  text: ['string', ''],
  list: ['string | readonly string[]', ''],
};

const SCOPES = {
  context: ['ContextOptions', 'Options of the I/O threads that the clients and services of a thread share.'],
  client: ['ClientSettings', 'Options of a client that the core knows.'],
  service: ['ServiceSettings', 'Options of a service.'],
};
const SET_ELSEWHERE = ['client url']; // an argument of its own
const DEFAULTS = { 'service listen': '127.0.0.1:0' }; // where the binding has its own

const HEAD = "// Written by tools/generate.js from the core's table; not by hand.\n";

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;
const quoted = (text) => (text.includes("'") ? JSON.stringify(text) : `'${text}'`);
const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
const comment = (text, indent = '') => {
  const lines = (text.match(/.{1,105}(?= |$)/g) ?? []).map((line) => line.trim());
  if (lines.length === 1) return `${indent}/** ${lines[0]} */`;
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`].join('\n');
};

function className(name) {
  const words = name.toLowerCase().split('_');
  return NAMES[name] ?? words.map((word) => word[0].toUpperCase() + word.slice(1)).join('') + 'Error';
}

/** The classes with their statuses, all but OK. */
const failures = (statuses) =>
  statuses.filter(({ name }) => name !== 'OK').map((one) => ({ ...one, class: className(one.name) }));

function errors({ statuses }) {
  const blocks = failures(statuses).map(({ name, number, retriable, text, class: title }) => {
    const words = [quoted(text), ...(ADVICE[name] ? [quoted(ADVICE[name])] : [])].map((one) => `  ${one},\n`);
    const call = `describe(${title}, ${number}, 'ACURAST_${name}', ${retriable},\n${words.join('')});`;
    return `class ${title} extends AcurastError {}\n${call}\n`;
  });
  const names = failures(statuses).map((one) => one.class).sort();
  return `'use strict';
// The errors, one class for each status of the core.
${HEAD}
/** An advice without its alternatives that were followed already: options that were passed. */
function useful(advice, passed) {
  const followed = (part) => passed.includes(/^pass (\\w+)/.exec(part)?.[1]);
  return advice.split(/, or (?=pass )/).filter((part) => !followed(part)).join(', or ');
}

class AcurastError extends Error {
  constructor(detail = '', options = undefined) {
    const { text, advice } = new.target.prototype;
    const left = useful(advice, options?.passed ?? []);
    super([text, detail && \` (\${detail})\`, left && \`; \${left}\`].filter(Boolean).join(''), options);
    Object.defineProperty(this, 'detail', { value: detail });
  }
}

/** The class of a status, by its number. */
const BY_STATUS = new Map();

function describe(title, status, code, retriable, text, advice = '') {
  const fixed = { name: title.name, status, code, retriable, text, advice };
  for (const [key, value] of Object.entries(fixed)) {
    Object.defineProperty(title.prototype, key, { value, writable: true, configurable: true });
  }
  BY_STATUS.set(status, title);
}

describe(AcurastError, 0, 'ACURAST', false, 'failed');

${blocks.join('\n')}
/** The error of a status that the core answered, which need not advise to pass the options named in passed. */
function errorOf(status, detail = '', passed = []) {
  return new (BY_STATUS.get(status) ?? AcurastError)(detail, { passed });
}

module.exports = {
  errorOf,
  errors: {
    AcurastError,
${names.map((name) => `    ${name},`).join('\n')}
  },
};
`;
}

function errorTypes({ statuses }) {
  const blocks = failures(statuses).map(({ name, retriable, text, class: title }) => {
    const words = sentence(text) + (ADVICE[name] ? ` ${sentence(ADVICE[name])}` : '') + (retriable ? ' Retriable.' : '');
    return `${comment(words)}\nexport declare class ${title} extends AcurastError {\n  readonly code: 'ACURAST_${name}';${MEMBERS[name] ?? ''}\n}\n`;
  });
  return `${HEAD}
import type { Answer, Failure } from '../index';

/** Whatever this package rejects with or throws, but for TypeError and RangeError on bad arguments. */
export declare class AcurastError extends Error {
  /** \`detail\` says more than the class's own text; it ends up in \`message\` too. */
  constructor(detail?: string, options?: ErrorOptions);
  /** Such as \`'ACURAST_TIMEOUT'\`; the status's name in the core. */
  readonly code: string;
  /** The status's number in the core. */
  readonly status: number;
  /** Whether the same call may succeed later as it is. */
  readonly retriable: boolean;
  /** What the status means. */
  readonly text: string;
  /** What to do about it, or ''. */
  readonly advice: string;
  /** What more is known of this case, or ''. */
  readonly detail: string;
}

${blocks.join('\n')}`;
}

function errorModule({ statuses }) {
  const names = ['AcurastError', ...failures(statuses).map((one) => one.class).sort()];
  return `// The errors for \`import\`.\n${HEAD}
import table from './errors.js';

export const {
${names.map((name) => `  ${name},`).join('\n')}
} = table.errors;
`;
}

/** The options of a scope that are set by name. */
const settable = (options, scope) =>
  options.filter((one) => one.scope === scope && !SET_ELSEWHERE.includes(`${scope} ${one.name}`));

function settings({ options }) {
  const scopes = Object.keys(SCOPES).map((scope) => {
    const rows = settable(options, scope).map(({ name, type }) => `    ${camel(name)}: { name: '${name}', type: '${type}' },`);
    return `  ${scope}: {\n${rows.join('\n')}\n  },`;
  });
  return `'use strict';
// The options by scope: their names here, in the core, and the type there.
${HEAD}
module.exports = {
${scopes.join('\n')}
};
`;
}

function member(option) {
  const { name, scope, type, choices, min, max, help } = option;
  const [hint, unit] = type === 'choice' ? [choices.split('|').map(quoted).join(' | '), ''] : UNITS[type];
  const chosen = DEFAULTS[`${scope} ${name}`] ?? option.default;
  const range = ['count', 'size', 'milliseconds', 'seconds'].includes(type) ? `from ${min} to ${max}` : '';
  const notes = [unit, range, chosen && `default ${chosen}`].filter(Boolean).join('; ');
  return `${comment(help + (notes ? ` (${notes}).` : '.'), '  ')}\n  ${camel(name)}?: ${hint} | undefined;`;
}

function settingTypes({ options }) {
  const blocks = Object.entries(SCOPES).map(([scope, [title, words]]) => {
    return `${comment(words)}\nexport interface ${title} {\n${settable(options, scope).map(member).join('\n')}\n}\n`;
  });
  return `${HEAD}\n${blocks.join('\n')}`;
}

function main() {
  const program = path.join(build({ target: 'tables', quiet: true }), 'tables');
  const tables = JSON.parse(execFileSync(program, { encoding: 'utf8' }));
  const files = {
    'errors.js': errors(tables),
    'errors.mjs': errorModule(tables),
    'errors.d.ts': errorTypes(tables),
    'settings.js': settings(tables),
    'settings.d.ts': settingTypes(tables),
  };
  const at = (name) => path.join(HERE, 'lib', name);
  if (!process.argv.includes('--check')) {
    for (const [name, content] of Object.entries(files)) fs.writeFileSync(at(name), content);
    return;
  }
  const stale = Object.keys(files).filter((name) => !fs.existsSync(at(name)) || fs.readFileSync(at(name), 'utf8') !== files[name]);
  if (stale.length) {
    console.error(`not what the core's tables say: ${stale.join(', ')}; run npm run generate`);
    process.exitCode = 1;
  }
}

main();
