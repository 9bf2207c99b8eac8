// `npm run lint`, and part of `make lint`: what is wrong in any style, and the repository's sizes of functions and files.
import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['build/', 'core/', 'prebuilds/', '**/node_modules/', '**/*.bundle.js', 'tests/run-*/'] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2024, globals: globals.node },
    rules: {
      eqeqeq: 'error',
      'max-lines': ['error', 700],
      'max-lines-per-function': ['error', 80],
      'no-unused-vars': ['error', { ignoreRestSiblings: true, varsIgnorePattern: '^_' }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['**/*.js'], languageOptions: { sourceType: 'commonjs' } },
  { files: ['tests/**'], rules: { 'max-lines-per-function': 'off' } }, // describe() is a chapter, not a function
  {
    files: ['examples/deployments/**', 'tests/processor/scripts/**'], // what a processor gives to its scripts
    languageOptions: {
      globals: { _STD_: 'readonly', print: 'readonly', httpGET: 'readonly', httpPOST: 'readonly', environment: 'readonly' },
    },
  },
  { files: ['examples/dapp/src/**', 'lib/processor/page/static/**'], languageOptions: { sourceType: 'module', globals: globals.browser } },
  { files: ['tests/processor/page.test.js'], languageOptions: { globals: globals.browser } }, // what runs within the page
];
