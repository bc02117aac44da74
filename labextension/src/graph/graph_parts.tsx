import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { StateIcon, stateWord } from '../components/states';
import { durationOf, middleEllipsis } from '../format';
import type { Kfops } from '../tokens';
import { smoothPath } from './layout';
import type { IPlaced, IRoute } from './layout';

/** The arrows of a graph. */
export const Edges = React.memo(function Edges(props: {
  edges: IRoute[];
  size: { width: number; height: number };
  steps: Map<string, Kfops.IStep>;
}): JSX.Element {
  const { edges, size, steps } = props;
  return (
    <svg className="kfops-Graph-edges" width={size.width} height={size.height} aria-hidden="true">
      {edges.map(edge => {
        const end = edge.points[edge.points.length - 1] ?? { x: 0, y: 0 };
        const isRunning = steps.get(edge.target)?.state === 'running';
        return (
          <g
            key={`${edge.source} ${edge.target}`}
            className={`kfops-Edge ${isRunning ? 'kfops-mod-running' : ''}`}
          >
            <path d={smoothPath(edge.points)} />
            <path className="kfops-Edge-head" d={`M${end.x},${end.y}l-4,-7h8z`} />
          </g>
        );
      })}
    </svg>
  );
});

export interface INodeProps {
  placed: IPlaced;
  step: Kfops.IStep;
  /** Of a group: its steps that have ended well, and all of them; 0 of 0 for a step. */
  done: number;
  total: number;
  isFolded: boolean;
  /** Whether Tab leads to it; arrows lead on from there. */
  isFocusable: boolean;
  hasRun: boolean;
  selected: boolean;
  /** Whether it is what is searched for. */
  isFound: boolean;
  onSelect: (stepId: string) => void;
  onFold: (stepId: string) => void;
  trans: TranslationBundle;
}

/** A step's box, or a group's frame. */
export const GraphNode = React.memo(function GraphNode(props: INodeProps): JSX.Element {
  const { placed, step, done, total, hasRun, trans } = props;
  const { x, y, width, height, isFrame } = placed;
  const classes = [
    isFrame ? 'kfops-Frame' : 'kfops-Step',
    `kfops-mod-${step.state}`,
    props.selected ? 'kfops-mod-selected' : '',
    props.isFound ? 'kfops-mod-found' : ''
  ];
  return (
    <div
      className={classes.join(' ')}
      style={{ left: x, top: y, width, height }}
      data-kfops={isFrame ? 'graph-group' : 'graph-step'}
      data-step={step.id}
      data-name={step.name}
      data-state={step.state}
    >
      <button
        type="button"
        className="kfops-Step-main"
        data-main={step.id}
        tabIndex={props.isFocusable ? 0 : -1}
        aria-pressed={props.selected}
        aria-label={hasRun ? `${step.name}, ${stateWord(step.state, trans)}` : step.name}
        title={[step.name, step.when, step.message].filter(Boolean).join('\n')}
        onClick={() => props.onSelect(step.id)}
      >
        <span className="kfops-Step-name">
          {isFrame && hasRun && <StateIcon state={step.state} trans={trans} />}
          {middleEllipsis(step.name, total ? 16 : 20)}
        </span>
        {!isFrame && hasRun && (
          <span className="kfops-Step-state">
            <StateIcon state={step.state} trans={trans} withWord />
            <span className="kfops-Row-time">{durationOf(step)}</span>
          </span>
        )}
      </button>
      {total > 0 && (
        <button
          type="button"
          className="kfops-Link kfops-Frame-fold"
          data-kfops="graph-fold"
          aria-expanded={!props.isFolded}
          title={props.isFolded ? trans.__('Unfold %1', step.name) : trans.__('Fold %1', step.name)}
          onClick={() => props.onFold(step.id)}
        >
          {hasRun
            ? trans.__('%1 of %2', done, total)
            : trans._n('%1 step', '%1 steps', total, total)}{' '}
          <span aria-hidden="true">{props.isFolded ? '▸' : '▾'}</span>
        </button>
      )}
    </div>
  );
});
