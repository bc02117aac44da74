/**
 * Builds the panel: labextension/lib (made by tsc) becomes the prebuilt bundle in kfops_lab/labextension.
 *
 * JupyterLab's builder wants a folder with a package.json that says what the application itself brings (React, Lumino,
 * its own packages). JupyterLab publishes that file as `@jupyterlab/core-meta`, so that the build needs Node and
 * package-lock.json only, and no JupyterLab in Python.
 *
 * With `--check-size` nothing is built: the bundle is weighed against its limits.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const output = join(root, 'kfops_lab', 'labextension');
const require = createRequire(import.meta.url);

/** Kilobytes (1000 bytes) of JavaScript, in all and before the panel is first opened. */
const LIMITS = { all: 300, entry: 40 };

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

/** The scripts that a JupyterLab loads to start the plugins: the remote entry and what `index` and `style` need. */
function weigh() {
  const folder = join(output, 'static');
  const scripts = readdirSync(folder).filter(name => name.endsWith('.js'));
  const bytes = name => statSync(join(folder, name)).size;
  const lazy = name => /^(panel|views|graph)\./.test(name);
  const sum = names => names.reduce((total, name) => total + bytes(name), 0) / 1000;
  return { all: sum(scripts), entry: sum(scripts.filter(name => !lazy(name))), scripts };
}

function checkSize() {
  const weight = weigh();
  for (const [what, limit] of Object.entries(LIMITS)) {
    console.log(`panel bundle, ${what}: ${weight[what].toFixed(1)} kB of ${limit} kB`);
    if (weight[what] > limit) {
      console.error(
        `The panel's bundle is over its limit. Its scripts: ${weight.scripts.join(', ')}`
      );
      process.exit(1);
    }
  }
}

if (process.argv.includes('--check-size')) {
  checkSize();
} else {
  build();
  const built = JSON.parse(readFileSync(join(output, 'package.json'), 'utf-8'));
  console.log(`${built.name} ${built.version}: ${built.jupyterlab._build.load}`);
}
