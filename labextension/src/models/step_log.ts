import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { errorOf } from '../api';
import type { KfopsApi } from '../api';
import type { Kfops } from '../tokens';

/** The log of a step, read on from where the last look ended. */
export class StepLogModel implements IDisposable {
  constructor(options: StepLogModel.IOptions) {
    const { active } = options;
    this._options = options;
    this._poll = new Poll({
      name: `kfops-lab:log-${options.stepId}`,
      auto: false,
      factory: () => this._load(),
      frequency: { interval: 1_000, backoff: true, max: 15_000 },
      standby: () => (active() && !this._complete ? 'when-hidden' : true)
    });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get text(): string {
    return this._text;
  }

  /** Whether the step has ended and its whole log is here. */
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

  /** Begin to read once the step has begun; a step that waits has no log to ask for. */
  follow(state: Kfops.State): void {
    const waits = state === 'pending' || state === 'skipped' || state === 'omitted';
    if (!waits && !this._following) {
      this._following = true;
      void this._poll.refresh();
    }
  }

  dispose(): void {
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _load(): Promise<void> {
    const { api, runId, stepId } = this._options;
    try {
      const part = await api.stepLog(runId, stepId, this._offset);
      this._text += part.text;
      this._offset = part.next_offset;
      this._complete = part.complete;
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

  private _options: StepLogModel.IOptions;
  private _poll: Poll;
  private _text = '';
  private _offset = 0;
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
