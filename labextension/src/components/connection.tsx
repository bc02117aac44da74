import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useRef, useState } from 'react';

import { exactTime, timeLeft } from '../format';
import type { PanelState } from '../models/status';
import type { Kfops } from '../tokens';
import { BackendChoice } from './backend_choice';
import { Command } from './copy';
import { Problem } from './problem';
import { Skeleton } from './section';

interface IProps {
  state: PanelState;
  trans: TranslationBundle;
  onRefresh: () => void;
}

/** Which backend, as whom, in which namespace, and which others there are: the panel's first line. */
export function ConnectionLine(
  props: IProps & {
    connection: Kfops.IConnectionStatus | null;
    onUse: (kind: Kfops.BackendKind) => Promise<unknown>;
  }
): JSX.Element {
  const { state, trans, connection } = props;
  const [isOpen, setOpen] = useState(false);
  const toggle = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    toggle.current?.focus();
  };
  return (
    <>
      <div className="kfops-Connection-row">
        <StatusLine state={state} trans={trans} />
        {connection && (
          <button
            type="button"
            ref={toggle}
            className="kfops-IconButton"
            data-kfops="switch-backend"
            title={trans.__('Switch to another backend')}
            aria-label={trans.__('Switch to another backend')}
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          >
            <caretDownIcon.react tag="span" width="16px" />
          </button>
        )}
        <button
          type="button"
          className="kfops-IconButton"
          data-kfops="refresh"
          title={trans.__('Refresh')}
          aria-label={trans.__('Refresh')}
          onClick={props.onRefresh}
        >
          <refreshIcon.react tag="span" width="16px" />
        </button>
      </div>
      {isOpen && connection && (
        <BackendChoice connection={connection} trans={trans} onUse={props.onUse} onDone={close} />
      )}
    </>
  );
}

function StatusLine(props: { state: PanelState; trans: TranslationBundle }): JSX.Element {
  const { state, trans } = props;
  return (
    <div
      className="kfops-Connection"
      data-kfops="connection"
      data-state={state.kind}
      role="status"
      aria-live="polite"
    >
      {connectionText(state, trans)}
    </div>
  );
}

function connectionText(state: PanelState, trans: TranslationBundle): JSX.Element {
  if (state.kind !== 'ready') {
    const waiting = state.kind === 'loading' || state.kind === 'environment-starting';
    return (
      <>
        <span className={`kfops-Dot ${waiting ? 'kfops-mod-waiting' : 'kfops-mod-off'}`} />
        <span>{waiting ? trans.__('Connecting…') : trans.__('Not connected')}</span>
      </>
    );
  }
  const { connection } = state;
  const left = timeLeft(connection.token_expires_at, trans);
  return (
    <>
      <span className="kfops-Dot kfops-mod-on" />
      <div className="kfops-Connection-text">
        <span className="kfops-Connection-backend" title={connection.host}>
          {connection.kind === 'embedded' ? trans.__('Embedded backend') : trans.__('Cluster')}
        </span>
        {connection.identity && (
          <span className="kfops-Quiet kfops-Ellipsis" title={connection.identity}>
            {connection.identity}
          </span>
        )}
        {connection.namespace && (
          <span className="kfops-Quiet kfops-Ellipsis" title={connection.namespace}>
            {trans.__('namespace: %1', connection.namespace)}
          </span>
        )}
        {left && (
          <span className="kfops-Quiet" title={exactTime(connection.token_expires_at)}>
            {trans.__('token %1', left)}
          </span>
        )}
      </div>
    </>
  );
}

/** What stands in the way, and the next step; nothing when the backend is usable. */
export function Obstacle(props: IProps): JSX.Element | null {
  const { state, trans } = props;
  const again = (
    <button type="button" className="kfops-Button" data-kfops="try-again" onClick={props.onRefresh}>
      {trans.__('Try again')}
    </button>
  );
  switch (state.kind) {
    case 'loading':
      return <Skeleton lines={4} label={trans.__('Loading')} />;
    case 'no-extension':
      return (
        <div className="kfops-Obstacle" data-kfops="obstacle">
          <h3>{trans.__('The server extension is not there')}</h3>
          <p>
            {trans.__(
              'JupyterLab has the panel, but its server does not answer under /kfops. Install kfops-lab where JupyterLab runs, switch the extension on, and start JupyterLab anew.'
            )}
          </p>
          <Command command="pip install 'kfops-lab[lab]'" trans={trans} />
          <Command command="jupyter server extension enable kfops_server" trans={trans} />
          {again}
        </div>
      );
    case 'no-environment':
      return (
        <div className="kfops-Obstacle" data-kfops="obstacle">
          <h3>{trans.__('No pipeline environment')}</h3>
          <p>
            {state.message ||
              trans.__('Pipelines need a Python environment with kfp 1.7.0, beside JupyterLab.')}
          </p>
          {state.command && (
            <>
              <p>{trans.__('In a terminal:')}</p>
              <Command command={state.command} trans={trans} />
            </>
          )}
          {again}
        </div>
      );
    case 'environment-starting':
      return (
        <div className="kfops-Obstacle" data-kfops="obstacle" role="status">
          <p>
            <span className="kfops-State kfops-mod-running" aria-hidden="true">
              <span className="kfops-State-icon">◐</span>
            </span>{' '}
            {state.message ||
              trans.__('The pipeline environment is starting; this takes a few seconds.')}
          </p>
          <Skeleton lines={3} label={trans.__('Loading')} />
        </div>
      );
    case 'no-server':
    case 'environment-failed':
    case 'no-backend':
      return (
        <div className="kfops-Obstacle" data-kfops="obstacle">
          <Problem error={state.error} trans={trans}>
            {again}
          </Problem>
        </div>
      );
    default:
      return null;
  }
}
