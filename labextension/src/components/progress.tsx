import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect, useRef } from 'react';

import { durationOf } from '../format';
import type { IFollowed } from '../models/operations';

/** A compile, an upload or a build under way: what, for how long, its log as it comes, and a way to end it. */
export function Progress(props: {
  followed: IFollowed;
  trans: TranslationBundle;
  onCancel: (id: string) => Promise<unknown>;
}): JSX.Element {
  const { followed, trans } = props;
  const { operation, kind } = followed;
  const log = useRef<HTMLPreElement>(null);
  const text = operation?.log ?? '';
  useEffect(() => {
    if (log.current) {
      log.current.scrollTop = log.current.scrollHeight;
    }
  }, [text]);
  const words = {
    compile: trans.__('Compiling…'),
    upload: trans.__('Compiling and uploading…'),
    build: trans.__('Building images…')
  };
  const time = operation
    ? durationOf({ state: 'running', started_at: operation.started_at, finished_at: '' })
    : '';
  return (
    <div className="kfops-Progress" data-kfops="operation" data-kind={kind}>
      <div className="kfops-Progress-head" role="status">
        <span className="kfops-State kfops-mod-running" aria-hidden="true">
          <span className="kfops-State-icon">◐</span>
        </span>
        <span>{words[kind]}</span>
        <span className="kfops-Row-time">{time}</span>
        <button
          type="button"
          className="kfops-Link"
          data-kfops="cancel"
          onClick={() => void props.onCancel(followed.id)}
        >
          {trans.__('Cancel')}
        </button>
      </div>
      {text && (
        <pre
          className="kfops-Log kfops-mod-short"
          data-kfops="operation-log"
          ref={log}
          tabIndex={0}
        >
          {text}
        </pre>
      )}
    </div>
  );
}
