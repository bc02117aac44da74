/** Runs, what they report and leave behind, what groups and starts them. */
import type { IGraph, ISource, State } from './graphs';

export interface IMetric {
  name: string;
  value: number;
  step: string;
}

export interface IRun {
  id: string;
  name: string;
  state: State;
  pipeline_id: string;
  pipeline_name: string;
  version_id: string;
  version_name: string;
  experiment_id: string;
  experiment_name: string;
  /** What has started it, unless a person did. */
  recurring_run_id?: string;
  created_at: string;
  started_at: string;
  finished_at: string;
  parameters: Record<string, string>;
  error: string;
  current_step: string;
  done: number;
  total: number;
  model: string;
  metrics: IMetric[];
  graph: IGraph | null;
  /** What its pipeline was made from, where that is known. */
  source?: ISource | null;
}

/** An artifact, or a part of one, as it can be looked at; HTML in `data` must be kept from doing anything. */
export interface IPreview {
  artifact: string;
  kind:
    | 'image'
    | 'html'
    | 'markdown'
    | 'json'
    | 'table'
    | 'roc'
    | 'confusion-matrix'
    | 'text'
    | 'binary'
    | 'none';
  title: string;
  size: number;
  data: Record<string, unknown>;
  columns: string[];
  rows: string[][];
  truncated: boolean;
  message: string;
}

/** One parameter, metric or duration of several runs; null where a run has none. */
export interface IComparedRow {
  name: string;
  values: (string | null)[];
  same: boolean;
}

/** Runs side by side; durations are seconds, that of the whole run under the name "". */
export interface IRunComparison {
  run_ids: string[];
  names: string[];
  states: State[];
  parameters: IComparedRow[];
  metrics: IComparedRow[];
  durations: IComparedRow[];
}

/** Which runs, in which order; what is left out does not count. */
export interface IRunQuery {
  state?: 'pending' | 'running' | 'succeeded' | 'failed';
  pipeline_id?: string;
  version_id?: string;
  experiment_id?: string;
  recurring_run_id?: string;
  text?: string;
  archived?: boolean;
  sort_by?: string;
}

export interface IRunRequest {
  version_id: string;
  parameters: Record<string, unknown>;
  name?: string;
  experiment?: string;
}

export interface IExperiment {
  id: string;
  name: string;
  description: string;
  created_at: string;
}

/** What starts runs of its own accord; `upcoming` has the next times, none while it is paused. */
export interface IRecurringRun {
  id: string;
  name: string;
  schedule: string;
  enabled: boolean;
  description: string;
  start: string;
  end: string;
  max_concurrency: number;
  catch_up: boolean;
  parameters: Record<string, string>;
  pipeline_id: string;
  pipeline_name: string;
  version_id: string;
  version_name: string;
  experiment_id: string;
  experiment_name: string;
  created_at: string;
  timezone: string;
  upcoming: string[];
}

/** A part of a log; offsets count bytes. */
export interface ILogPart {
  text: string;
  offset: number;
  next_offset: number;
  complete: boolean;
}
