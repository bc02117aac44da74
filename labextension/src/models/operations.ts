import type { IDisposable } from '@lumino/disposable';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';
import type { IStateDB } from '@jupyterlab/statedb';

import { errorOf, KfopsResponseError } from '../response_error';
import type { KfopsApi } from '../api';
import type { Kfops } from '../tokens';

const STATE_KEY = 'kfops-lab:operations';
/** How many operations are followed after a reload: the last of the sources worked on lately. */
const KEPT = 30;

/** An operation that this JupyterLab began. */
export interface IFollowed {
  id: string;
  kind: Kfops.IOperation['kind'];
  /** The source's path, or the version's id. */
  subject: string;
  /** What the source's code was when the operation began; see `ISourceDocument.signature`. */
  signature: string;
  /** Null until it has been asked for after a reload. */
  operation: Kfops.IOperation | null;
}

/** Follows compiles, uploads and builds until they end, across reloads of the page. */
export class OperationsModel implements IDisposable {
  constructor(options: OperationsModel.IOptions) {
    this._api = options.api;
    this._stateDB = options.stateDB;
    this._poll = new Poll({
      name: 'kfops-lab:operations',
      auto: false,
      factory: () => this._follow(),
      frequency: { interval: 500, backoff: true, max: 10_000 },
      standby: () => (this._running().length ? 'when-hidden' : true),
      linger: 0 // not even once more in a page that nobody sees
    });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The newest operation on a subject of these kinds. */
  latest(subject: string, ...kinds: Kfops.IOperation['kind'][]): IFollowed | null {
    return this._followed.find(one => one.subject === subject && kinds.includes(one.kind)) ?? null;
  }

  /** The newest operation on a subject of these kinds that has succeeded. */
  succeeded(subject: string, ...kinds: Kfops.IOperation['kind'][]): IFollowed | null {
    return (
      this._followed.find(
        one =>
          one.subject === subject &&
          kinds.includes(one.kind) &&
          one.operation?.state === 'succeeded'
      ) ?? null
    );
  }

  /** Take up the operations that were followed before the page was loaded. */
  async restore(): Promise<void> {
    const saved = (await this._stateDB?.fetch(STATE_KEY)) as unknown as
      { followed: Omit<IFollowed, 'operation'>[] } | undefined;
    if (!saved || !Array.isArray(saved.followed)) {
      return;
    }
    const known = new Set(this._followed.map(one => one.id));
    this._followed.push(
      ...saved.followed.filter(one => !known.has(one.id)).map(one => ({ ...one, operation: null }))
    );
    await this._poll.refresh();
  }

  /** Follow what `begin` starts, and return it. */
  async begin(
    subject: string,
    signature: string,
    begin: () => Promise<Kfops.IOperation>
  ): Promise<Kfops.IOperation> {
    const operation = await begin();
    const { id, kind } = operation;
    this._followed.unshift({ id, kind, subject, signature, operation });
    this._followed.splice(KEPT);
    this._save();
    this._changed.emit();
    void this._poll.refresh();
    return operation;
  }

  /** Wait for an operation to end. */
  async finished(id: string): Promise<Kfops.IOperation> {
    return new Promise(resolve => {
      const check = () => {
        const operation = this._followed.find(one => one.id === id)?.operation;
        if (operation && operation.state !== 'running') {
          this._changed.disconnect(check);
          resolve(operation);
        }
      };
      this._changed.connect(check);
      check();
    });
  }

  /** Cancel a running operation. */
  async cancel(id: string): Promise<void> {
    await this._api.cancelOperation(id);
    await this._poll.refresh();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._poll.dispose();
    Signal.clearData(this);
  }

  private _running(): IFollowed[] {
    return this._followed.filter(one => !one.operation || one.operation.state === 'running');
  }

  private async _follow(): Promise<void> {
    let failure: unknown = null;
    await Promise.all(
      this._running().map(async one => {
        try {
          one.operation = await this._api.operation(one.id);
        } catch (reason) {
          if (reason instanceof KfopsResponseError && reason.status === 404) {
            this._forget(one, reason);
          } else {
            failure = reason;
          }
        }
      })
    );
    if (this._isDisposed) {
      return;
    }
    this._changed.emit();
    if (failure) {
      throw failure;
    }
  }

  /** The server no longer knows an operation: it was started anew. */
  private _forget(one: IFollowed, reason: unknown): void {
    if (one.operation) {
      // somebody waits for this one: it ends, and says how
      const finished_at = new Date().toISOString();
      one.operation = { ...one.operation, state: 'failed', error: errorOf(reason), finished_at };
    } else {
      this._followed = this._followed.filter(other => other !== one);
      this._save();
    }
  }

  private _save(): void {
    const followed = this._followed.map(({ id, kind, subject, signature }) => ({
      id,
      kind,
      subject,
      signature
    }));
    void this._stateDB?.save(STATE_KEY, { followed } as unknown as ReadonlyPartialJSONValue);
  }

  private _api: KfopsApi;
  private _stateDB: IStateDB | null;
  private _poll: Poll;
  private _followed: IFollowed[] = [];
  private _changed = new Signal<this, void>(this);
  private _isDisposed = false;
}

export namespace OperationsModel {
  export interface IOptions {
    api: KfopsApi;
    /** Where the ids outlive a reload; null keeps them for this page only. */
    stateDB: IStateDB | null;
  }
}
