import type { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';

import { ChangeFeed } from '../src/changes';
import type { Kfops } from '../src/tokens';

export const trans = nullTranslator.load('kfops_lab');

export const serverSettings = {
  baseUrl: 'http://jupyter/base/'
} as ServerConnection.ISettings;

export function step(id: string, more: Partial<Kfops.IStep> = {}): Kfops.IStep {
  return {
    id,
    name: id,
    kind: 'step',
    state: 'pending',
    parent: '',
    template: '',
    started_at: '',
    finished_at: '',
    message: '',
    image: '',
    when: '',
    inputs: {},
    outputs: {},
    input_artifacts: [],
    output_artifacts: [],
    ...more
  };
}

export function graph(steps: Kfops.IStep[], edges: [string, string][]): Kfops.IGraph {
  return {
    name: 'churn',
    state: 'pending',
    message: '',
    started_at: '',
    finished_at: '',
    done: 0,
    total: steps.length,
    steps,
    edges: edges.map(([source, target]) => ({ source, target }))
  };
}

export function run(more: Partial<Kfops.IRun> = {}): Kfops.IRun {
  return {
    id: '4f2a',
    name: 'churn',
    state: 'pending',
    pipeline_id: '',
    pipeline_name: '',
    version_id: '',
    version_name: '',
    experiment_id: '',
    experiment_name: '',
    created_at: '',
    started_at: '',
    finished_at: '',
    parameters: {},
    error: '',
    current_step: '',
    done: 0,
    total: 0,
    model: '',
    metrics: [],
    graph: null,
    ...more
  };
}

/** A step in an output of a notebook. */
export function savedStep(id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { id, name: id, kind: 'step', state: 'succeeded', parent: '', ...more };
}

/** A run in an output of a notebook. */
export function savedRun(more: Record<string, unknown> = {}): Record<string, unknown> {
  const graph = {
    steps: [savedStep('a'), savedStep('b')],
    edges: [{ source: 'a', target: 'b' }]
  };
  const run = { id: '4f2a', name: 'churn', state: 'succeeded', done: 2, total: 2, graph, ...more };
  return { form: 1, saved_at: '2026-01-01T12:00:00Z', run };
}

export function operation(id: string, more: Partial<Kfops.IOperation> = {}): Kfops.IOperation {
  return {
    id,
    kind: 'compile',
    subject: 'churn.ipynb',
    state: 'running',
    started_at: '2026-01-01T12:00:00Z',
    finished_at: '',
    log: '',
    result: null,
    error: null,
    ...more
  };
}

export function parameter(
  name: string,
  type: Kfops.ParameterType,
  more: Partial<Kfops.IParameter> = {}
): Kfops.IParameter {
  return { name, type, default: null, required: false, description: '', ...more };
}

/** A feed of changes, and the hand on what it is told. */
export class FakeChanges {
  /** What was waited for, by request: the numbers seen, by run. */
  readonly asked: Record<string, number>[] = [];

  /** The numbers of switches that were seen. */
  readonly switches: (number | null)[] = [];

  readonly feed = new ChangeFeed({
    wait: (seen, signal, switches) => {
      this.asked.push(Object.fromEntries(seen));
      this.switches.push(switches);
      return new Promise((resolve, reject) => {
        this._answer = { resolve, reject };
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    }
  });

  /** Answer the request that waits. */
  async tell(answer: Partial<Kfops.IChanges>): Promise<void> {
    this._answer?.resolve({ runs: null, run: {}, log: {}, switches: 1, lost: [], ...answer });
    await jest.advanceTimersByTimeAsync(300);
  }

  /** Let the request that waits fail. */
  async fail(): Promise<void> {
    this._answer?.reject(new Error('no server'));
    await jest.advanceTimersByTimeAsync(0);
  }

  private _answer?: { resolve: (answer: Kfops.IChanges) => void; reject: (why: Error) => void };
}
