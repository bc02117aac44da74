/**
 * Builds the panel: labextension/lib (made by tsc) becomes the prebuilt bundle in kfops_lab/labextension.
 *
 * JupyterLab's builder wants a folder with a package.json that says what the application itself brings (React, Lumino,
 * its own packages). JupyterLab publishes that file as `@jupyterlab/core-meta`, so that the build needs Node and
 * package-lock.json only, and no JupyterLab in Python.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const output = join(root, 'kfops_lab', 'labextension');
const require = createRequire(import.meta.url);

function build() {
  const core = join(root, 'node_modules', '.cache', 'kfops-core');
  mkdirSync(core, { recursive: true });
  copyFileSync(
    require.resolve('@jupyterlab/core-meta/core.package.json'),
    join(core, 'package.json')
  );
  const builder = join(dirname(require.resolve('@jupyterlab/builder')), 'build-labextension.js');
  const result = spawnSync(process.execPath, [builder, '--core-path', core, root], {
    cwd: root,
    stdio: 'inherit'
  });
  if (result.status !== 0) {
    process.exit(result.status ?? 1);
  }
  copyFileSync(join(root, 'labextension', 'install.json'), join(output, 'install.json'));
}

build();
const built = JSON.parse(readFileSync(join(output, 'package.json'), 'utf-8'));
console.log(`${built.name} ${built.version}: ${built.jupyterlab._build.load}`);
