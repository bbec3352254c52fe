import vue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'
import vueParser from 'vue-eslint-parser'

export default tseslint.config(
  {
    ignores: [
      'resources/plugins/**',
      'resources/health-plugins/**',
      'dist',
      'node_modules',
      'test/fixtures',
      '.dependency-cruiser.cjs',
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  ...vue.configs['flat/essential'],
  {
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.node.json', './tsconfig.renderer.json', './tsconfig.browser-tests.json'],
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.vue'],
      },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      // Our interfaces are records of closures, which have no `this` to lose.
      '@typescript-eslint/unbound-method': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'vue/multi-word-component-names': 'off',
    },
  },
  {
    files: ['**/*.vue'],
    languageOptions: { parser: vueParser, parserOptions: { parser: tseslint.parser } },
  },
  {
    // Only the clock reads time; everything else is given one.
    files: ['electron/service/**/*.ts', 'electron/cli/**/*.ts', 'electron/main/**/*.ts'],
    ignores: ['electron/service/clock.ts', 'electron/main/clock.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          message: 'Take a Clock.',
        },
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Take a Clock.' },
        { selector: "CallExpression[callee.name='setTimeout']", message: 'Use clock.after().' },
        { selector: "CallExpression[callee.name='setInterval']", message: 'Use clock.after().' },
        { selector: "CallExpression[callee.object.name='performance']", message: 'Take a Clock.' },
        {
          selector: "MemberExpression[object.name='process'][property.name='hrtime']",
          message: 'Take a Clock.',
        },
        { selector: "CallExpression[callee.property.name='uptime']", message: 'Take a Clock.' },
      ],
    },
  },
  {
    // Pages reach the app by the bridge alone, whose two ends are handed their half of the channel here.
    files: ['electron/**/*.ts'],
    ignores: ['electron/main/main.ts', 'electron/preload/preload.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [{ name: 'electron', allowTypeImports: true, message: 'Take what you need by parameter.' }],
        },
      ],
    },
  },
  {
    // The linter's own view of TypeScript cannot see into a .vue file; vue-tsc can, and checks the same.
    files: ['renderer/main.ts', 'renderer/router.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    files: ['**/*.{mjs,cjs}'],
    ...tseslint.configs.disableTypeChecked,
  },
  {
    files: [
      'build/**/*.mjs',
      'test/bench/**/*.ts',
      'test/desktop/**/*.ts',
      'test/package/**/*.ts',
      'test/screenshots/**/*.ts',
      'test/support/{notification-daemon,send-notice,fake-systemd}.ts',
    ],
    rules: { 'no-console': 'off' },
  },
)
