'use strict';
// Members for which a few lines are a true stand-in: what a script tells the device through them is told on.

const fs = require('node:fs');
const path = require('node:path');
const { format } = require('node:util');
const { bytesOf, callbackOf, isBytes, kindOf } = require('./hex.js');

const HOST = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/i;

/** `_STD_.network`: says which hosts were asked for. Only a processor slows down connections to other ones. */
function network(tell) {
  return {
    whitelist(hosts) {
      const list = Array.isArray(hosts) ? hosts : [hosts];
      const bad = list.find((one) => typeof one !== 'string' || !HOST.test(one));
      if (bad !== undefined || list.length === 0) {
        const got = typeof bad === 'string' ? JSON.stringify(bad) : list.length === 0 ? 'an empty list' : kindOf(bad);
        throw new TypeError(`hosts must be a host name, without scheme, port and path, or a list of them, not ${got}`);
      }
      tell('note', { where: 'network.whitelist', text: `${list.join(', ')}: connections are not slowed down here, to no host` });
    },
  };
}

/** `_STD_.sentry`, seen in scripts: a log of the processors' makers. */
function sentry(tell) {
  return { log: (...words) => tell('note', { where: 'sentry.log', text: format(...words) }) };
}

const UPLOAD = '_DEVTOOLS_.uploadFile(filename, content, mimeType, (file) => {…}, (message) => {…})';

/** `_DEVTOOLS_`: keeps files that are meant for the vendor's page in a folder beside the script's own. */
function devtools({ folder, call, tell }) {
  let count = 0;
  return {
    uploadFile(filename, content, mimeType, success, error) {
      const ok = callbackOf(success, 'success', UPLOAD);
      callbackOf(error, 'error', UPLOAD);
      if (typeof filename !== 'string' || typeof mimeType !== 'string')
        throw new TypeError(`filename and mimeType must be strings. This is how it is meant: ${UPLOAD}`);
      if (typeof content !== 'string' && !isBytes(content))
        throw new TypeError(`content must be a string or bytes, not ${kindOf(content)}`);
      const bytes = typeof content === 'string' ? Buffer.from(content) : bytesOf(content, 'content');
      const id = ++count;
      const file = path.join(folder, `${id}-${filename.replace(/[^\w.-]/g, '_').slice(-100)}`);
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      fs.writeFileSync(file, bytes, { mode: 0o600 });
      tell('note', { where: '_DEVTOOLS_.uploadFile', text: `${filename}, ${bytes.length} bytes: ${file}` });
      const about = { id, filename, mimeType, fileSize: bytes.length, createdAt: new Date().toISOString() };
      setImmediate(() => call('success callback of _DEVTOOLS_.uploadFile', ok, about));
    },
  };
}

module.exports = { devtools, network, sentry };
