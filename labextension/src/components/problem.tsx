import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Kfops } from '../tokens';
import { CopyButton } from './copy';

/** An error where it happened: what, why, what to do, and its details folded. */
export function Problem(props: {
  error: Kfops.IError;
  trans: TranslationBundle;
  /** Show the line that the error's details name. */
  onReveal?: (line: number, cell?: number) => void;
  /** The button that comes after the text, such as "Try again". */
  children?: React.ReactNode;
}): JSX.Element {
  const { error, trans, onReveal } = props;
  const line = numberOf(error.details.line);
  const cell = numberOf(error.details.cell);
  const details = detailText(error);
  return (
    <div className="kfops-Problem" role="alert" data-kfops="problem" data-code={error.code}>
      <div className="kfops-Problem-head">
        <span className="kfops-State kfops-mod-failed" aria-hidden="true">
          ✖
        </span>
        <span className="kfops-Problem-message">{error.message}</span>
        <CopyButton
          text={[error.message, error.why, error.remedy].filter(Boolean).join('\n')}
          label={trans.__('Copy the message')}
          trans={trans}
        />
      </div>
      {error.why && <p className="kfops-Problem-why">{error.why}</p>}
      {error.remedy && <p className="kfops-Problem-remedy">{error.remedy}</p>}
      {line !== undefined && onReveal && (
        <button
          type="button"
          className="kfops-Link"
          data-kfops="reveal-line"
          onClick={() => onReveal(line, cell)}
        >
          {cell === undefined
            ? trans.__('Go to line %1', line)
            : trans.__('Go to cell %1, line %2', cell, line)}
        </button>
      )}
      {details && (
        <details className="kfops-Problem-details">
          <summary>{trans.__('Details')}</summary>
          <pre>{details}</pre>
        </details>
      )}
      {props.children}
    </div>
  );
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined;
}

function detailText(error: Kfops.IError): string {
  return Object.entries(error.details)
    .filter(([, value]) => value !== '' && value !== null && value !== undefined)
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n');
}
