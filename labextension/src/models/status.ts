import type { Kfops } from '../tokens';
import type { Loaded } from './resource';

/** The panel as a whole: ready, or what stands in the way, each with its own next step. */
export type PanelState =
  | { kind: 'loading' }
  | { kind: 'no-extension' }
  | { kind: 'no-server'; error: Kfops.IError }
  | { kind: 'no-environment'; message: string; command: string }
  | { kind: 'environment-starting'; message: string }
  | { kind: 'environment-failed'; error: Kfops.IError }
  | { kind: 'no-backend'; error: Kfops.IError; connection: Kfops.IConnectionStatus | null }
  | { kind: 'ready'; connection: Kfops.IConnectionStatus };

/** Decide the panel's state from what the server says of itself. */
export function panelState(status: Loaded<Kfops.IStatus>): PanelState {
  if (status.kind === 'loading') {
    return { kind: 'loading' };
  }
  if (status.kind === 'failed') {
    return status.error.code === 'no_extension'
      ? { kind: 'no-extension' }
      : { kind: 'no-server', error: status.error };
  }
  if (status.stale) {
    return { kind: 'no-server', error: status.stale };
  }
  const { environment, connection } = status.value;
  switch (environment.state) {
    case 'missing':
      return {
        kind: 'no-environment',
        message: environment.message,
        command: environment.install_command
      };
    case 'starting':
      return { kind: 'environment-starting', message: environment.message };
    case 'failed':
      return {
        kind: 'environment-failed',
        error: environment.error ?? {
          code: 'worker_error',
          message: environment.message,
          why: '',
          remedy: '',
          details: {}
        }
      };
    default:
      break;
  }
  if (!connection) {
    return { kind: 'environment-starting', message: environment.message };
  }
  return connection.error
    ? { kind: 'no-backend', error: connection.error, connection }
    : { kind: 'ready', connection };
}

/** Milliseconds until the next look at the status: soon while something starts. */
export function statusInterval(status: Kfops.IStatus | null): number {
  return status && status.environment.state === 'ready' && status.connection ? 10_000 : 1_000;
}
