import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { WidgetTracker } from '@jupyterlab/apputils';
import type { IEditorTracker } from '@jupyterlab/fileeditor';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IStateDB } from '@jupyterlab/statedb';
import type { IStatusBar } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';

import { SourceActions } from './actions';
import { KfopsApi } from './api';
import { KfopsResponseError } from './response_error';
import { panelIcon } from './icons';
import { KfopsModel } from './models/kfops';
import { SourceModel } from './models/source';
import { sourceState } from './models/source_state';
import { ofNarrowed } from './narrowed';
import { notifyOfEnd } from './notify';
import { showWidget } from './show_widget';
import { CommandIDs } from './tokens';
import type { Kfops } from './tokens';
import type { CellRun } from './widgets/cell_run';
import { PanelContent } from './widgets/panel';
import { askForRun, askForSchedule } from './widgets/run_dialog';
import { StatusItem } from './widgets/status_item';

/** Where the quickstart lies below the folder that JupyterLab was started in. */
const QUICKSTART = ['examples/quickstart.ipynb', 'quickstart.ipynb'];

/** What is behind the panel and the commands; made when it is first needed. */
export class KfopsApp {
  constructor(options: KfopsApp.IOptions) {
    this._options = options;
    const { app, notebooks, editors, stateDB, idleInterval } = options;
    const source = new SourceModel({ shell: app.shell, notebooks, editors });
    this.api = new KfopsApi({
      serverSettings: app.serviceManager.serverSettings,
      trans: options.trans,
      document: () => source.current?.path ?? ''
    });
    this.model = new KfopsModel({
      api: this.api,
      source,
      stateDB,
      idleInterval
    });
    this.source = new SourceActions(this.model, options.trans);
    void this.model.operations.restore();
    this.model.runEnded.connect((_, run) =>
      notifyOfEnd(run, {
        trans: options.trans,
        open: () => void app.commands.execute(CommandIDs.openRun, { run_id: run.id })
      })
    );
    options.statusBar?.registerStatusItem('kfops-lab:status', {
      item: new StatusItem({
        model: this.model,
        trans: options.trans,
        onClick: () => void app.commands.execute(CommandIDs.openPanel)
      }),
      align: 'left',
      rank: 50
    });
  }

  readonly api: KfopsApi;
  readonly model: KfopsModel;
  readonly source: SourceActions;

  createPanel(): PanelContent {
    const { app, stateDB, trans } = this._options;
    return new PanelContent({
      model: this.model,
      trans,
      stateDB,
      execute: (command, args) => app.commands.execute(command, args),
      openQuickstart: () => this._findQuickstart()
    });
  }

  /** Ask for a version's parameters, run it and show the run; without an id, the document's version. */
  async run(versionId?: string): Promise<Kfops.IRun | null> {
    const version = versionId
      ? await this.api.version(versionId)
      : await this.source.versionToRun();
    return version ? this._start(version) : null;
  }

  /** Ask for when a version is to run again and again. */
  async schedule(versionId: string): Promise<void> {
    const { trans, stateDB } = this._options;
    const version = await this.api.version(versionId);
    if (await askForSchedule({ api: this.api, version, stateDB, trans })) {
      await this.model.recurring.refresh();
    }
  }

  /** Start a run with the version, and at first the parameters, of another. */
  async cloneRun(runId: string): Promise<Kfops.IRun | null> {
    const run = await this.api.run(runId);
    return this._start(await this.api.version(run.version_id), run);
  }

  /** Upload a file as it is saved, and show its version, or ask for its parameters and run it. */
  async uploadFile(path: string, run: boolean): Promise<void> {
    const { operations, pipelines } = this.model;
    const begun = await operations.begin(path, '', () => this.api.upload({ path }));
    const operation = await operations.finished(begun.id);
    void pipelines.refresh();
    if (operation.error) {
      throw new KfopsResponseError(operation.error, 0);
    }
    const version = operation.result as Kfops.IPipelineVersion;
    if (run) {
      await this.run(version.id);
    } else {
      await this.openView(`version:${version.id}`);
    }
  }

  async stopRun(runId: string): Promise<void> {
    await this.api.changeRun(runId, 'stopped');
    await this.model.runs.refresh();
  }

  /** Go on with a failed run where it failed. */
  async retryRun(runId: string): Promise<void> {
    await this.api.changeRun(runId, 'running');
    await this.model.runs.refresh();
  }

