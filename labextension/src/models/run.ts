import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { KfopsApi } from '../api';
import type { Kfops } from '../tokens';
import { isLive } from './kfops';
import { Resource } from './resource';
import { StepLogModel } from './step_log';

/** One run, looked at while its view is on screen, with the log of the step that is selected. */
export class RunModel implements IDisposable {
  constructor(options: RunModel.IOptions) {
    const { api, runId, active } = options;
    this._options = options;
    this.run = new Resource<Kfops.IRun>({
      name: `kfops-lab:run-${runId}`,
      load: () => api.run(runId),
      // a run that has ended is looked at now and then: a retry makes it go on
      interval: run => (run && !isLive(run) ? 15_000 : 1_000),
      active,
      follow: { feed: api.changes, run: runId }
    });
    this.run.changed.connect(() => {
      this._followLog();
      this._changed.emit();
    });
  }

  readonly run: Resource<Kfops.IRun>;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this.run.isDisposed;
  }

  /** The selected step; null while none is, or the run no longer has it. */
  get step(): Kfops.IStep | null {
    return this.run.value?.graph?.steps.find(step => step.id === this._selected) ?? null;
  }

  get selected(): string {
    return this._selected;
  }

  /** The selected step's log, of one that was tried several times that of its last attempt; null for a group. */
  get log(): StepLogModel | null {
    return this._log;
  }

  select(stepId: string): void {
    if (stepId === this._selected) {
      return;
    }
    this._selected = stepId;
    this._followLog();
    this._changed.emit();
  }

  dispose(): void {
    this.run.dispose();
    this._log?.dispose();
    Signal.clearData(this);
  }

  private _followLog(): void {
    const { step } = this;
    const written =
      step?.kind === 'retry' ? attemptsOf(this.run.value?.graph?.steps ?? [], step).pop() : step;
    const stepId = written?.kind === 'step' ? written.id : '';
    if (stepId !== (this._log?.stepId ?? '')) {
      this._log?.dispose();
      this._log = null;
      if (stepId) {
        const { api, runId, active } = this._options;
        this._log = new StepLogModel({ api, runId, stepId, active });
        this._log.changed.connect(() => this._changed.emit());
      }
    }
    this._log?.follow(written?.state ?? 'pending');
  }

  private _options: RunModel.IOptions;
  private _selected = '';
  private _log: StepLogModel | null = null;
  private _changed = new Signal<this, void>(this);
}

export namespace RunModel {
  export interface IOptions {
    api: KfopsApi;
    runId: string;
    /** Whether the view is on screen. */
    active: () => boolean;
  }
}

/** Of a run that the backend has accepted and not yet described. */
export const EMPTY_GRAPH: Kfops.IGraph = {
  name: '',
  state: 'pending',
  message: '',
  started_at: '',
  finished_at: '',
  done: 0,
  total: 0,
  steps: [],
  edges: []
};

/** The attempts of a step that was tried several times, or of which this is one; none of any other. */
export function attemptsOf(steps: Kfops.IStep[], step: Kfops.IStep): Kfops.IStep[] {
  const group = steps.find(
    one => one.kind === 'retry' && (one.id === step.id || one.id === step.parent)
  );
  return group ? steps.filter(one => one.parent === group.id) : [];
}

/** The step that people want to see first: what failed, else what runs, else the first. */
export function firstToShow(graph: Kfops.IGraph): Kfops.IStep | undefined {
  const tried = new Set(graph.steps.filter(step => step.kind === 'retry').map(step => step.id));
  const steps = graph.steps.filter(
    step => step.kind === 'retry' || (step.kind === 'step' && !tried.has(step.parent))
  );
  return (
    steps.find(step => step.state === 'failed') ??
    steps.find(step => step.state === 'running') ??
    steps[0]
  );
}
