import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { KfopsApi } from '../api';
import { FINAL_STATES } from '../tokens';
import type { Kfops } from '../tokens';
import { firstToShow, RunModel } from './run';
import type { StepLogModel } from './step_log';

/**
 * A run in a cell's output: as the notebook has saved it, and as the backend knows it.
 *
 * The backend is asked by itself only for a run of this notebook that had not ended when it was saved. For all others,
 * and for every notebook that somebody else wrote, it is asked once a person wants to know more.
 */
export class CellRunModel implements IDisposable {
  constructor(options: CellRunModel.IOptions) {
    this._options = options;
    this._saved = options.saved;
    this._isOutdated = isOpen(options.saved);
    this._wasOver = !this._isOutdated;
    this._isAsked = options.trusted && isOpen(options.saved);
    this._live = new RunModel({
      api: options.api,
      runId: options.saved.id,
      // the end of a run is noted also where nobody looks: the notebook is to say it
      active: () => this._isAsked && !this._isUnknown && (!this._wasOver || options.active())
    });
    this._live.changed.connect(this._onChanged, this);
    this._selectFirst();
    this.wake();
  }

  /** Emitted when what is shown may have changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted when a run of this notebook has ended since it was saved. */
  get ended(): ISignal<this, Kfops.IRun> {
    return this._ended;
  }

  /** What is known of the run. */
  get run(): Kfops.IRun {
    return this._live.run.value ?? this._saved;
  }

  /** Whether `run` is what the notebook has saved, and not what the backend says. */
  get isSaved(): boolean {
    return !this._live.run.value;
  }

  /** Whether the backend is asked, or has been. */
  get isAsked(): boolean {
    return this._isAsked;
  }

  /** Why the backend could not be asked; null when it could, or was not. */
  get error(): Kfops.IError | null {
    const { state } = this._live.run;
    return state.kind === 'failed' ? state.error : state.kind === 'ready' ? state.stale : null;
  }

  /** Whether the backend does not have the run: it is another one's, or has been deleted. */
  get isUnknown(): boolean {
    return this._isUnknown;
  }

  get selected(): string {
    return this._selected;
  }

  get step(): Kfops.IStep | null {
    return this.run.graph?.steps.find(step => step.id === this._selected) ?? null;
  }

  /** The selected step's log; null for a group, and where the backend has not been asked. */
  get log(): StepLogModel | null {
    return this._live.log;
  }

  get isDisposed(): boolean {
    return this._live.isDisposed;
  }

  /** Show a step, as a person wishes: what the notebook has not saved of it is asked for. */
  select(stepId: string): void {
    this._selected = stepId;
    this._selectLive();
    if (!this._isAsked) {
      void this.ask();
    }
    this._changed.emit();
  }

  /** Ask the backend, now and from now on. */
  async ask(): Promise<void> {
    this._isAsked = true;
    this._changed.emit();
    await this._live.run.refresh();
  }

  /** Look again, when it has come into sight. */
  wake(): void {
    if (this._isAsked && !this._isUnknown) {
      void this._live.run.refresh();
    }
  }

  /** The output holds something newer of the same run. */
  setSaved(saved: Kfops.IRun): void {
    this._saved = saved;
    this._isOutdated = isOpen(saved);
    const known = this._live.run.value;
    if (known && isOpen(known) && !isOpen(saved)) {
      this.wake();
    }
    this._onChanged();
  }

  dispose(): void {
    this._live.dispose();
    Signal.clearData(this);
  }

  private _onChanged(): void {
    const known = this._live.run.value;
    this._isUnknown = this.error?.code === 'not_found';
    this._selectFirst();
    this._selectLive();
    this._changed.emit();
    if (known) {
      this._noteEnd(known);
    }
  }

  private _noteEnd(known: Kfops.IRun): void {
    const isOver = !isOpen(known);
    // a retry makes it go on
    this._isOutdated ||= this._wasOver && !isOver;
    this._wasOver = isOver;
    if (isOver && this._isOutdated) {
      this._isOutdated = false;
      if (this._options.trusted) {
        this._ended.emit(known);
      }
    }
  }

  private _selectFirst(): void {
    const { graph } = this.run;
    if (graph && !this.step) {
      this._selected = firstToShow(graph)?.id ?? '';
    }
  }

  /** Logs are asked for only of steps that the backend itself has named. */
  private _selectLive(): void {
    const known = this._live.run.value?.graph?.steps;
    if (known?.some(step => step.id === this._selected)) {
      this._live.select(this._selected);
    }
  }

  private _options: CellRunModel.IOptions;
  private _saved: Kfops.IRun;
  /** Whether the run goes on, or has gone on, after what the output says of it. */
  private _isOutdated: boolean;
  private _wasOver: boolean;
  private _live: RunModel;
  private _isAsked: boolean;
  private _isUnknown = false;
  private _selected = '';
  private _changed = new Signal<this, void>(this);
  private _ended = new Signal<this, Kfops.IRun>(this);
}

export namespace CellRunModel {
  export interface IOptions {
    api: KfopsApi;
    /** The run as the output holds it. */
    saved: Kfops.IRun;
    /** Whether the notebook's user has run the cell, or has said that it can be trusted. */
    trusted: boolean;
    /** Whether the output is on screen. */
    active: () => boolean;
  }
}

function isOpen(run: Kfops.IRun): boolean {
  return !FINAL_STATES.has(run.state);
}
