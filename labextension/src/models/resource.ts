import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { errorOf } from '../response_error';
import type { ChangeFeed } from '../changes';
import type { Kfops } from '../tokens';
import { Due } from './due';

/** What is known of something that the server has: nothing yet, its value, or why there is none. */
export type Loaded<T> =
  | { kind: 'loading' }
  | { kind: 'ready'; value: T; stale: Kfops.IError | null }
  | { kind: 'failed'; error: Kfops.IError };

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
      standby: () => (options.active() ? 'when-hidden' : true),
      linger: 0 // not even once more in a page that nobody sees
    });
    const { follow, active } = options;
    this._due = follow
      ? new Due({ ...follow, active, onChange: () => void this._poll.refresh() })
      : null;
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
    this._due?.mark();
    await this._poll.refresh();
    await this._poll.tick.catch(() => undefined);
  }

  /** Forget the value, and one that is on its way: it belongs to something else. */
  clear(): void {
    this._generation += 1;
    this._state = { kind: 'loading' };
    this._changed.emit();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._due?.dispose();
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _tick(): Promise<void> {
    if (!this._due) {
      return this._load();
    }
    if (!(await this._due.ask(() => this._load()))) {
      this._changed.emit();
    }
  }

  private async _load(): Promise<void> {
    const generation = this._generation;
    try {
      const value = await this._options.load();
      if (generation !== this._generation) {
        return;
      }
      this._state = { kind: 'ready', value, stale: null };
    } catch (reason) {
      if (generation !== this._generation) {
        return;
      }
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
  private _due: Due | null;
  private _state: Loaded<T> = { kind: 'loading' };
  private _changed = new Signal<this, void>(this);
  private _generation = 0;
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
