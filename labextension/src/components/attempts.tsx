import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { durationOf, exactTime } from '../format';
import type { Kfops } from '../tokens';
import { StateIcon } from './states';

/** The attempts of a step, each with how it went; choosing one shows it with its log. */
export function Attempts(props: {
  attempts: Kfops.IStep[];
  selected: string;
  onSelect: (stepId: string) => void;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { attempts, selected, onSelect, trans } = props;
  if (!attempts.length) {
    return null;
  }
  return (
    <>
      <h4>{trans.__('Attempts')}</h4>
      <ol className="kfops-Attempts" data-kfops="attempts">
        {attempts.map((attempt, index) => (
          <li key={attempt.id}>
            <button
              type="button"
              className="kfops-Attempt"
              data-kfops="attempt"
              data-state={attempt.state}
              aria-current={attempt.id === selected}
              onClick={() => onSelect(attempt.id)}
            >
              <StateIcon state={attempt.state} trans={trans} />
              <span>{trans.__('Attempt %1', index + 1)}</span>
              <span className="kfops-Quiet kfops-Ellipsis" title={attempt.message}>
                {attempt.message}
              </span>
              <span className="kfops-Row-time" title={exactTime(attempt.started_at)}>
                {durationOf(attempt)}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </>
  );
}
