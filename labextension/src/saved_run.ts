import type { TranslationBundle } from '@jupyterlab/translation';

import { stateWord } from './components/states';
import { durationOf } from './format';
import { FINAL_STATES, RUN_MIME } from './tokens';
import type { Kfops } from './tokens';

/**
 * A run as a notebook keeps it (`kfops_lab/display/saved.py`).
 *
 * A notebook may come from anywhere: nothing of it is taken as it is.
 */

/** The one form of the data that is known here. */
const FORM = 1;
const MOST_STEPS = 1_000;
const LONGEST = 500;
/** What ids look like; no path leads out of its folder by one of them. */
const ID = /^[A-Za-z0-9][\w.-]{0,127}$/;

const STATES: ReadonlySet<string> = new Set<Kfops.State>([
  ...Array.from(FINAL_STATES),
  'pending',
  'running',
  'stopping'
]);
const KINDS: ReadonlySet<string> = new Set<Kfops.IStep['kind']>([
  'step',
  'loop',
  'iteration',
  'condition',
  'exit-handler',
  'group',
  'retry'
]);

type Fields = Record<string, unknown>;

/** Read what an output holds; null when it is not a run in the form that is known here. */
export function readSavedRun(data: unknown): Kfops.IRun | null {
  const saved = fieldsOf(data);
  const run = fieldsOf(saved.run);
  const { id, state } = run;
  if (saved.form !== FORM || typeof id !== 'string' || !ID.test(id) || !isState(state)) {
    return null;
  }
  const text = (name: string) => textOf(run[name]);
  const savedAt = textOf(saved.saved_at);
  const times = timesOf(run, state, savedAt);
  const version = text('version_id');
  return {
    id,
    name: text('name') || id,
    state,
    pipeline_id: '',
    pipeline_name: text('pipeline_name'),
    version_id: ID.test(version) ? version : '',
    version_name: text('version_name'),
    experiment_id: '',
    experiment_name: text('experiment_name'),
    created_at: text('created_at'),
    ...times,
    parameters: {},
    error: text('error'),
    current_step: '',
    done: countOf(run.done),
    total: countOf(run.total),
    model: text('model'),
    metrics: [],
    graph: run.graph ? graphOf(fieldsOf(run.graph), text('name'), state, savedAt) : null
  };
}

/** What an output is to hold of a run: the same in each of the forms that front ends choose from. */
export function savedBundle(run: Kfops.IRun, trans: TranslationBundle): Record<string, unknown> {
  const { graph } = run;
  const clipped = <T extends object>(from: T, names: (keyof T)[]) =>
    Object.fromEntries(names.map(name => [name, shorten(from[name])]));
  const steps = (graph?.steps ?? []).slice(0, MOST_STEPS);
  const data = {
    form: FORM,
    saved_at: new Date().toISOString(),
    run: {
      ...clipped(run, ['id', 'name', 'state', 'pipeline_name', 'version_id', 'version_name']),
      ...clipped(run, ['experiment_name', 'created_at', 'started_at', 'finished_at']),
      ...clipped(run, ['error', 'done', 'total', 'model']),
      graph: graph && {
        steps: steps.map(step => ({
          ...clipped(step, ['id', 'name', 'kind', 'state', 'parent', 'message', 'when']),
          ...clipped(step, ['started_at', 'finished_at'])
        })),
        edges: graph.edges.map(({ source, target }) => ({ source, target }))
      }
    }
  };
  const facts = [
    stateWord(run.state, trans),
    run.total ? trans.__('%1 of %2 steps', run.done, run.total) : '',
    durationOf(run),
    trans.__('Run %1', run.id)
  ].filter(Boolean);
  const rows = steps
    .filter(step => step.kind === 'step')
    .map(step => [step.name, stateWord(step.state, trans), durationOf(step), step.message]);
  const last = [run.error, run.model].filter(Boolean);
  const cells = (row: string[]) => row.map(cell => `<td>${escaped(cell)}</td>`).join('');
  return {
    [RUN_MIME]: data,
    'text/html':
      `<div><b>${escaped(run.name)}</b> ${escaped(facts.join(' · '))}</div>` +
      `<table>${rows.map(row => `<tr>${cells(row)}</tr>`).join('')}</table>` +
      last.map(line => `<div>${escaped(line)}</div>`).join(''),
    'text/plain': [
      [run.name, ...facts].join('  '),
      ...rows.map(row => `  ${row.filter(Boolean).join('  ')}`),
      ...last
    ].join('\n')
  };
}

function graphOf(graph: Fields, name: string, state: Kfops.State, savedAt: string): Kfops.IGraph {
  const steps = new Map<string, Kfops.IStep>();
  for (const value of listOf(graph.steps)) {
    const step = stepOf(fieldsOf(value), savedAt);
    // groups come before what stands in them: nothing stands in itself
    if (step && !steps.has(step.id) && (!step.parent || steps.has(step.parent))) {
      steps.set(step.id, step);
    }
  }
  const edges = listOf(graph.edges)
    .map(fieldsOf)
    .map(edge => ({ source: textOf(edge.source), target: textOf(edge.target) }))
    .filter(({ source, target }) => steps.has(source) && steps.has(target) && source !== target);
  return {
    name,
    state,
    message: '',
    started_at: '',
    finished_at: '',
    done: 0,
    total: steps.size,
    steps: Array.from(steps.values()),
    edges
  };
}

function stepOf(step: Fields, savedAt: string): Kfops.IStep | null {
  const id = textOf(step.id);
  const { kind, state } = step;
  if (!id || !isState(state) || typeof kind !== 'string' || !KINDS.has(kind)) {
    return null;
  }
  return {
    id,
    name: textOf(step.name) || id,
    kind: kind as Kfops.IStep['kind'],
    state,
    parent: textOf(step.parent),
    template: '',
    ...timesOf(step, state, savedAt),
    message: textOf(step.message),
    image: '',
    when: textOf(step.when),
    inputs: {},
    outputs: {},
    input_artifacts: [],
    output_artifacts: []
  };
}

/** When it began and ended; what had not ended when it was saved is not known to have gone on. */
function timesOf(
  from: Fields,
  state: Kfops.State,
  savedAt: string
): { started_at: string; finished_at: string } {
  const finished = textOf(from.finished_at);
  return {
    started_at: textOf(from.started_at),
    finished_at: finished || (FINAL_STATES.has(state) ? '' : savedAt)
  };
}

function isState(value: unknown): value is Kfops.State {
  return typeof value === 'string' && STATES.has(value);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, MOST_STEPS) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, LONGEST) : '';
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? Math.max(0, Math.floor(value)) : 0;
}

function shorten(value: unknown): unknown {
  return typeof value === 'string' ? value.slice(0, LONGEST) : value;
}

function escaped(text: string): string {
  const names: Record<string, string> = {
    '&': 'amp',
    '<': 'lt',
    '>': 'gt',
    '"': 'quot',
    "'": '#39'
  };
  return text.replace(/[&<>"']/g, letter => `&${names[letter]};`);
}
