import { Poll } from '@lumino/polling';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { errorOf } from '../response_error';
import type { KfopsApi } from '../api';
import type { Kfops } from '../tokens';
import { Due } from './due';

/** Runs that are asked for at once. */
const PAGE = 200;

/**
 * Runs that a query finds, as many pages of them as somebody has scrolled through.
 *
 * The first page is looked at when runs have changed, for new runs and new states; older runs are asked for when they come
 * into sight, and kept.
 */
export class RunListModel implements IDisposable {
  constructor(options: RunListModel.IOptions) {
    this._options = options;
    this._query = options.query ?? {};
    this._poll = new Poll({
      name: 'kfops-lab:run-list',
      auto: false,
      factory: async () => {
        if (!(await this._due.ask(() => this._loadFirst()))) {
          this._changed.emit(); // times on screen go on
        }
      },
      frequency: { interval: 1_000, backoff: true, max: 30_000 },
      standby: () => (options.active() ? 'when-hidden' : true),
      linger: 0 // not even once more in a page that nobody sees
    });
    this._due = new Due({
      feed: options.api.changes,
      run: '',
      active: options.active,
      onChange: () => void this._poll.refresh()
    });
  }

  /** Emitted when there is something else to show. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get runs(): readonly Kfops.IRun[] {
    return this._runs;
  }

  /** Whether the first page of the query is there. */
  get isLoaded(): boolean {
    return this._isLoaded;
  }

  get error(): Kfops.IError | null {
    return this._error;
  }

  /** Whether there are more runs than have been asked for. */
  get hasMore(): boolean {
    return this._nextToken !== '';
  }

  get query(): Kfops.IRunQuery {
    return this._query;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Ask something else. */
  async ask(query: Kfops.IRunQuery): Promise<void> {
    this._query = query;
    this._generation += 1;
    this._runs = [];
    this._nextToken = '';
    this._isLoaded = false;
    this._changed.emit();
    await this.refresh();
  }

  async refresh(): Promise<void> {
    if (this.isDisposed) {
      return;
    }
    this._due.mark();
    await this._poll.refresh();
    await this._poll.tick.catch(() => undefined);
  }

  /** Ask for the next page, unless that is under way. */
  async loadMore(): Promise<void> {
    if (this._isLoadingMore || !this._nextToken) {
      return;
    }
    this._isLoadingMore = true;
    const generation = this._generation;
    try {
      const page = await this._options.api.runs(this._nextToken, PAGE, this._query);
      if (generation === this._generation) {
        const known = new Set(this._runs.map(run => run.id));
        this._runs = [...this._runs, ...page.runs.filter(run => !known.has(run.id))];
        this._nextToken = page.next_page_token;
        this._error = null;
      }
    } catch (reason) {
      this._error = errorOf(reason);
    } finally {
      this._isLoadingMore = false;
    }
    if (!this.isDisposed) {
      this._changed.emit();
    }
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._due.dispose();
      this._poll.dispose();
      Signal.clearData(this);
    }
  }

  private async _loadFirst(): Promise<void> {
    const generation = this._generation;
    try {
      const page = await this._options.api.runs('', PAGE, this._query);
      if (generation !== this._generation || this.isDisposed) {
        return;
      }
      const first = new Set(page.runs.map(run => run.id));
      // what stood in the first page before and is not there now was deleted, archived, or pushed out of it
      const older = this._isLoaded && this._runs.length > PAGE ? this._runs.slice(PAGE) : [];
      this._runs = [...page.runs, ...older.filter(run => !first.has(run.id))];
      if (!older.length) {
        this._nextToken = page.next_page_token;
      }
      this._isLoaded = true;
      this._error = null;
    } catch (reason) {
      this._error = errorOf(reason);
      this._changed.emit();
      throw reason;
    }
    this._changed.emit();
  }

  private _options: RunListModel.IOptions;
  private _poll: Poll;
  private _due: Due;
  private _query: Kfops.IRunQuery;
  private _generation = 0;
  private _runs: readonly Kfops.IRun[] = [];
  private _nextToken = '';
  private _isLoaded = false;
  private _isLoadingMore = false;
  private _error: Kfops.IError | null = null;
  private _changed = new Signal<this, void>(this);
}

export namespace RunListModel {
  export interface IOptions {
    api: KfopsApi;
    /** Whether the list is on screen. */
    active: () => boolean;
    /** What is asked at first; all runs unless given. */
    query?: Kfops.IRunQuery;
  }
}
