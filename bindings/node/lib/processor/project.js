'use strict';
// A folder with an acurast.json, as the vendor's command-line tool makes and deploys it: which file is the script, and which variables of
// .env are the deployment's.

const fs = require('node:fs');
const path = require('node:path');
const util = require('node:util');

const FILE = 'acurast.json';
const ENTRYPOINT = 'index.js'; // where fileUrl is a folder that names none
const CARGO = 'Shell'; // a runtime for images of Linux
const OF_THE_TOOL = ['ACURAST_MNEMONIC', 'ACURAST_IPFS_URL', 'ACURAST_IPFS_API_KEY', 'ACURAST_RPC', 'ACURAST_CANARY_RPC', 'DEBUG'];

function projectsOf(folder) {
  const file = path.join(folder, FILE);
  let config;
  try {
    config = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new TypeError(`${file} cannot be read: ${cause.message}`, { cause });
  }
  const projects = config?.projects;
  if (projects === null || typeof projects !== 'object') throw new TypeError(`${file} has no "projects"`);
  return projects;
}

function chosen(projects, name) {
  const names = Object.keys(projects);
  if (name === undefined && names.length === 1) return projects[names[0]];
  if (Object.hasOwn(projects, name ?? '')) return projects[name];
  const which = name === undefined ? 'names several projects' : `has no project ${JSON.stringify(name)}`;
  throw new TypeError(`${FILE} ${which}; --project takes one of: ${names.join(', ') || '(none)'}`);
}

function fileOf(folder, { fileUrl, entrypoint = ENTRYPOINT, runtime }) {
  if (runtime === CARGO) throw new TypeError(`the project has the runtime ${CARGO}: acurast-processor runs those of Node alone`);
  if (typeof fileUrl !== 'string' || fileUrl === '') throw new TypeError(`the project has no "fileUrl" in ${FILE}`);
  if (/^[a-z]+:\/\//i.test(fileUrl)) throw new TypeError(`fileUrl is ${fileUrl}: acurast-processor runs a file of this machine alone`);
  const file = path.resolve(folder, fileUrl);
  if (!fs.existsSync(file)) throw new TypeError(`fileUrl is ${fileUrl}, which is not there: build the project first`);
  return fs.statSync(file).isDirectory() ? path.join(file, String(entrypoint)) : file;
}

function dotEnv(folder) {
  const file = path.join(folder, '.env');
  if (!fs.existsSync(file)) return {};
  if (!util.parseEnv) throw new TypeError(`${file} needs Node 20.12 or newer to be read`);
  return util.parseEnv(fs.readFileSync(file, 'utf8'));
}

/** The variables that are named: given ones first, then those of this process, then .env. */
function variablesOf(folder, { includeEnvironmentVariables: names = [] }, given) {
  if (!Array.isArray(names) || names.some((name) => typeof name !== 'string'))
    throw new TypeError(`"includeEnvironmentVariables" in ${FILE} must be a list of names`);
  const all = { ...(names.length > 0 ? dotEnv(folder) : {}), ...process.env, ...given };
  const own = names.find((name) => OF_THE_TOOL.includes(name));
  if (own) throw new TypeError(`${own} is a variable of the vendor's tool, and cannot be one of a deployment`);
  const missing = names.find((name) => !all[name]);
  if (missing) throw new TypeError(`"includeEnvironmentVariables" names ${missing}, which .env does not have: add it there, or give it by --env`);
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}

/**
 * What is to be run of a folder.
 * @param {string} folder @param {string} [name] of one of its projects, where there are several
 * @param {Record<string, string>} [given] variables that go before those of .env
 * @returns {{file: string, env: Record<string, string>}}
 */
function projectOf(folder, name, given = {}) {
  const project = chosen(projectsOf(folder), name);
  return { file: fileOf(folder, project), env: { ...variablesOf(folder, project, given), ...given } };
}

/** Whether a path is such a folder. */
function isProject(folder) {
  return fs.existsSync(path.join(folder, FILE));
}

module.exports = { isProject, projectOf };
