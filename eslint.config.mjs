import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import typescript from 'typescript-eslint';

/** The layers, lowest first: a module may import from its own and lower ones only. */
const LAYERS = ['tokens', 'api', 'models', 'components', 'widgets', 'plugins'];

const layerRules = LAYERS.slice(0, -1).map((layer, index) => ({
  files: [`labextension/src/${layer}.ts`, `labextension/src/${layer}/**/*`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: LAYERS.slice(index + 1).map(above => ({
          regex: `^\\.{1,2}/(.*/)?${above}(/|$)(?!.*\\.css)`,
          message: `${layer} is below ${above}: the layers go one way.`
        }))
      }
    ]
  }
}));

export default typescript.config(
  {
    ignores: [
      '**/*',
      '!labextension/',
      '!labextension/**',
      '!scripts/',
      '!scripts/*.mjs',
      '!*.mjs',
      'labextension/lib'
    ]
  },
  js.configs.recommended,
  ...typescript.configs.recommended,
  reactHooks.configs.flat['recommended-latest'] ?? reactHooks.configs['recommended-latest'],
  {
    rules: {
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // the component follows models, whose signals tell it when to draw: refs and state are set where that is said
      'react-hooks/refs': 'off',
      'react-hooks/set-state-in-effect': 'off',
      eqeqeq: 'error',
      'max-lines': ['error', 400]
    }
  },
  {
    files: ['scripts/*.mjs', '*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } }
  },
  {
    files: ['labextension/webpack.config.js'],
    languageOptions: { sourceType: 'commonjs' }
  },
  ...layerRules
);
