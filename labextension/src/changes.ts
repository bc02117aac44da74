import { DisposableDelegate } from '@lumino/disposable';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Kfops } from './tokens';

/** Milliseconds between two answers at least: what changes more often than that, nobody can follow. */
const PACE = 250;
/** Milliseconds until the server is asked again after a failure; doubled each time. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
/** Milliseconds for which what the server cannot watch is left to those who ask. */
const LOST = 15_000;

/** Somebody who wants to know when a run changes, or the list of runs, or when a step's log grows. */
export interface IFollower {
  /** The run's id; '' for the list of runs; for a log the run's id, a slash and the step's. */
  run: string;
  /** Whether anybody looks; where nobody does, nothing is asked. */
  active: () => boolean;
  /** Called when it may have changed. */
  onChange: () => void;
}

/**
 * Waits for changes in one request for the whole page, over and over, as long as somebody looks.
 *
 * Where it cannot, as behind a server of another version, nobody is told anything, and everybody goes on asking.
 */
export class ChangeFeed implements IDisposable {
  constructor(options: ChangeFeed.IOptions) {
    this._wait = options.wait;
    document.addEventListener('visibilitychange', this._onVisibilityChange);
  }

  /** Emitted when another backend is used, in this page or elsewhere. */
  get switched(): ISignal<this, void> {
    return this._switched;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Be told of changes until the answer is disposed. */
  follow(follower: IFollower): IDisposable {
    this._followers.add(follower);
    this.wake();
    return new DisposableDelegate(() => {
      this._followers.delete(follower);
      this.wake();
    });
  }

  /** Whether changes are told now, so that nobody has to ask for them. */
  isTold(run: string): boolean {
    return this._told.has(run);
  }

  /** Wait for what is looked at now; somebody may have begun to look, or ceased to. */
  wake(): void {
    const wanted = this._wanted();
    if (!this._isRunning) {
      if (wanted.length) {
        void this._run();
      }
    } else if (JSON.stringify(wanted) !== JSON.stringify(this._asked)) {
      this._controller?.abort();
    }
  }

  dispose(): void {
    this._isDisposed = true;
    document.removeEventListener('visibilitychange', this._onVisibilityChange);
    this._followers.clear();
    this._controller?.abort();
    Signal.clearData(this);
  }

  private async _run(): Promise<void> {
    this._isRunning = true;
    for (this._asked = this._wanted(); this._asked.length; this._asked = this._wanted()) {
      this._controller = new AbortController();
      const { signal } = this._controller;
      try {
        const seen = new Map(this._asked.map(run => [run, this._seen.get(run) ?? 0]));
        const answer = await this._wait(seen, signal, this._switches);
        if (!signal.aborted) {
          this._take(answer);
        }
        this._pause = FIRST_PAUSE;
        await sleep(PACE, signal);
      } catch {
        if (!signal.aborted) {
          this._told.clear();
          await sleep(this._pause, signal);
          this._pause = Math.min(2 * this._pause, LONGEST_PAUSE);
        }
      }
    }
    this._told.clear();
    this._isRunning = false;
  }

  private _take(answer: Kfops.IChanges): void {
    const lost = new Set(answer.lost.map(run => (run === 'runs' ? '' : run)));
    for (const run of this._asked) {
      if (lost.has(run)) {
        this._told.delete(run);
        this._lostUntil.set(run, Date.now() + LOST);
        continue;
      }
      this._told.add(run);
      const number = run.includes('/') ? answer.log[run] : run ? answer.run[run] : answer.runs;
      const looking = Array.from(this._followers).filter(one => one.run === run && one.active());
      if (number && looking.length) {
        this._seen.set(run, number);
        looking.forEach(one => one.onChange());
      }
    }
    const before = this._switches;
    this._switches = answer.switches;
    if (before !== null && before !== answer.switches) {
      this._switched.emit();
    }
  }

  /** What is looked at now, in an order that does not depend on who looked first. */
  private _wanted(): string[] {
    if (document.hidden || this._isDisposed) {
      return [];
    }
    const now = Date.now();
    const runs = Array.from(this._followers)
      .filter(one => one.active() && (this._lostUntil.get(one.run) ?? 0) <= now)
      .map(one => one.run);
    return Array.from(new Set(runs)).sort();
  }

  private _onVisibilityChange = () => this.wake();

  private _wait: ChangeFeed.IOptions['wait'];
  private _switched = new Signal<this, void>(this);
  private _switches: number | null = null;
  private _followers = new Set<IFollower>();
  private _seen = new Map<string, number>();
  private _told = new Set<string>();
  private _lostUntil = new Map<string, number>();
  private _asked: string[] = [];
  private _controller: AbortController | null = null;
  private _pause = FIRST_PAUSE;
  private _isRunning = false;
  private _isDisposed = false;
}

export namespace ChangeFeed {
  export interface IOptions {
    /** Waits until something has another number than was seen, or for a while. */
    wait: (
      seen: ReadonlyMap<string, number>,
      signal: AbortSignal,
      /** The number last seen of the switches to another backend, null when none was. */
      switches: number | null
    ) => Promise<Kfops.IChanges>;
  }
}

/** Wait for a while, or until it is known that there is something else to do. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