  /**
   * Open a view in the main area, or show the one that is open; in Notebook 7 below the notebook.
   *
   * @param name - `run:<id>`, `runs:<query>` (see `narrowed.ts`), `compare:<id>,<id>`, `version:<id>` or `source:<path>`
   */
  async openView(name: string): Promise<void> {
    const { app, tracker } = this._options;
    const id = `kfops-${name}`;
    let widget = tracker.find(one => one.id === id);
    if (!widget) {
      const content = await this._createView(name);
      // it may have been opened while its parts were fetched
      widget = tracker.find(one => one.id === id);
      if (widget) {
        content.dispose();
      } else {
        widget = new MainAreaWidget({ content });
        widget.id = id;
        widget.title.icon = panelIcon;
        widget.title.closable = true;
        widget.toolbar.hide();
        await tracker.add(widget);
      }
    }
    showWidget(app.shell, widget);
  }

  /** Make what shows a run in a cell's output. */
  async createCellRun(): Promise<CellRun> {
    const { app, notebooks, rendermime, trans } = this._options;
    const views = await import(/* webpackChunkName: "views" */ './widgets/views');
    return new views.CellRun({
      api: this.api,
      rendermime,
      trans,
      execute: (command, args) => app.commands.execute(command, args),
      // JupyterLab 3 does not notice by itself
      onKept: node =>
        notebooks?.forEach(({ node: around, model }) => {
          if (model && around.contains(node)) {
            model.dirty = true;
          }
        })
    });
  }

  private async _createView(name: string): Promise<Widget> {
    const { app, rendermime, trans } = this._options;
    const views = await import(/* webpackChunkName: "views" */ './widgets/views');
    const execute = (command: string, args?: Record<string, string>) =>
      app.commands.execute(command, args);
    const [kind, ...rest] = name.split(':');
    const key = rest.join(':');
    if (kind === 'run') {
      return new views.RunView({ api: this.api, runId: key, rendermime, trans, execute });
    }
    if (kind === 'runs') {
      return new views.RunsView({ api: this.api, narrowed: ofNarrowed(key), trans, execute });
    }
    if (kind === 'compare') {
      return new views.CompareView({ api: this.api, runIds: key.split(','), trans, execute });
    }
    const load =
      kind === 'version' ? () => this.api.version(key) : () => Promise.resolve(this._compiled(key));
    return new views.VersionView({
      api: this.api,
      load,
      title: key,
      trans,
      execute,
      changed: this.model.changed
    });
  }

  /** The last package, or version, of a document. */
  private _compiled(path: string): Kfops.IPackage | Kfops.IPipelineVersion | null {
    const state = sourceState({ path, signature: () => '' }, this.model.operations);
    return state.pkg ?? state.version;
  }

  private async _start(
    version: Kfops.IPipelineVersion,
    earlier?: Kfops.IRun
  ): Promise<Kfops.IRun | null> {
    const { trans, app, stateDB } = this._options;
    const run = await askForRun({ api: this.api, version, earlier, stateDB, trans });
    if (run) {
      void this.model.runs.refresh();
      await app.commands.execute(CommandIDs.openRun, { run_id: run.id });
    }
    return run;
  }

  private async _findQuickstart(): Promise<(() => Promise<unknown>) | null> {
    const { app } = this._options;
    // folders are listed rather than the file asked for: a file that is not there would be an error in the console
    const list = (folder: string) =>
      app.serviceManager.contents
        .get(folder, { content: true })
        .then(model => (model.content as { path: string }[]).map(file => file.path))
        .catch(() => [] as string[]);
    const root = await list('');
    const below = root.includes('examples') ? await list('examples') : [];
    const path = [...below, ...root].find(found => QUICKSTART.includes(found));
    if (path) {
      return () => app.commands.execute('docmanager:open', { path });
    }
    return null;
  }

  private _options: KfopsApp.IOptions;
}

export namespace KfopsApp {
  export interface IOptions {
    app: JupyterFrontEnd;
    notebooks: INotebookTracker | null;
    editors: IEditorTracker | null;
    stateDB: IStateDB | null;
    /** Draws what JupyterLab can draw itself; without it such things show as tables and text. */
    rendermime: IRenderMimeRegistry | null;
    trans: TranslationBundle;
    /** Where what runs is told; null where there is no status bar. */
    statusBar: IStatusBar | null;
    /** Keeps the views in the main area, so that a reload opens them again. */
    tracker: WidgetTracker<MainAreaWidget>;
    idleInterval: () => number;
  }
}
