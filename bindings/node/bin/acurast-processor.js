#!/usr/bin/env -S node --
'use strict';
// Without the -- Node takes an --env-file behind the script for a flag of its own, too.

const { endWithReader, main } = require('../lib/processor/cli.js');

endWithReader();
main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
