import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { errorOf } from '../api';
import type { ChangeFeed } from '../changes';
import type { Kfops } from '../tokens';

/** What is known of something that the server has: nothing yet, its value, or why there is none. */
export type Loaded<T> =
  | { kind: 'loading' }
  | { kind: 'ready'; value: T; stale: Kfops.IError | null }
  | { kind: 'failed'; error: Kfops.IError };

/** Milliseconds after which what is told of is looked at all the same. */
const TOLD = 30_000;

/**
 * Something that the server has, asked for again and again while somebody looks.
 *
 * What the server tells changes of is asked for when it has changed.
 *
 * A failure after a value keeps the value, as `stale`, so that the screen does not go blank at the first hiccup.
 */
export class Resource<T> implements IDisposable {
  constructor(options: Resource.IOptions<T>) {
    this._options = options;
    const interval = options.interval(null);
    this._poll = new Poll({
      name: options.name,
      auto: false,
      factory: () => this._tick(),
      frequency: { interval, backoff: true, max: Math.max(30_000, interval) },
      standby: () => (options.active() ? 'when-hidden' : true)
    });
    const { follow, active } = options;
    this._following =
      follow?.feed.follow({ run: follow.run, active, onChange: () => this._onChange() }) ?? null;
  }

  /** Emitted at each look, also when nothing has changed: times on screen go on. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): Loaded<T> {
    return this._state;
  }

  /** The value, or null while there is none. */
  get value(): T | null {
    return this._state.kind === 'ready' ? this._state.value : null;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Look now, and from now on; errors end in `state`, never in the promise. */
  async refresh(): Promise<void> {
    if (this._isDisposed) {
      return;
    }
    this._isDue = true;
    await this._poll.refresh();
    await this._poll.tick.catch(() => undefined);
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._following?.dispose();
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _tick(): Promise<void> {
    const { follow } = this._options;
    follow?.feed.wake();
    if (!this._isDue && follow?.feed.isTold(follow.run) && Date.now() - this._loadedAt < TOLD) {
      this._changed.emit();
      return;
    }
    this._isLoading = true;
    try {
      do {
        this._isDue = false;
        this._loadedAt = Date.now();
        await this._load();
      } while (this._isDue && !this._isDisposed && this._options.active());
    } catch (reason) {
      this._loadedAt = 0;
      throw reason;
    } finally {
      this._isLoading = false;
    }
  }

  /** Look again, after the look that is under way: that one may have been too early. */
  private _onChange(): void {
    this._isDue = true;
    if (!this._isLoading) {
      void this._poll.refresh();
    }
  }

  private async _load(): Promise<void> {
    try {
      const value = await this._options.load();
      this._state = { kind: 'ready', value, stale: null };
    } catch (reason) {
      const error = errorOf(reason);
      this._state =
        this._state.kind === 'ready' ? { ...this._state, stale: error } : { kind: 'failed', error };
      if (!this._isDisposed) {
        this._changed.emit();
      }
      // the poll backs off on a rejection
      throw reason;
    }
    if (this._isDisposed) {
      return;
    }
    const interval = this._options.interval(this.value);
    if (interval !== this._poll.frequency.interval) {
      this._poll.frequency = { interval, backoff: true, max: Math.max(30_000, interval) };
    }
    this._changed.emit();
  }

  private _options: Resource.IOptions<T>;
  private _poll: Poll;
  private _following: IDisposable | null;
  private _isDue = true;
  private _isLoading = false;
  private _loadedAt = 0;
  private _state: Loaded<T> = { kind: 'loading' };
  private _changed = new Signal<this, void>(this);
  private _isDisposed = false;
}

export namespace Resource {
  export interface IOptions<T> {
    /** Names the poll. */
    name: string;
    load: () => Promise<T>;
    /** Milliseconds until the next look, given the last value. */
    interval: (value: T | null) => number;
    /** Whether anybody looks; where nobody does, nothing is asked. */
    active: () => boolean;
    /** What tells of changes, and of which run's; '' stands for the list of runs. */
    follow?: { feed: ChangeFeed; run: string };
  }
}
