import type { IStateDB } from '@jupyterlab/statedb';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { KfopsApi } from '../api';
import { FINAL_STATES } from '../tokens';
import type { Kfops } from '../tokens';
import { OperationsModel } from './operations';
import { PipelinesModel } from './pipelines';
import { Resource } from './resource';
import type { SourceModel } from './source';
import { panelState, statusInterval } from './status';
import type { PanelState } from './status';

/** The sections whose content is asked for only while they are open. */
export type SectionName = 'images' | 'experiments' | 'recurring';

/** Milliseconds between two looks while a run goes on. */
const LIVE = 1_000;

/** Everything the side panel shows. */
export class KfopsModel implements IDisposable {
  constructor(options: KfopsModel.IOptions) {
    const { api, source, stateDB } = options;
    this.api = api;
    this.source = source;
    this._idleInterval = options.idleInterval;
    const usable = () => this._isWatched && this.state.kind === 'ready';
    // behind a folded panel the status bar goes on telling of what runs, as long as somebody is there
    const isFollowed = () =>
      usable() || (this._liveRuns.size > 0 && document.hasFocus() && this.state.kind === 'ready');
    this.status = new Resource({
      name: 'kfops-lab:status',
      load: () => api.status(),
      interval: statusInterval,
      active: () => this._isWatched
    });
    this.runs = new Resource({
      name: 'kfops-lab:runs',
      load: async () => (await api.runs()).runs,
      interval: runs => (runs?.some(isLive) ? LIVE : this._idleInterval()),
      active: isFollowed,
      follow: { feed: api.changes, run: '' }
    });
    this.models = new Resource({
      name: 'kfops-lab:models',
      load: () => api.models(),
      interval: () => 3 * this._idleInterval(),
      active: usable
    });
    const lazy = <T>(name: SectionName, load: () => Promise<T>) => {
      const resource = new Resource<T>({
        name: `kfops-lab:${name}`,
        load,
        interval: () => 3 * this._idleInterval(),
        active: () => usable() && this._opened.has(name)
      });
      resource.changed.connect(this._emit, this);
      return resource;
    };
    this.images = lazy('images', () => api.images());
    this.experiments = lazy('experiments', () => api.experiments());
    this.recurring = lazy('recurring', () => api.recurringRuns());
    this.pipelines = new PipelinesModel({
      api,
      interval: () => 3 * this._idleInterval(),
      active: usable
    });
    this.operations = new OperationsModel({ api, stateDB });
    this.status.changed.connect(this._onStatusChanged, this);
    this.runs.changed.connect(this._onRunsChanged, this);
    this.models.changed.connect(this._emit, this);
    this.pipelines.changed.connect(this._emit, this);
    this.operations.changed.connect(this._emit, this);
    this.source.changed.connect(this._onSourceChanged, this);
    api.changes.switched.connect(() => void this.status.refresh());
    this._folder = folderOf(source);
  }

  readonly api: KfopsApi;
  readonly source: SourceModel;
  readonly status: Resource<Kfops.IStatus>;
  readonly runs: Resource<Kfops.IRun[]>;
  readonly models: Resource<Kfops.IModelVersion[]>;
  readonly images: Resource<Kfops.IPipelineVersion[]>;
  readonly experiments: Resource<Kfops.IExperiment[]>;
  readonly recurring: Resource<Kfops.IRecurringRun[]>;
  readonly pipelines: PipelinesModel;
  readonly operations: OperationsModel;

  /** Emitted when anything that the panel shows may have changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted for each run that this page has seen going on, and that has ended. */
  get runEnded(): ISignal<this, Kfops.IRun> {
    return this._runEnded;
  }

  /** The runs that go on. */
  get liveRuns(): Kfops.IRun[] {
    return (this.runs.value ?? []).filter(isLive);
  }

  get state(): PanelState {
    return this._isSwitching ? { kind: 'loading' } : panelState(this.status.state);
  }

