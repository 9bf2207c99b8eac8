'use strict';
// --inspect: a debugger of this process, which sees the script's thread as a worker. A port of this machine alone: whoever reaches it
// commands the process.

const inspector = require('node:inspector');

const HOST = '127.0.0.1';

/**
 * Opens it: { url, wait, close }. wait() holds this thread until a debugger says go on, so that it sees the first line of the script.
 * @param {number} port 0: a free one
 */
function openInspector(port) {
  inspector.open(port, HOST, false);
  if (!inspector.url()) throw new Error(`the debugger cannot listen at ${HOST}:${port}: take another port, as in --inspect=0`);
  return { url: inspector.url(), wait: () => inspector.waitForDebugger(), close: () => inspector.close() };
}

module.exports = { openInspector };
