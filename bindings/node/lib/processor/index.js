'use strict';
// acurast/processor: runs on-demand deployment scripts as a processor does.

const { runDeployment, runDeployments } = require('./tested.js');

module.exports = { runDeployment, runDeployments };
