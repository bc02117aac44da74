/** The server: what it is connected to, what it is doing, what has changed. */

export interface IError {
  code: string;
  message: string;
  why: string;
  remedy: string;
  details: Record<string, unknown>;
}

/** What a project can use; `auto` leaves it to config.yaml and the environment. */
export type BackendKind = 'auto' | 'cluster' | 'embedded';

export interface IConnectionStatus {
  kind: 'embedded' | 'cluster';
  host: string;
  identity: string;
  namespace: string;
  multi_user: boolean;
  token_expires_at: string;
  versions: Record<string, string>;
  /** What was chosen for the project. */
  use: BackendKind;
  /** Address of the cluster that can be chosen; '' where none is named. */
  cluster: string;
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
  /** By the run's id, a slash and the step's id. */
  log: Record<string, number>;
  /** Another number after each switch to another backend. */
  switches: number;
  /** Runs, logs, or `runs`, that cannot be watched now. */
  lost: string[];
}
