'use strict';
// The options of runDeployment(), checked: a wrong one is an error that names it, before anything starts.

const fs = require('node:fs');
const path = require('node:path');
const { fileURLToPath } = require('node:url');
const { kindOf } = require('./hex.js');
const { NOT_OFFERED } = require('./members.js');
const { isService, ruleOf } = require('./network.js');
const { version } = require('../../package.json');

const NAMES = ['allowNet', 'env', 'key', 'local', 'onEvent', 'service', 'state', 'without'];

function wrong(name, meant, value) {
  const got = typeof value === 'string' ? JSON.stringify(value) : kindOf(value);
  throw Object.assign(new TypeError(`${name} must be ${meant}, not ${got}`), { code: 'ERR_INVALID_ARG_VALUE' });
}

// A path, a file: URL, or { code }.
function sourceOf(source) {
  if (typeof source?.code === 'string') return { code: source.code };
  const file = source instanceof URL && source.protocol === 'file:' ? fileURLToPath(source) : source;
  if (typeof file !== 'string' || file === '') wrong('source', 'the path of a script, a file: URL or { code }', source);
  const script = fs.realpathSync(path.resolve(file)); // as Node resolves its main file; throws where there is none
  if (!fs.statSync(script).isFile()) wrong('source', 'the path of a script', file);
  return { script };
}

function listOf(value, name) {
  if (value === undefined) return undefined;
  const list = Array.isArray(value) ? value : [value];
  return list.every((one) => typeof one === 'string') ? list : wrong(name, 'a string or a list of strings', value);
}

function servicesOf(value, local) {
  const list = listOf(value, 'service')?.map((url) => url.trim());
  if (list && local) throw new TypeError('service and local exclude each other: one service, please');
  const bad = list?.find((url) => !isService(url));
  if (bad !== undefined) wrong('service', 'a ws:// or wss:// address', bad);
  if (list?.length === 0) wrong('service', 'a ws:// or wss:// address', '');
  return list;
}

function envOf(value = {}) {
  if (value === null || typeof value !== 'object') wrong('env', 'an object of strings', value);
  for (const [key, one] of Object.entries(value)) if (typeof one !== 'string') wrong(`env.${key}`, 'a string', one);
  return { ...value };
}

function keyOf(value) {
  const pem = typeof value?.toPem === 'function' ? value.toPem() : value;
  return pem === undefined || typeof pem === 'string' ? pem : wrong('key', 'a PEM or an Identity', value);
}

function withoutOf(value) {
  const list = listOf(value, 'without') ?? [];
  const bad = list.find((name) => !Object.hasOwn(NOT_OFFERED, name));
  return bad === undefined ? list : wrong('without', `one of ${Object.keys(NOT_OFFERED).join(', ')}`, bad);
}

/** What a deployment needs, from a source and options; throws for what is wrong with them. */
function settingsOf(source, options = {}) {
  if (options === null || typeof options !== 'object') wrong('options', 'an object', options);
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown) throw new TypeError(`there is no option ${unknown}; there are ${NAMES.join(', ')}`);
  const allowNet = listOf(options.allowNet, 'allowNet')?.filter((host) => host.trim() !== '');
  ruleOf(allowNet);
  if (options.onEvent !== undefined && typeof options.onEvent !== 'function')
    wrong('onEvent', 'a function', options.onEvent);
  if (options.state !== undefined && typeof options.state !== 'string')
    wrong('state', 'the path of a folder', options.state);
  if (options.state !== undefined && options.key !== undefined)
    throw new TypeError('key and state exclude each other: a state has its own keys');
  return {
    ...sourceOf(source),
    allowNet,
    env: envOf(options.env),
    key: keyOf(options.key),
    local: Boolean(options.local),
    onEvent: options.onEvent,
    services: servicesOf(options.service, options.local),
    state: options.state && path.resolve(options.state),
    version: `${version}-local`,
    without: withoutOf(options.without),
  };
}

module.exports = { settingsOf };
