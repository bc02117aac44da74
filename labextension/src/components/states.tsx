import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Kfops } from '../tokens';

const ICONS: Record<Kfops.State, string> = {
  pending: '○',
  running: '◐',
  succeeded: '✔',
  failed: '✖',
  stopping: '■',
  stopped: '■',
  skipped: '⤼',
  omitted: '⤼',
  cached: '↺'
};

/** A state's word, as it stands everywhere in kfops. */
export function stateWord(state: Kfops.State, trans: TranslationBundle): string {
  switch (state) {
    case 'pending':
      return trans.__('Pending');
    case 'running':
      return trans.__('Running');
    case 'succeeded':
      return trans.__('Succeeded');
    case 'failed':
      return trans.__('Failed');
    case 'stopping':
      return trans.__('Stopping');
    case 'stopped':
      return trans.__('Stopped');
    case 'cached':
      return trans.__('Cached');
    default:
      return trans.__('Skipped');
  }
}

/** What a group of steps is; the empty text for a step. */
export function kindWord(kind: Kfops.IStep['kind'], trans: TranslationBundle): string {
  switch (kind) {
    case 'loop':
      return trans.__('loop');
    case 'iteration':
      return trans.__('iteration');
    case 'condition':
      return trans.__('condition');
    case 'exit-handler':
      return trans.__('exit handler');
    case 'retry':
      return trans.__('retries');
    case 'group':
      return trans.__('group');
    default:
      return '';
  }
}

/** A state as an icon; its word stands beside it, or is told to a screen reader. */
export function StateIcon(props: {
  state: Kfops.State;
  trans: TranslationBundle;
  /** Whether the word is shown beside the icon. */
  withWord?: boolean;
}): JSX.Element {
  const { state, trans } = props;
  const word = stateWord(state, trans);
  return (
    <span className={`kfops-State kfops-mod-${state}`} data-state={state} title={word}>
      <span className="kfops-State-icon" aria-hidden="true">
        {ICONS[state] ?? '○'}
      </span>
      <span className={props.withWord ? 'kfops-State-word' : 'kfops-Hidden'}>{word}</span>
    </span>
  );
}
