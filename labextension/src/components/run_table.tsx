import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { durationOf, exactTime, timeAgo } from '../format';
import type { Kfops } from '../tokens';
import { StateIcon } from './states';
import { VirtualList } from './virtual_list';

const ROW = 32;

/** The columns that the backend can sort by, and what it calls them. */
const SORTED: Record<string, string> = { name: 'name', state: 'status', created: 'created_at' };

/** Runs as a table of any length, with a box to choose each. */
export function RunTable(props: {
  runs: readonly Kfops.IRun[];
  chosen: ReadonlySet<string>;
  onChoose: (id: string) => void;
  sortBy: string;
  onSort: (sortBy: string) => void;
  onOpen: (run: Kfops.IRun) => void;
  onEnd: () => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { runs, chosen, sortBy, trans } = props;
  const [field, direction] = sortBy.split(' ');
  const head = (name: string, label: string) => {
    const column = SORTED[name];
    const current = column === field;
    const down = current && direction === 'desc';
    return column ? (
      <button
        type="button"
        className={`kfops-RunTable-head kfops-Col-${name}`}
        data-kfops={`sort-${name}`}
        aria-pressed={current}
        title={trans.__('Sort by %1', label)}
        onClick={() => props.onSort(down ? `${column} asc` : `${column} desc`)}
      >
        {label} <span aria-hidden="true">{current ? (down ? '▾' : '▴') : ''}</span>
      </button>
    ) : (
      <span className={`kfops-RunTable-head kfops-Col-${name}`}>{label}</span>
    );
  };
  return (
    <div className="kfops-RunTable">
      <div className="kfops-RunTable-row kfops-mod-head">
        <span className="kfops-Col-choose" />
        {head('state', trans.__('State'))}
        {head('name', trans.__('Name'))}
        {head('pipeline', trans.__('Pipeline'))}
        {head('experiment', trans.__('Experiment'))}
        {head('metric', trans.__('Metric'))}
        {head('created', trans.__('Started'))}
        {head('time', trans.__('Time'))}
      </div>
      <VirtualList
        items={runs}
        rowHeight={ROW}
        keyOf={run => run.id}
        onEnd={props.onEnd}
        label={trans.__('Runs')}
        name="run-table"
        className="kfops-RunTable-body"
        render={run => (
          <div
            className={`kfops-RunTable-row ${chosen.has(run.id) ? 'kfops-mod-selected' : ''}`}
            data-kfops="table-run"
            data-run={run.id}
            data-state={run.state}
          >
            <span className="kfops-Col-choose">
              <input
                type="checkbox"
                data-kfops="choose-run"
                aria-label={trans.__('Choose %1', run.name)}
                checked={chosen.has(run.id)}
                onChange={() => props.onChoose(run.id)}
              />
            </span>
            <span className="kfops-Col-state">
              <StateIcon state={run.state} trans={trans} withWord />
            </span>
            <button
              type="button"
              className="kfops-Link kfops-Col-name kfops-Ellipsis"
              data-kfops="table-open"
              data-row-focus
              title={run.error ? `${run.name}\n${run.error}` : run.name}
              onClick={() => props.onOpen(run)}
            >
              {run.name}
            </button>
            <span className="kfops-Col-pipeline kfops-Ellipsis" title={run.pipeline_name}>
              {[run.pipeline_name, run.version_name].filter(Boolean).join(' · ')}
            </span>
            <span className="kfops-Col-experiment kfops-Ellipsis" title={run.experiment_name}>
              {run.experiment_name}
            </span>
            <Metric run={run} />
            <span className="kfops-Col-created" title={exactTime(run.created_at)}>
              {timeAgo(run.created_at, trans)}
            </span>
            <span className="kfops-Col-time">{durationOf(run)}</span>
          </div>
        )}
      />
    </div>
  );
}

function Metric(props: { run: Kfops.IRun }): JSX.Element {
  const [metric] = props.run.metrics;
  const all = props.run.metrics.map(one => `${one.name} ${one.value}`).join('\n');
  return (
    <span className="kfops-Col-metric kfops-Ellipsis" title={all}>
      {metric && `${metric.name} ${Number(metric.value.toPrecision(3))}`}
    </span>
  );
}
