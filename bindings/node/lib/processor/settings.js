'use strict';
// The options of runDeployment(), checked: a wrong one is an error that names it, before anything starts.

const fs = require('node:fs');
const path = require('node:path');
const { fileURLToPath } = require('node:url');
const { kindOf } = require('./hex.js');
const { OPTIONAL } = require('./members.js');
const { isService, ruleOf } = require('./network.js');
const { isProject, projectOf } = require('./project.js');
const { version } = require('../../package.json');

const NAMES = [
  'allowNet',
  'caFile',
  'chainRpc',
  'clock',
  'env',
  'fulfill',
  'http',
  'key',
  'local',
  'onEvent',
  'prelude',
  'project',
  'scriptHash',
  'service',
  'slot',
  'state',
  'without',
];
const OUTCOMES = ['success', 'fail'];
const HASH_SIZE = 256; // characters

function wrong(name, meant, value) {
  const got = typeof value === 'string' ? JSON.stringify(value) : kindOf(value);
  throw Object.assign(new TypeError(`${name} must be ${meant}, not ${got}`), { code: 'ERR_INVALID_ARG_VALUE' });
}

// A path, a file: URL, or { code }. A folder is a project of the vendor's command.
function sourceOf(source, { project, env }) {
  if (typeof source?.code === 'string') return { code: source.code, env };
  const file = source instanceof URL && source.protocol === 'file:' ? fileURLToPath(source) : source;
  if (typeof file !== 'string' || file === '') wrong('source', 'the path of a script, a file: URL or { code }', source);
  const found = isProject(file) ? projectOf(file, project, env) : { file, env };
  return { ...fileOf(found.file), env: found.env };
}

// As Node resolves its main file; throws where there is none.
function fileOf(file) {
  const script = fs.realpathSync(path.resolve(file));
  if (!fs.statSync(script).isFile()) wrong('source', 'the path of a script', file);
  return { script };
}

function filesOf(value, name) {
  return (listOf(value, name) ?? []).map((file) => fs.realpathSync(path.resolve(file)));
}

function textOf(value, name, meant) {
  return value === undefined || (typeof value === 'string' && value !== '') ? value : wrong(name, meant, value);
}

function scriptHashOf(value) {
  const hash = textOf(value, 'scriptHash', 'the hash of the script');
  if (hash?.length > HASH_SIZE) throw new RangeError(`scriptHash may have ${HASH_SIZE} characters, not ${hash.length}`);
  return hash;
}

function outcomeOf(value = 'success') {
  return OUTCOMES.includes(value) ? value : wrong('fulfill', `one of ${OUTCOMES.join(', ')}`, value);
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

function clockOf(value) {
  if (value === undefined || value === false) return undefined;
  const now = value === true ? Date.now() : new Date(value).getTime();
  return Number.isFinite(now) ? now : wrong('clock', 'true, or a time that a Date can have', value);
}

function functionOf(value, name) {
  return value === undefined || typeof value === 'function' ? value : wrong(name, 'a function', value);
}

function slotOf(value = 0) {
  return Number.isSafeInteger(value) && value >= 0 ? value : wrong('slot', 'a number from 0 on', value);
}

function withoutOf(value) {
  const list = listOf(value, 'without') ?? [];
  const bad = list.find((name) => !OPTIONAL.includes(name));
  return bad === undefined ? list : wrong('without', `one of ${OPTIONAL.join(', ')}`, bad);
}

/** What a deployment needs, from a source and options; throws for what is wrong with them. */
function settingsOf(source, options = {}) {
  if (options === null || typeof options !== 'object') wrong('options', 'an object', options);
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown) throw new TypeError(`there is no option ${unknown}; there are ${NAMES.join(', ')}`);
  const allowNet = listOf(options.allowNet, 'allowNet')?.filter((host) => host.trim() !== '');
  ruleOf(allowNet);
  if (options.state !== undefined && typeof options.state !== 'string')
    wrong('state', 'the path of a folder', options.state);
  if (options.state !== undefined && options.key !== undefined)
    throw new TypeError('key and state exclude each other: a state has its own keys');
  return {
    ...sourceOf(source, { project: textOf(options.project, 'project', 'the name of a project'), env: envOf(options.env) }),
    allowNet,
    caFile: options.caFile && fs.realpathSync(textOf(options.caFile, 'caFile', 'the path of a file')),
    chainRpc: listOf(options.chainRpc, 'chainRpc'),
    clock: clockOf(options.clock),
    fulfill: outcomeOf(options.fulfill),
    http: functionOf(options.http, 'http'),
    key: keyOf(options.key),
    local: Boolean(options.local),
    onEvent: functionOf(options.onEvent, 'onEvent'),
    prelude: filesOf(options.prelude, 'prelude'),
    scriptHash: scriptHashOf(options.scriptHash),
    services: servicesOf(options.service, options.local),
    slot: slotOf(options.slot),
    state: options.state && path.resolve(options.state),
    version: `${version}-local`,
    without: withoutOf(options.without),
  };
}

module.exports = { settingsOf };
