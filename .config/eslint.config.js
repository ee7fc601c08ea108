import js from '@eslint/js';
import path from 'node:path';
import { defineConfig } from 'eslint/config';
import ts from 'typescript-eslint';
import { importRules } from './rooms.js';

/** Node's timers, which are globals as well. */
const TIMERS = ['set', 'clear'].flatMap((verb) => ['Timeout', 'Interval', 'Immediate'].map((what) => verb + what));

const root = path.resolve(import.meta.dirname, '..');

export default defineConfig(
  // The patterns are relative to the current folder, which npm makes the repository.
  {
    ignores: [
      'dist/',
      '.build/',
      '**/node_modules/',
      'test/package/consumer/',
      'test/package/embedding/',
      'test/package/software/',
    ],
  },
  js.configs.recommended,
  ts.configs.strictTypeChecked,
  ts.configs.stylisticTypeChecked,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    rules: {
      // Status codes, handles and lengths are numbers, and belong in messages.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `() => socket.close()` as a callback reads better than a body in braces; so does `return fail(…)` as an early end.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // `while (true)` is how a worker that reads packets until told to stop looks.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // An unused parameter that a signature demands starts with an underscore.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // mocha's it() takes async functions.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
    },
  },
  {
    // Fake timers replace them: src/platform/node-timers.ts has those of the moment when the library was loaded.
    files: ['src/**/*.ts', 'ffi/**/*.ts'],
    ignores: ['src/platform/node-timers.ts'],
    rules: {
      'no-restricted-globals': ['error', ...TIMERS, 'performance', 'Date', 'queueMicrotask'],
      'no-restricted-imports': ['error', 'node:timers', 'node:timers/promises', 'node:perf_hooks'],
      'no-restricted-properties': ['error', { object: 'process', property: 'nextTick' }],
    },
  },
  {
    // A connection's groups of state are changed by the file that declares each, through its methods; and what a socket's close
    // waits for is counted in one place each.
    files: ['src/**/*.ts'],
    ignores: ['src/memory/operation-table.ts', 'src/context/context.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...['AssignmentExpression[left', 'UpdateExpression[argument'].flatMap((changed) =>
          ['object.property.name', 'object.name'].map((owner) => ({
            selector: `${changed}.${owner}=/^(connect|read|write|readiness)$/]`,
            message:
              "Only the group's own file (write-state.ts, …) changes it: give it a method that says what happens.",
          })),
        ),
        {
          selector: 'UpdateExpression[argument.property.name=/^(inFlight|pendingCallbacks)$/]',
          message: 'operation-table.ts counts operations in flight, and context.ts counts pending callbacks.',
        },
      ],
    },
  },
  ...importRules(),
  {
    files: ['test/**/*.test.ts'],
    rules: {
      // chai: expect(x).to.be.true
      '@typescript-eslint/no-unused-expressions': 'off',
      // A test may say that something is there.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    // The rules against `any` do not see the casts in JSDoc comments.
    files: ['**/*.{js,mjs,cjs}'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off', '@typescript-eslint/no-unsafe-return': 'off' },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { module: 'writable', process: 'readonly', require: 'readonly' },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    // TypeScript itself reports unknown names, knowing Node.js' own.
    files: ['**/*.{js,mjs,cjs,ts}'],
    rules: { 'no-undef': 'off' },
  },
);
