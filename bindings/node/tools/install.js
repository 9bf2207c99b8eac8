'use strict';
// npm's install script, a convenience: builds the addon where no prebuilt one loads. The package works without it where
// install scripts are blocked and a prebuilt addon fits; it never fails an installation.

const { build } = require('./build.js');

try {
  require('../lib/native.js');
} catch {
  try {
    build({ quiet: true });
  } catch (error) {
    console.error(`acurast: ${error.message}\nOnce these are there: npx acurast build`);
  }
}
