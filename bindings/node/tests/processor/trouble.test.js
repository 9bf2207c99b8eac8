'use strict';
// How errors of scripts are described, whatever a script throws.

const assert = require('node:assert/strict');
const childProcess = require('node:child_process');
const { test } = require('node:test');

let processes = 0;
const { spawnSync } = childProcess;
childProcess.spawnSync = (...words) => {
  processes++;
  return spawnSync(...words);
};
const { dapp, deploy } = require('./lib/harness'); // after this: the runner takes spawnSync as it is loaded
const { describe } = require('../../lib/processor/trouble.js');

function syntaxError() {
  const error = new SyntaxError('not there');
  error.stack = 'SyntaxError: not there\n    at JSON.parse (<anonymous>)';
  return error;
}

test('a process is started for the place of a SyntaxError only while a script starts', () => {
  assert.equal(describe(syntaxError(), __filename).message, 'not there');
  assert.equal(processes, 0); // or a dApp that sends what is no JSON would start one each time
  assert.equal(describe(syntaxError(), __filename, true).message, 'not there');
  assert.equal(processes, 1);
});

test('frames of the runner and of Node are left out, the script’s own come first', () => {
  const error = new TypeError('wrong');
  const ours = require.resolve('../../lib/processor/std.js');
  const lines = [`f (${ours}:1:2)`, 'g (/a/node_modules/b/c.js:3:4)', 'h (node:internal/x:5:6)', '/a/script.js:7:8'];
  error.stack = ['TypeError: wrong', ...lines.map((line) => `    at ${line}`)].join('\n');
  const { stack, ...rest } = describe(error, '/a/script.js');
  assert.deepEqual(rest, { name: 'TypeError', message: 'wrong', file: '/a/script.js', line: 7, column: 8 });
  assert.equal(stack, 'TypeError: wrong\n    at g (/a/node_modules/b/c.js:3:4)\n    at /a/script.js:7:8');
});

test('whatever is thrown in a handler is reported, and the deployment goes on', async (t) => {
  const thrown = [
    'null',
    'undefined',
    '7n',
    "Symbol('s')",
    '{ a: 1 }',
    "Object.assign(new Error('bare'), { stack: undefined })",
  ];
  const code = `const thrown = [${thrown}];
    _STD_.ws.open('wss://a.example', () => _STD_.ws.registerPayloadHandler(({ sender, payload }) => {
      if (thrown.length) throw thrown.shift();
      _STD_.ws.send(sender, payload);
    }));`;
  const { deployment, events } = await deploy(t, { code });
  await deployment.ready;
  const user = await dapp(t, { deployment });
  for (const _ of thrown) await user.send('x');
  assert.equal(await user.ask('still'), 'still');
  await events.times(thrown.length, { event: 'error' }); // which come another way than the answer
  const messages = events.all.filter(({ event }) => event === 'error').map(({ message }) => message);
  assert.deepEqual(messages, ['null', 'undefined', '7n', 'Symbol(s)', '{ a: 1 }', 'bare']);
});
