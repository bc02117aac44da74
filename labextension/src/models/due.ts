import type { IDisposable } from '@lumino/disposable';

import type { ChangeFeed } from '../changes';

/** Milliseconds after which what is told of is looked at all the same. */
const TOLD = 30_000;

/** Says when something has to be asked for: when it has changed, and always where nobody tells of changes. */
export class Due implements IDisposable {
  constructor(options: Due.IOptions) {
    const { feed, run, active, onChange } = options;
    this._options = options;
    this._following = feed.follow({
      run,
      active,
      onChange: () => {
        this.mark();
        if (!this._isAsking) {
          onChange();
        }
      }
    });
  }

  get isDisposed(): boolean {
    return this._following.isDisposed;
  }

  /** Ask at the next look, whatever is known. */
  mark(): void {
    this._isDue = true;
  }

  /**
   * Ask if that is due, and once more for what has changed meanwhile.
   *
   * @returns whether there was anything to ask for
   */
  async ask(question: () => Promise<void>): Promise<boolean> {
    const { feed, run, active } = this._options;
    feed.wake();
    if (!this._isDue && feed.isTold(run) && Date.now() - this._askedAt < TOLD) {
      return false;
    }
    this._isAsking = true;
    try {
      do {
        this._isDue = false;
        this._askedAt = Date.now();
        await question();
      } while (this._isDue && !this.isDisposed && active());
    } catch (reason) {
      this._askedAt = 0;
      throw reason;
    } finally {
      this._isAsking = false;
    }
    return true;
  }

  dispose(): void {
    this._following.dispose();
  }

  private _options: Due.IOptions;
  private _following: IDisposable;
  private _isDue = true;
  private _isAsking = false;
  private _askedAt = 0;
}

export namespace Due {
  export interface IOptions {
    feed: ChangeFeed;
    /** The run's id; '' for the list of runs. */
    run: string;
    active: () => boolean;
    /** Called when it has become due, and nothing is being asked. */
    onChange: () => void;
  }
}
