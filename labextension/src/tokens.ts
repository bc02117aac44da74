/**
 * The words of kfops, as they come over REST (`server_ext/kfops_server/openapi.yaml`).
 * Names are those of the Python dataclasses in `kfops/types/`.
 */
export { CommandIDs } from './command_ids';

export namespace Kfops {
  export type State =
    | 'pending'
    | 'running'
    | 'succeeded'
    | 'failed'
    | 'stopping'
    | 'stopped'
    | 'skipped'
    | 'omitted'
    | 'cached';

  export type ParameterType = 'string' | 'integer' | 'float' | 'boolean' | 'list' | 'dict';

  export interface IError {
    code: string;
    message: string;
    why: string;
    remedy: string;
    details: Record<string, unknown>;
  }

  export interface IParameter {
    name: string;
    type: ParameterType;
    default: unknown;
    required: boolean;
    description: string;
  }

  export interface ISource {
    kind: 'notebook' | 'file' | 'function' | 'package';
    path: string;
    sha256: string;
    git_commit: string;
  }

  export interface IArtifact {
    name: string;
    uri: string;
    type: string;
  }

  export interface IStep {
    id: string;
    name: string;
    kind: 'step' | 'loop' | 'iteration' | 'condition' | 'exit-handler' | 'group' | 'retry';
    state: State;
    parent: string;
    template: string;
    started_at: string;
    finished_at: string;
    message: string;
    image: string;
    when: string;
    inputs: Record<string, string>;
    outputs: Record<string, string>;
    input_artifacts: IArtifact[];
    output_artifacts: IArtifact[];
  }

  export interface IEdge {
    source: string;
    target: string;
  }

  export interface IGraph {
    name: string;
    state: State;
    message: string;
    started_at: string;
    finished_at: string;
    done: number;
    total: number;
    steps: IStep[];
    edges: IEdge[];
  }

  export interface IPackage {
    name: string;
    description: string;
    mode: string;
    parameters: IParameter[];
    graph: IGraph;
    size: number;
    sha256: string;
    images: string[];
    source: ISource;
    compiled_at: string;
    output: string;
    dockerfiles: Record<string, string>;
  }

  export interface IImageVersion {
    name: string;
    reference: string;
    state: 'ready' | 'missing' | 'unknown';
    digest: string;
    message: string;
  }

  export interface IPipeline {
    id: string;
    name: string;
    description: string;
    created_at: string;
    default_version_id: string;
  }

  export interface IPipelineVersion {
    id: string;
    pipeline_id: string;
    pipeline_name: string;
    name: string;
    number: number;
    created_at: string;
    parameters: IParameter[];
    sha256: string;
    graph: IGraph | null;
    images: IImageVersion[];
    source: ISource | null;
  }

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

  export type Change = 'added' | 'removed' | 'changed';

  /** What is different in a version, seen from another. */
  export interface IVersionDiff {
    old_id: string;
    new_id: string;
    steps: Record<string, Change>;
    parameters: { name: string; change: Change; old: unknown; new: unknown }[];
    text: string;
    truncated: boolean;
  }

  /** Which runs, in which order; what is left out does not count. */
  export interface IRunQuery {
    state?: 'pending' | 'running' | 'succeeded' | 'failed';
    pipeline_id?: string;
    experiment_id?: string;
    text?: string;
    archived?: boolean;
    sort_by?: string;
  }

  export interface IModelVersion {
    key: string;
    name: string;
    location: string;
    created_at: string;
    size: number;
    sha256: string;
    files: { path: string; size: number; sha256: string }[];
    run_id: string;
    run_name: string;
    version_id: string;
    pipeline_name: string;
    notebook: string;
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

  export interface IConnectionStatus {
    kind: 'embedded' | 'cluster';
    host: string;
    identity: string;
    namespace: string;
    multi_user: boolean;
    token_expires_at: string;
    versions: Record<string, string>;
    error: IError | null;
  }

  export interface IEnvironment {
    state: 'ready' | 'starting' | 'missing' | 'failed';
    python: string;
    versions: Record<string, string>;
    message: string;
    install_command: string;
    error: IError | null;
  }

  export interface IStatus {
    server: { version: string };
    environment: IEnvironment;
    connection: IConnectionStatus | null;
  }

  export interface IOperation {
    id: string;
    kind: 'compile' | 'upload' | 'build';
    subject: string;
    state: 'running' | 'succeeded' | 'failed' | 'cancelled';
    started_at: string;
    finished_at: string;
    log: string;
    result: unknown;
    error: IError | null;
  }

  /** Numbers of what has changed; see `GET /kfops/changes`. */
  export interface IChanges {
    /** The list of runs; null when it has not changed. */
    runs: number | null;
    /** By the run's id. */
    run: Record<string, number>;
    /** Ids of runs, or `runs`, that cannot be watched now. */
    lost: string[];
  }

  export interface ILogPart {
    text: string;
    next_offset: number;
    complete: boolean;
  }

  /** A notebook or a file to compile, with the content that stands in its editor. */
  export interface ISourceContent {
    path: string;
    content?: unknown;
  }

  export interface IUploadRequest extends ISourceContent {
    function?: string;
    pipeline_name?: string;
    build?: boolean;
  }

  export interface IRunRequest {
    version_id: string;
    parameters: Record<string, unknown>;
    name?: string;
    experiment?: string;
  }
}

/** States in which nothing changes any more. */
export const FINAL_STATES: ReadonlySet<Kfops.State> = new Set<Kfops.State>([
  'succeeded',
  'failed',
  'stopped',
  'skipped',
  'omitted',
  'cached'
]);

/** The id of the main plugin, which is also that of its settings. */
export const PLUGIN_ID = 'kfops-lab:plugin';

/** The domain of every visible text. */
export const TEXT_DOMAIN = 'kfops_lab';
