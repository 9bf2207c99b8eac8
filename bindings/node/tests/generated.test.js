'use strict';
// What was generated from the core's tables still is what they say.

const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { it } = require('node:test');

it('the errors and the options are those of the core', () => {
  execFileSync(process.execPath, [path.join(__dirname, '..', 'tools', 'generate.js'), '--check'], { stdio: 'pipe' });
});
