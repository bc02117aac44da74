import { panelState, statusInterval } from '../src/models/status';
import type { Kfops } from '../src/tokens';

const error = { code: 'connection_failed', message: 'No', why: '', remedy: '', details: {} };

function status(
  environment: Partial<Kfops.IEnvironment> = {},
  connection: Partial<Kfops.IConnectionStatus> | null = {}
): Kfops.IStatus {
  return {
    server: { version: '0' },
    environment: {
      state: 'ready',
      python: '',
      versions: {},
      message: '',
      install_command: '',
      error: null,
      ...environment
    },
    connection: connection && {
      kind: 'embedded',
      host: '',
      identity: '',
      namespace: '',
      multi_user: false,
      token_expires_at: '',
      versions: {},
      use: 'auto',
      cluster: '',
      error: null,
      ...connection
    }
  };
}

function stateOf(value: Kfops.IStatus) {
  return panelState({ kind: 'ready', value, stale: null });
}

describe('panelState', () => {
  it('is ready with a backend that is usable', () => {
    expect(stateOf(status()).kind).toBe('ready');
  });

  it('tells a server without the extension from a server that is gone', () => {
    const failed = (code: string) => panelState({ kind: 'failed', error: { ...error, code } }).kind;
    expect(failed('no_extension')).toBe('no-extension');
    expect(failed('no_server')).toBe('no-server');
  });

  it('says so when the server goes away under the panel', () => {
    expect(panelState({ kind: 'ready', value: status(), stale: error }).kind).toBe('no-server');
  });

  it('shows the command that installs a missing environment', () => {
    const missing = stateOf(status({ state: 'missing', install_command: 'pip install x' }, null));
    expect(missing).toEqual({ kind: 'no-environment', message: '', command: 'pip install x' });
  });

  it('waits for the environment, and then for the connection', () => {
    expect(stateOf(status({ state: 'starting' }, null)).kind).toBe('environment-starting');
    expect(stateOf(status({}, null)).kind).toBe('environment-starting');
    expect(statusInterval(status({}, null))).toBeLessThan(statusInterval(status()));
  });

  it('has a reason for an environment that fails, told or not', () => {
    expect(stateOf(status({ state: 'failed', error }, null))).toMatchObject({ error });
    expect(stateOf(status({ state: 'failed', message: 'no kfp' }, null))).toMatchObject({
      error: { message: 'no kfp' }
    });
  });

  it('names why the backend is not usable', () => {
    expect(stateOf(status({}, { error }))).toMatchObject({ kind: 'no-backend', error });
  });
});
