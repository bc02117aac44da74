/** The server: what it is connected to, what it is doing, what has changed. */

export interface IError {
  code: string;
  message: string;
  why: string;
  remedy: string;
  details: Record<string, unknown>;
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
