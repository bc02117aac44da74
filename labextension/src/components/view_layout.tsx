import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Suspense, useRef, useState } from 'react';

import type { StepLogModel } from '../models/step_log';
import type { Kfops } from '../tokens';
import type { IArtifactSource } from './artifacts';
import { Skeleton } from './section';
import { StepDetail } from './step_detail';
import type { ISpecSource } from './step_spec';
import { StepTree } from './step_tree';
import { Timeline } from './timeline';

/** What draws graphs is a part of its own: the list of runs does without it. */
const importGraph = () => import(/* webpackChunkName: "graph" */ '../graph/graph_view');
const GraphView = React.lazy(importGraph);

/** Fetch what draws graphs while the graph itself is still being asked for. */
export function expectGraph(): void {
  void importGraph().catch(() => undefined); // whoever draws one says that it cannot be fetched
}

export interface ITab {
  name: string;
  title: string;
  content: JSX.Element;
}

/** L leads from a step to its log, Escape back to the step. */
function onBodyKeyDown(event: React.KeyboardEvent<HTMLElement>): void {
  const find = (selector: string) => event.currentTarget.querySelector<HTMLElement>(selector);
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (plain && event.key.toLowerCase() === 'l') {
    find('[data-kfops="step-log"]')?.focus();
  } else if (event.key === 'Escape') {
    find('[aria-pressed="true"], [aria-selected="true"]')?.focus();
  }
}

/** A graph in the main area: header, tabs, and the selected step at the side. */
export function ViewLayout(props: {
  header: JSX.Element;
  graph: Kfops.IGraph;
  hasRun: boolean;
  selected: string;
  step: Kfops.IStep | null;
  log: StepLogModel | null;
  artifacts: IArtifactSource | null;
  /** Where it is asked how a step is executed; left out where nobody knows. */
  specs?: ISpecSource | null;
  onSelect: (stepId: string) => void;
  /** The tabs after graph and steps. */
  tabs: ITab[];
  trans: TranslationBundle;
}): JSX.Element {
  const { graph, hasRun, selected, onSelect, trans } = props;
  const [shown, setShown] = useState('graph');
  const list = useRef<HTMLDivElement>(null);
  const shared = { graph, hasRun, selected, onSelect, trans };
  const tabs: ITab[] = [
    {
      name: 'graph',
      title: trans.__('Graph'),
      content: (
        <Suspense fallback={<Skeleton lines={6} label={trans.__('Loading')} />}>
          <GraphView {...shared} />
        </Suspense>
      )
    },
    { name: 'steps', title: trans.__('Steps'), content: <StepTree {...shared} /> },
    ...(hasRun
      ? [{ name: 'timeline', title: trans.__('Timeline'), content: <Timeline {...shared} /> }]
      : []),
    ...props.tabs
  ];
  const current = tabs.find(tab => tab.name === shown) ?? tabs[0]!;
  const onKeyDown = (event: React.KeyboardEvent) => {
    const move = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (move) {
      const next = tabs[(tabs.indexOf(current) + move + tabs.length) % tabs.length]!;
      setShown(next.name);
      list.current?.querySelector<HTMLElement>(`[data-kfops="tab-${next.name}"]`)?.focus();
    }
  };
  const withDetail = ['graph', 'steps', 'timeline'].includes(current.name);
  return (
    <div className="kfops-View">
      {props.header}
      <div
        className="kfops-Tabs"
        role="tablist"
        aria-label={trans.__('Parts of this view')}
        ref={list}
        onKeyDown={onKeyDown}
      >
        {tabs.map(tab => (
          <button
            key={tab.name}
            type="button"
            role="tab"
            className="kfops-Tab"
            aria-selected={tab === current}
            tabIndex={tab === current ? 0 : -1}
            data-kfops={`tab-${tab.name}`}
            onClick={() => setShown(tab.name)}
          >
            {tab.title}
          </button>
        ))}
      </div>
      <div
        className="kfops-View-body"
        role="tabpanel"
        aria-label={current.title}
        onKeyDown={onBodyKeyDown}
      >
        <div className="kfops-View-main">{current.content}</div>
        {withDetail && (
          <section className="kfops-View-side" aria-label={trans.__('Step')}>
            <StepDetail
              key={selected}
              step={props.step}
              steps={graph.steps}
              hasRun={hasRun}
              log={props.log}
              artifacts={props.artifacts}
              specs={props.specs ?? null}
              onSelect={onSelect}
              trans={trans}
            />
          </section>
        )}
      </div>
    </div>
  );
}
