import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import type { MainAreaWidget } from '@jupyterlab/apputils';
import { IEditorTracker } from '@jupyterlab/fileeditor';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addCommands } from '../commands';
import { addFileCommands } from '../file_commands';
import { RUN_RANK, runRenderer } from '../lazy_cell_run';
import { LazyPanel } from '../lazy_panel';
import { CommandIDs, PLUGIN_ID, TEXT_DOMAIN } from '../tokens';
import type { KfopsApp } from '../app';

const DEFAULT_INTERVAL = 3_000;

/**
 * The side panel and its commands.
 *
 * What the panel needs is fetched when it is first shown or a command is first executed: until then this plugin costs
 * JupyterLab's start next to nothing, and asks the server for nothing.
 */
export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Adds the KFOPS panel: compile, upload, run and follow Kubeflow pipelines.',
  autoStart: true,
  optional: [
    ILayoutRestorer,
    INotebookTracker,
    IEditorTracker,
    ISettingRegistry,
    IStateDB,
    ITranslator,
    IRenderMimeRegistry,
    IStatusBar,
    IFileBrowserFactory
  ],
  activate: (
    app: JupyterFrontEnd,
    restorer: ILayoutRestorer | null,
    notebooks: INotebookTracker | null,
    editors: IEditorTracker | null,
    settings: ISettingRegistry | null,
    stateDB: IStateDB | null,
    translator: ITranslator | null,
    rendermime: IRenderMimeRegistry | null,
    statusBar: IStatusBar | null,
    files: IFileBrowserFactory | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(TEXT_DOMAIN);
    let interval = DEFAULT_INTERVAL;
    void settings
      ?.load(PLUGIN_ID)
      .then(loaded => {
        const read = () => {
          interval =
            1000 *
            ((loaded.get('pollInterval').composite as number | null) ?? DEFAULT_INTERVAL / 1000);
        };
        loaded.changed.connect(read);
        read();
      })
      // the default serves; JupyterLab itself tells of settings that it cannot read
      .catch(() => undefined);

    // a tracker drops what it does not know in its namespace: the panel's own state is kept under another
    const tracker = new WidgetTracker<MainAreaWidget>({ namespace: 'kfops-views' });
    let loading: Promise<KfopsApp> | null = null;
    const load = (): Promise<KfopsApp> => {
      loading ??= import(/* webpackChunkName: "panel" */ '../app').then(
        module =>
          new module.KfopsApp({
            app,
            notebooks,
            editors,
            stateDB,
            rendermime,
            statusBar,
            trans,
            tracker,
            idleInterval: () => interval
          })
      );
      return loading;
    };

    const panel = new LazyPanel({ trans, load });
    app.shell.add(panel, 'left', { rank: 650, type: 'KFOPS' });
    rendermime?.addFactory(runRenderer(load), RUN_RANK);
    addCommands({ app, panel, load, trans, notebooks, editors });
    if (files) {
      addFileCommands({ app, files, trans });
    }
    restorer?.add(panel, panel.id);
    void restorer?.restore(tracker, {
      command: CommandIDs.openView,
      args: widget => ({ view: widget.id }),
      name: widget => widget.id
    });
  }
};
