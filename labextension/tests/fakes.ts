import type { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';

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
