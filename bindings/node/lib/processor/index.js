'use strict';
// acurast/processor: runs on-demand deployment scripts as a processor does.

const { Deployment } = require('./deployment.js');
const { settingsOf } = require('./settings.js');

/**
 * Runs a deployment script in a thread of its own. Resolves once the script is about to run; see acurast-processor.d.ts.
 * @param {string | URL | { code: string }} source the script
 * @param {object} [options]
 * @returns {Promise<Deployment>}
 */
async function runDeployment(source, options) {
  return Deployment.start(settingsOf(source, options));
}

module.exports = { runDeployment };
