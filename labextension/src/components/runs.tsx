import type { TranslationBundle } from '@jupyterlab/translation';
import { stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { durationOf, exactTime, timeAgo } from '../format';
import { isLive } from '../models/kfops';
import type { Loaded } from '../models/resource';
import type { Kfops } from '../tokens';
import { Problem } from './problem';
import { Empty, Name, Skeleton } from './section';
import { StateIcon } from './states';

/** The runs, one line each: state, name, what goes on, time, one action. */
export function Runs(props: {
  runs: Loaded<Kfops.IRun[]>;
  trans: TranslationBundle;
  onOpen: (run: Kfops.IRun) => void;
  onStop: (run: Kfops.IRun) => void;
}): JSX.Element {
  const { runs, trans } = props;
  if (runs.kind === 'loading') {
    return <Skeleton lines={3} label={trans.__('Loading')} />;
  }
  if (runs.kind === 'failed') {
    return <Problem error={runs.error} trans={trans} />;
  }
  if (!runs.value.length) {
    return <Empty>{trans.__('No runs yet. Compile a pipeline above, then choose “Run…”.')}</Empty>;
  }
  return (
    <ul className="kfops-List" aria-label={trans.__('Runs')}>
      {runs.value.map(run => (
        <RunRow key={run.id} run={run} {...props} />
      ))}
    </ul>
  );
}

function RunRow(props: {
  run: Kfops.IRun;
  trans: TranslationBundle;
  onOpen: (run: Kfops.IRun) => void;
  onStop: (run: Kfops.IRun) => void;
}): JSX.Element {
  const { run, trans } = props;
  const live = isLive(run);
  return (
    <li className="kfops-Row" data-kfops="run-row" data-run={run.id} data-state={run.state}>
      <button
        type="button"
        className="kfops-Row-open"
        data-kfops="run-open"
        onClick={() => props.onOpen(run)}
      >
        <StateIcon state={run.state} trans={trans} />
        <Name text={run.name} className="kfops-Row-name" />
        {live && run.current_step && (
          <span className="kfops-Quiet kfops-Ellipsis" title={run.current_step}>
            {run.current_step}
          </span>
        )}
        {!live && run.state === 'succeeded' && <MetricSummary run={run} />}
        <span className="kfops-Row-time" title={exactTime(run.started_at || run.created_at)}>
          {durationOf(run) || timeAgo(run.created_at, trans)}
        </span>
      </button>
      {live && (
        <button
          type="button"
          className="kfops-IconButton"
          data-kfops="run-stop"
          title={trans.__('Stop this run')}
          aria-label={trans.__('Stop %1', run.name)}
          disabled={run.state === 'stopping'}
          onClick={() => props.onStop(run)}
        >
          <stopIcon.react tag="span" width="16px" />
        </button>
      )}
      {run.error && (
        <div className="kfops-Row-error" title={run.error} data-kfops="run-error">
          {run.error}
        </div>
      )}
    </li>
  );
}

function MetricSummary(props: { run: Kfops.IRun }): JSX.Element | null {
  const metric = props.run.metrics[0];
  if (!metric) {
    return null;
  }
  const text = `${metric.name} ${Number(metric.value.toPrecision(3))}`;
  return (
    <span className="kfops-Quiet kfops-Ellipsis" title={`${metric.name} ${metric.value}`}>
      {text}
    </span>
  );
}
