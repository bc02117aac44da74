/** Tests of the panel's models and pure parts; what a browser must show is tested in a browser (tests/e2e). */
export default {
  testEnvironment: 'jsdom',
  roots: ['<rootDir>/labextension/tests'],
  moduleNameMapper: { '\\.css$': '<rootDir>/labextension/tests/no_style.ts' },
  // JupyterLab's packages are ES modules
  transformIgnorePatterns: ['/node_modules/(?!(@jupyterlab|@dagrejs)/)'],
  transform: {
    '\\.(tsx?|m?js)$': [
      'ts-jest',
      {
        tsconfig: {
          allowJs: true,
          esModuleInterop: true,
          isolatedModules: true,
          jsx: 'react',
          module: 'commonjs',
          target: 'ES2019'
        },
        diagnostics: false
      }
    ]
  }
};