  /** What is known of the connection, also of one that cannot be used. */
  get connection(): Kfops.IConnectionStatus | null {
    return this.status.value?.connection ?? null;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Whether somebody looks at the panel; nothing is asked while nobody does. */
  get isWatched(): boolean {
    return this._isWatched;
  }
  set isWatched(value: boolean) {
    if (value === this._isWatched) {
      return;
    }
    this._isWatched = value;
    if (value) {
      void this.refresh();
    }
  }

  /** Ask again for everything. */
  async refresh(): Promise<void> {
    await this.status.refresh();
    await this._refreshAll();
  }

  /** Use another backend from now on, here and in every other page. */
  async useBackend(kind: Kfops.BackendKind): Promise<void> {
    this._isSwitching = true;
    this._emit();
    try {
      await this.api.useBackend(kind);
      await this.status.refresh();
    } finally {
      this._isSwitching = false;
      this._onStatusChanged();
    }
  }

  /** Say whether a section that is not always open can be seen; what it holds is asked for only then. */
  setOpened(name: SectionName, isOpened: boolean): void {
    if (isOpened !== this._opened.has(name)) {
      if (isOpened) {
        this._opened.add(name);
        void this[name].refresh();
      } else {
        this._opened.delete(name);
      }
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    for (const part of [this.status, ...this._lists(), this.operations]) {
      part.dispose();
    }
    this.source.dispose();
    Signal.clearData(this);
  }

  /** When the backend becomes usable, or is another one, what it has is asked for at once. */
  private _onStatusChanged(): void {
    const kind = this.state.kind;
    const backend = backendOf(this.connection);
    if (backend && this._backend && backend !== this._backend) {
      this._liveRuns.forEach(id => this._elsewhere.add(id));
      this._lists().forEach(list => list.clear());
      this._lastKind = 'loading';
    }
    this._backend = backend || this._backend;
    if (kind === 'ready' && this._lastKind !== 'ready') {
      void this._refreshAll();
    }
    this._lastKind = kind;
    this._emit();
  }

  /** A run that has just ended may have left a model; one of a new version tells of that version. */
  private _onRunsChanged(): void {
    const runs = this.runs.value ?? [];
    const versions = new Set(runs.map(run => run.version_id));
    if (Array.from(versions).some(id => !this._versions.has(id))) {
      void this.pipelines.refresh();
    }
    this._versions = versions;
    const live = new Set(runs.filter(isLive).map(run => run.id));
    const seenLive = (id: string) => this._liveRuns.has(id) || this._elsewhere.has(id);
    const ended = runs.filter(run => seenLive(run.id) && !live.has(run.id));
    runs.forEach(run => this._elsewhere.delete(run.id));
    if (ended.length) {
      void this.models.refresh();
    }
    this._liveRuns = live;
    this._emit();
    ended.forEach(run => this._runEnded.emit(run));
  }

  /** Another folder may be another project, with another backend. */
  private _onSourceChanged(): void {
    const folder = folderOf(this.source);
    if (folder !== this._folder && this._isWatched) {
      void this.refresh();
    }
    this._folder = folder;
    this._emit();
  }

  private _lists() {
    const { runs, models, images, experiments, recurring, pipelines } = this;
    return [runs, models, images, experiments, recurring, pipelines];
  }

  private async _refreshAll(): Promise<void> {
    const always = [this.runs, this.models, this.pipelines];
    const opened = Array.from(this._opened, name => this[name]);
    await Promise.all([...always, ...opened].map(part => part.refresh()));
  }

  private _emit(): void {
    this._changed.emit();
  }

  private _folder: string;
  private _idleInterval: () => number;
  private _isWatched = false;
  private _isDisposed = false;
  private _lastKind: PanelState['kind'] = 'loading';
  private _liveRuns = new Set<string>();
  /** Runs that went on in the backend that was used before: their end is told when it is used again. */
  private _elsewhere = new Set<string>();
  private _backend = '';
  private _isSwitching = false;
  private _opened = new Set<SectionName>();
  private _versions = new Set<string>();
  private _changed = new Signal<this, void>(this);
  private _runEnded = new Signal<this, Kfops.IRun>(this);
}

export namespace KfopsModel {
  export interface IOptions {
    api: KfopsApi;
    source: SourceModel;
    stateDB: IStateDB | null;
    /** Milliseconds between two looks while nothing runs. */
    idleInterval: () => number;
  }
}

function folderOf(source: SourceModel): string {
  return (source.current?.path ?? '').split('/').slice(0, -1).join('/');
}

/** Which backend it is: the embedded one stays the same when it is started anew at another address. */
function backendOf(connection: Kfops.IConnectionStatus | null): string {
  return connection?.kind === 'cluster' ? connection.host : (connection?.kind ?? '');
}

/** Whether a run may still change. */
export function isLive(run: Kfops.IRun): boolean {
  return !FINAL_STATES.has(run.state);
}
