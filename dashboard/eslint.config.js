import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

import svelteConfig from './svelte.config.js';

/** Ways to turn text into markup or code. The content security policy refuses most of them too. */
const sinks = ['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'srcdoc', 'setHTMLUnsafe'].map(
  (property) => ({ property, message: 'Text from data must stay text: build nodes instead.' }),
);

export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/api/types.ts'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser } } },
  { files: ['build/*.js', '*.config.*'], languageOptions: { globals: { ...globals.node } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig },
    },
  },
  {
    rules: {
      'max-lines': ['error', { max: 500 }],
      'max-lines-per-function': ['error', { max: 60, skipComments: true }],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-script-url': 'error',
      'no-restricted-properties': ['error', ...sinks],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'svelte/no-at-html-tags': 'error',
      // A snippet beside `tools` reads better with its name.
      'svelte/no-useless-children-snippet': 'off',
      // State of this dashboard is raw and replaced as a whole, so plain sets are right.
      'svelte/prefer-svelte-reactivity': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'SvelteAttribute[key.name="style"]',
          message: 'The content security policy refuses style attributes: use `style:`.',
        },
      ],
      'svelte/no-target-blank': 'error',
      'svelte/button-has-type': 'error',
      'svelte/no-navigation-without-resolve': 'off',
    },
  },
  {
    // The script of a component is one function for this rule, so only the file's length counts.
    files: ['**/*.svelte'],
    rules: { 'max-lines-per-function': 'off', 'prefer-const': 'off' },
  },
  { files: ['**/*.test.ts'], rules: { 'max-lines-per-function': 'off' } },
);
