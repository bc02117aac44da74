import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { TranslationBundle } from '@jupyterlab/translation';

import { panelIcon } from './icons';
import { CommandIDs } from './tokens';

/** Files that hold a pipeline: its source, or its package. */
const PIPELINES = /\.(ipynb|py|ya?ml|zip|tar\.gz|tgz)$/i;

/** The commands of the file browser's context menu, for the file that is selected there. */
export function addFileCommands(options: {
  app: JupyterFrontEnd;
  files: IFileBrowserFactory;
  trans: TranslationBundle;
}): void {
  const { app, files, trans } = options;
  const selected = (): string => {
    const items = files.tracker.currentWidget?.selectedItems();
    const [path, ...more] = items ? paths(items) : [];
    return path !== undefined && !more.length && PIPELINES.test(path) ? path : '';
  };
  const add = (id: string, label: string, execute: (path: string) => Promise<unknown>) =>
    app.commands.addCommand(id, {
      label,
      icon: panelIcon,
      isVisible: () => Boolean(selected()),
      execute: () => execute(selected())
    });
  add(CommandIDs.uploadFile, trans.__('Upload as a pipeline version'), path =>
    app.commands.execute(CommandIDs.uploadPath, { path })
  );
  add(CommandIDs.runFile, trans.__('Run as a pipeline…'), path =>
    app.commands.execute(CommandIDs.uploadPath, { path, run: 'yes' })
  );
}

/** What JupyterLab 4 gives as an iterator of the language, and JupyterLab 3 as one of its own. */
type Items = Iterable<{ path: string }> | { next(): { path: string } | undefined };

function paths(items: Items): string[] {
  if (Symbol.iterator in items) {
    return Array.from(items, item => item.path);
  }
  const found: string[] = [];
  for (let item = items.next(); item !== undefined; item = items.next()) {
    found.push(item.path);
  }
  return found;
}
