import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { errorOf } from '../response_error';
import type { KfopsApi } from '../api';
import { FINAL_STATES } from '../tokens';
import type { Kfops } from '../tokens';
import { Due } from './due';

/** Bytes that are asked for at a time. */
const PART = 256 * 1024;
/** Letters that are kept of a log that grows and grows; what is earlier can be asked for. */
const KEPT = 1_000_000;

/** The log of a step: its end, what is added to it while it is looked at, and what is earlier as far as it is wanted. */
export class StepLogModel implements IDisposable {
  constructor(options: StepLogModel.IOptions) {
    const { api, runId, stepId, active } = options;
    this._options = options;
    const isWanted = () => active() && this._following && !this._complete;
    this._poll = new Poll({
      name: `kfops-lab:log-${stepId}`,
      auto: false,
      factory: () => this._due.ask(() => this._load()),
      frequency: { interval: 1_000, backoff: true, max: 15_000 },
      standby: () => (isWanted() ? 'when-hidden' : true),
      linger: 0 // not even once more in a page that nobody sees
    });
    this._due = new Due({
      feed: api.changes,
      run: `${runId}/${stepId}`,
      active: () => isWanted() && !FINAL_STATES.has(this._state),
      onChange: () => void this._poll.refresh()
    });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get stepId(): string {
    return this._options.stepId;
  }

  get text(): string {
    return this._text;
  }

  /** The byte that `text` begins with; 0 where nothing is left out. */
  get start(): number {
    return this._parts[0]?.offset ?? 0;
  }

  /** Where the whole of it is found, as a file. */
  get url(): string {
    return this._options.api.stepLogUrl(this._options.runId, this.stepId);
  }

  /** Whether the step has ended and the end of its log is here. */
  get isComplete(): boolean {
    return this._complete;
  }

  /** Why the last look failed; null when it did not. */
  get error(): Kfops.IError | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Begin to read once the step has begun, and anew once it is retried; a step that waits has no log to ask for. */
  follow(state: Kfops.State): void {
    const hadEnded = FINAL_STATES.has(this._state);
    const hasEnded = FINAL_STATES.has(state);
    const waits = state === 'pending' || state === 'skipped' || state === 'omitted';
    this._state = state;
    if (hadEnded && !hasEnded && this._following) {
      this._parts = [];
      this._setText();
      this._complete = false;
    } else if (waits || this._complete || (this._following && hadEnded === hasEnded)) {
      return;
    }
    this._following = this._following || !waits;
    this._due.mark();
    void this._poll.refresh();
  }

  /** Ask for what stands before `text`. */
  async loadEarlier(): Promise<void> {
    const { start } = this;
    const offset = Math.max(0, start - PART);
    await this._asking(async () => {
      const part = await this._ask({ offset, limit: start - offset });
      if (this.start === start) {
        this._parts.unshift(part);
        this._kept += part.text.length;
      }
    });
  }

  dispose(): void {
    this._due.dispose();
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _load(): Promise<void> {
    await this._asking(async () => {
      const last = this._parts[this._parts.length - 1];
      let part = await this._ask(last ? { offset: last.next_offset } : {});
      if (last && part.next_offset - part.offset > PART - 8) {
        // it grows faster than anybody reads: its end is what counts
        part = await this._ask({});
        this._parts = [];
      }
      this._parts.push(part);
      this._complete = part.complete;
      let size = this._parts.reduce((sum, one) => sum + one.text.length, 0);
      while (size > this._kept && this._parts.length > 1) {
        size -= this._parts.shift()!.text.length;
      }
    });
  }

  private _ask(part: { offset?: number; limit?: number }): Promise<Kfops.ILogPart> {
    const { api, runId, stepId } = this._options;
    return api.stepLog(runId, stepId, part);
  }

  private async _asking(question: () => Promise<void>): Promise<void> {
    try {
      await question();
      this._setText();
      this._error = null;
    } catch (reason) {
      this._error = errorOf(reason);
      throw reason;
    } finally {
      if (!this.isDisposed) {
        this._changed.emit();
      }
    }
  }

  private _setText(): void {
    this._text = this._parts.map(part => part.text).join('');
  }

  private _options: StepLogModel.IOptions;
  private _poll: Poll;
  private _due: Due;
  private _parts: Kfops.ILogPart[] = [];
  private _text = '';
  private _kept = KEPT;
  private _state: Kfops.State = 'pending';
  private _complete = false;
  private _following = false;
  private _error: Kfops.IError | null = null;
  private _changed = new Signal<this, void>(this);
}

export namespace StepLogModel {
  export interface IOptions {
    api: KfopsApi;
    runId: string;
    stepId: string;
    active: () => boolean;
  }
}
