import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useMemo } from 'react';

import { durationOf, exactTime, formatDuration } from '../format';
import type { Kfops } from '../tokens';
import { StateIcon, stateWord } from './states';
import { VirtualList } from './virtual_list';

const ROW = 26;
/** Seconds between two marks of the scale; the first that gives no more than eight of them. */
const STEPS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400];

/** When each step of a run began and how long it took, the first at the top. */
export function Timeline(props: {
  graph: Kfops.IGraph;
  selected: string;
  onSelect: (stepId: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { graph, selected, onSelect, trans } = props;
  // a run that goes on is read, and so drawn, again every second
  const bars = useMemo(() => barsOf(graph), [graph]);
  if (!bars.length) {
    return <p className="kfops-Quiet kfops-Sheet">{trans.__('No step has begun.')}</p>;
  }
  const begin = Math.min(...bars.map(bar => bar.begin));
  const end = Math.max(...bars.map(bar => bar.end), begin + 1000);
  const share = (time: number) => `${(100 * (time - begin)) / (end - begin)}%`;
  const seconds = (end - begin) / 1000;
  const pace = STEPS.find(step => seconds / step <= 8) ?? Math.ceil(seconds / 8);
  const marks = Array.from({ length: Math.floor(seconds / pace) + 1 }, (_, index) => index * pace);
  const focusable = bars.some(bar => bar.step.id === selected) ? selected : bars[0]!.step.id;
  return (
    <div className="kfops-Timeline" data-kfops="timeline">
      <div className="kfops-Timeline-row kfops-Timeline-scale" aria-hidden="true">
        <span className="kfops-Timeline-name" />
        <span className="kfops-Timeline-track">
          {marks.map(mark => (
            <span key={mark} style={{ left: share(begin + mark * 1000) }}>
              {formatDuration(mark)}
            </span>
          ))}
        </span>
      </div>
      <VirtualList
        items={bars}
        rowHeight={ROW}
        keyOf={bar => bar.step.id}
        label={trans.__('Steps by their time')}
        className="kfops-Timeline-body"
        render={({ step, begin: from, end: to }) => (
          <button
            type="button"
            className={`kfops-Timeline-row ${step.id === selected ? 'kfops-mod-selected' : ''}`}
            data-kfops="timeline-step"
            data-step={step.id}
            data-state={step.state}
            data-row-focus
            tabIndex={step.id === focusable ? 0 : -1}
            aria-pressed={step.id === selected}
            aria-label={trans.__(
              '%1, %2, began %3, took %4',
              step.name,
              stateWord(step.state, trans),
              exactTime(step.started_at),
              durationOf(step)
            )}
            onClick={() => onSelect(step.id)}
          >
            <span className="kfops-Timeline-name">
              <StateIcon state={step.state} trans={trans} />
              <span className="kfops-Ellipsis" title={step.name}>
                {step.name}
              </span>
            </span>
            <span className="kfops-Timeline-track">
              <span
                className={`kfops-Timeline-bar kfops-mod-${step.state}`}
                style={{ left: share(from), width: `max(2px, ${share(begin + to - from)})` }}
                title={`${exactTime(step.started_at)}, ${durationOf(step)}`}
              />
            </span>
          </button>
        )}
      />
    </div>
  );
}

interface IBar {
  step: Kfops.IStep;
  /** Milliseconds since the epoch. */
  begin: number;
  end: number;
}

/** The steps that have begun, in that order; one that has not ended goes on until now. */
export function barsOf(graph: Kfops.IGraph, now = Date.now()): IBar[] {
  const bars: IBar[] = [];
  for (const step of graph.steps) {
    const begin = Date.parse(step.started_at);
    if (step.kind !== 'step' || Number.isNaN(begin) || step.state === 'skipped') {
      continue;
    }
    const end = Date.parse(step.finished_at);
    bars.push({ step, begin, end: Math.max(begin, Number.isNaN(end) ? now : end) });
  }
  return bars.sort((a, b) => a.begin - b.begin || a.end - b.end);
}
