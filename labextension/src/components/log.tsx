import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';

import { split } from '../find';
import { formatSize } from '../format';
import type { StepLogModel } from '../models/step_log';
import type { Kfops } from '../tokens';
import { CopyButton } from './copy';
import { Problem } from './problem';

/** A log with fewer letters is looked through with the eye. */
const SHORT = 400;

/** A log that follows its end, until the reader scrolls up to read. */
export function Log(props: {
  log: StepLogModel;
  step: Kfops.IStep;
  trans: TranslationBundle;
}): JSX.Element {
  const { log, step, trans } = props;
  const area = useRef<HTMLPreElement>(null);
  const fromEnd = useRef<number | null>(null);
  const [follows, setFollows] = useState(true);
  const [wanted, setWanted] = useState('');
  const [at, setAt] = useState(0);
  const { text } = log;
  const pieces = useMemo(() => split(text, wanted), [text, wanted]);
  const found = Math.floor(pieces.length / 2);
  useEffect(() => {
    if (follows && area.current) {
      area.current.scrollTop = area.current.scrollHeight;
    }
  }, [text, follows]);
  useLayoutEffect(() => {
    // what was read stays where it is when something comes before it
    if (fromEnd.current !== null && area.current) {
      area.current.scrollTop = area.current.scrollHeight - fromEnd.current;
      fromEnd.current = null;
    }
  }, [log.start]);
  const showMatch = (index: number) => {
    if (found) {
      const next = (index + found) % found;
      setAt(next);
      setFollows(false);
      area.current?.querySelectorAll('mark')[next]?.scrollIntoView({ block: 'center' });
    }
  };
  const onFindKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'Enter') {
      showMatch(at + (event.shiftKey ? -1 : 1));
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      setWanted('');
    }
  };
  const onScroll = () => {
    const { current } = area;
    if (current) {
      setFollows(current.scrollHeight - current.scrollTop - current.clientHeight < 24);
    }
  };
  const showEarlier = async () => {
    const { current } = area;
    setFollows(false);
    fromEnd.current = current ? current.scrollHeight - current.scrollTop : 0;
    await log.loadEarlier().catch(() => undefined); // told by `log.error`
  };
  const waits = step.state === 'pending';
  return (
    <>
      <h4 className="kfops-Log-head">
        {trans.__('Log')}
        {!log.isComplete && step.state === 'running' && (
          <span className="kfops-Live">{trans.__('live')}</span>
        )}
        {text && (
          <span className="kfops-mod-end">
            <CopyButton text={text} label={trans.__('Copy the log')} trans={trans} />
            <a
              className="kfops-Link"
              data-kfops="log-download"
              href={log.url}
              download={`${step.name.replace(/[^\w.-]+/g, '-')}.log`}
            >
              {trans.__('Download')}
            </a>
          </span>
        )}
      </h4>
      {text.length > SHORT && (
        <div className="kfops-Log-find" role="search">
          <input
            type="search"
            className="kfops-Input"
            data-kfops="log-find"
            value={wanted}
            placeholder={trans.__('Find in the log')}
            aria-label={trans.__('Find in the log')}
            onChange={event => {
              setWanted(event.target.value);
              setAt(-1);
            }}
            onKeyDown={onFindKeyDown}
          />
          <span className="kfops-Quiet" role="status">
            {wanted &&
              (at >= 0 && found
                ? trans.__('%1 of %2', at + 1, found)
                : trans._n('%1 found', '%1 found', found, found))}
          </span>
        </div>
      )}
      {log.start > 0 && (
        <p className="kfops-Quiet" data-kfops="log-start">
          {trans.__('The first %1 are not shown.', formatSize(log.start))}{' '}
          <button
            type="button"
            className="kfops-Link"
            data-kfops="log-earlier"
            onClick={() => void showEarlier()}
          >
            {trans.__('Show earlier lines')}
          </button>
        </p>
      )}
      {log.error && !text && <Problem error={log.error} trans={trans} />}
      {text ? (
        <pre
          className="kfops-Log"
          data-kfops="step-log"
          ref={area}
          tabIndex={0}
          aria-label={trans.__('Log of %1', step.name)}
          onScroll={onScroll}
        >
          {pieces.map((piece, index) =>
            index % 2 ? (
              <mark key={index} className={(index - 1) / 2 === at ? 'kfops-mod-current' : ''}>
                {piece}
              </mark>
            ) : (
              piece
            )
          )}
        </pre>
      ) : (
        !log.error && (
          <p className="kfops-Quiet" data-kfops="step-log-empty">
            {waits
              ? trans.__('The step has not begun.')
              : log.isComplete
                ? trans.__('The step wrote nothing.')
                : trans.__('Nothing written yet.')}
          </p>
        )
      )}
    </>
  );
}
