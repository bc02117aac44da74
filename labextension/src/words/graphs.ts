/** Compiled pipelines and runs as graphs, and the steps in them. */

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

/** How a step is to be executed; see `StepSpec` of `kfops/types/steps.py`. */
export interface IStepSpec {
  id: string;
  template: string;
  image: string;
  command: string[];
  args: string[];
  source: string;
  requests: Record<string, string>;
  limits: Record<string, string>;
  node_selector: Record<string, string>;
  /** Which of these the backend does not follow, a limit as `limits.cpu`. */
  ignored: string[];
  timeout: number;
  /** -1 for as often as it takes. */
  retry_limit: number;
  retry_policy: string;
  retry_backoff: string[];
  caching: boolean;
  max_staleness: string;
  cached_from: string;
  cached_from_name: string;
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
