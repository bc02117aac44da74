import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { errorOf } from '../response_error';
import type { KfopsApi } from '../api';
import { VERSION_PARAMETER } from '../parameters';
import type { Kfops } from '../tokens';
import { Resource } from './resource';
import type { Loaded } from './resource';

/** How many of an opened pipeline's versions are asked for their images; the others show them when opened. */
const DETAILED = 5;

/** The pipelines, and the versions of those that are unfolded. */
export class PipelinesModel implements IDisposable {
  constructor(options: PipelinesModel.IOptions) {
    this._api = options.api;
    this._list = new Resource({
      name: 'kfops-lab:pipelines',
      load: () => this._load(),
      interval: options.interval,
      active: options.active
    });
    this._list.changed.connect(() => this._changed.emit());
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): Loaded<Kfops.IPipeline[]> {
    return this._list.state;
  }

  get isDisposed(): boolean {
    return this._list.isDisposed;
  }

  /** The versions of an unfolded pipeline, newest first. */
  versions(pipelineId: string): Loaded<Kfops.IPipelineVersion[]> {
    return this._versions.get(pipelineId) ?? { kind: 'loading' };
  }

  isOpen(pipelineId: string): boolean {
    return this._versions.has(pipelineId);
  }

  /** Unfold a pipeline, or fold it. */
  async toggle(pipelineId: string): Promise<void> {
    if (this._versions.delete(pipelineId)) {
      this._changed.emit();
      return;
    }
    this._versions.set(pipelineId, { kind: 'loading' });
    this._changed.emit();
    await this._loadVersions(pipelineId);
    this._changed.emit();
  }

  refresh(): Promise<void> {
    return this._list.refresh();
  }

  /** Forget what there is: another backend has other pipelines. */
  clear(): void {
    this._versions.clear();
    this._list.clear();
  }

  dispose(): void {
    this._list.dispose();
    Signal.clearData(this);
  }

  private async _load(): Promise<Kfops.IPipeline[]> {
    const pipelines = await this._api.pipelines();
    await Promise.all(Array.from(this._versions.keys()).map(id => this._loadVersions(id)));
    return pipelines;
  }

  private async _loadVersions(pipelineId: string): Promise<void> {
    let state: Loaded<Kfops.IPipelineVersion[]>;
    try {
      const versions = await this._api.versions(pipelineId);
      const detailed = await Promise.all(
        versions.map((version, index) => (index < DETAILED ? this._detail(version) : version))
      );
      state = { kind: 'ready', value: detailed, stale: null };
    } catch (reason) {
      state = { kind: 'failed', error: errorOf(reason) };
    }
    if (this._versions.has(pipelineId)) {
      this._versions.set(pipelineId, state);
    }
  }

  /** Only a version that takes `version_id` can have images of its own. */
  private async _detail(version: Kfops.IPipelineVersion): Promise<Kfops.IPipelineVersion> {
    if (!version.parameters.some(parameter => parameter.name === VERSION_PARAMETER)) {
      return version;
    }
    return this._api.version(version.id).catch(() => version);
  }

  private _api: KfopsApi;
  private _list: Resource<Kfops.IPipeline[]>;
  private _versions = new Map<string, Loaded<Kfops.IPipelineVersion[]>>();
  private _changed = new Signal<this, void>(this);
}

export namespace PipelinesModel {
  export interface IOptions {
    api: KfopsApi;
    interval: () => number;
    active: () => boolean;
  }
}
