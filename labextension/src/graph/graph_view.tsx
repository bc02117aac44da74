import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useMemo, useState } from 'react';

import { StateIcon, stateWord } from '../components/states';
import { durationOf, middleEllipsis } from '../format';
import type { Kfops } from '../tokens';
import { groupCounts, layoutGraph, neighbour, smoothPath } from './layout';
import type { ArrowKey, ILayout, IPlaced } from './layout';
import { usePanZoom } from './pan_zoom';

import '../../style/graph.css';

export interface IGraphViewProps {
  graph: Kfops.IGraph;
  /** Whether the graph is that of a run: a package's steps have no state. */
  hasRun: boolean;
  selected: string;
  onSelect: (stepId: string) => void;
  trans: TranslationBundle;
}

/** The graph, top to bottom. Selecting a step never moves it. */
export default function GraphView(props: IGraphViewProps): JSX.Element {
  const { graph, hasRun, selected, onSelect, trans } = props;
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  // states change every second, places only when there are other steps
  const shape = shapeOf(graph);
  const placed = useMemo(
    () => layoutGraph(graph, folded),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the shape stands for the graph
    [shape, folded]
  );
  const counts = groupCounts(graph);
  const { window, style, onPointerDown, zoomBy, fitAll } = usePanZoom(placed);
  const steps = new Map(graph.steps.map(step => [step.id, step]));
  const onFold = (id: string) => {
    const next = new Set(folded);
    if (!next.delete(id)) {
      next.add(id);
    }
    setFolded(next);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const next = event.key.startsWith('Arrow')
      ? neighbour(placed, selected, event.key as ArrowKey)
      : null;
    if (next) {
      event.preventDefault();
      onSelect(next);
      const mains = window.current?.querySelectorAll<HTMLElement>('[data-main]') ?? [];
      Array.from(mains)
        .find(main => main.dataset.main === next)
        ?.focus({ preventScroll: true });
    }
  };
  return (
    <div
      className="kfops-Graph"
      data-kfops="graph"
      role="group"
      aria-label={trans.__('Graph of the pipeline')}
      ref={window}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
    >
      <div className="kfops-Graph-drawing" style={style}>
        <Edges placed={placed} steps={steps} />
        {placed.nodes.map(node => (
          <GraphNode
            key={node.step.id}
            placed={node}
            step={steps.get(node.step.id) ?? node.step}
            count={counts.get(node.step.id) ?? null}
            isFolded={folded.has(node.step.id)}
            isFocusable={node.step.id === (selected || placed.nodes[0]?.step.id)}
            hasRun={hasRun}
            selected={node.step.id === selected}
            onSelect={onSelect}
            onFold={onFold}
            trans={trans}
          />
        ))}
      </div>
      <div className="kfops-Graph-controls" role="group" aria-label={trans.__('Zoom')}>
        <Control path="M7 3v8M3 7h8" label={trans.__('Zoom in')} onClick={() => zoomBy(1.25)} />
        <Control path="M3 7h8" label={trans.__('Zoom out')} onClick={() => zoomBy(0.8)} />
        <Control
          path="M2 5V2h3M9 2h3v3M12 9v3H9M5 12H2V9"
          label={trans.__('Show the whole graph')}
          onClick={fitAll}
        />
      </div>
    </div>
  );
}

function shapeOf(graph: Kfops.IGraph): string {
  return JSON.stringify([
    graph.steps.map(step => [step.id, step.parent]),
    graph.edges.map(edge => [edge.source, edge.target])
  ]);
}

function Control(props: { path: string; label: string; onClick: () => void }): JSX.Element {
  return (
    <button
      type="button"
      className="kfops-IconButton"
      title={props.label}
      aria-label={props.label}
      onClick={props.onClick}
    >
      <svg width="14" height="14" aria-hidden="true">
        <path d={props.path} fill="none" stroke="currentColor" strokeWidth="1.5" />
      </svg>
    </button>
  );
}

function Edges(props: { placed: ILayout; steps: Map<string, Kfops.IStep> }): JSX.Element {
  const { placed, steps } = props;
  return (
    <svg
      className="kfops-Graph-edges"
      width={placed.width}
      height={placed.height}
      aria-hidden="true"
    >
      {placed.edges.map(edge => {
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
}

interface INodeProps {
  placed: IPlaced;
  step: Kfops.IStep;
  count: { done: number; total: number } | null;
  isFolded: boolean;
  /** Whether Tab leads to it; arrows lead on from there. */
  isFocusable: boolean;
  hasRun: boolean;
  selected: boolean;
  onSelect: (stepId: string) => void;
  onFold: (stepId: string) => void;
  trans: TranslationBundle;
}

function GraphNode(props: INodeProps): JSX.Element {
  const { placed, step, count, hasRun, trans } = props;
  const { x, y, width, height, isFrame } = placed;
  const classes = [
    isFrame ? 'kfops-Frame' : 'kfops-Step',
    `kfops-mod-${step.state}`,
    props.selected ? 'kfops-mod-selected' : ''
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
          {middleEllipsis(step.name, count ? 16 : 20)}
        </span>
        {!isFrame && hasRun && (
          <span className="kfops-Step-state">
            <StateIcon state={step.state} trans={trans} withWord />
            <span className="kfops-Row-time">{durationOf(step)}</span>
          </span>
        )}
      </button>
      {count && (
        <button
          type="button"
          className="kfops-Link kfops-Frame-fold"
          data-kfops="graph-fold"
          aria-expanded={!props.isFolded}
          title={props.isFolded ? trans.__('Unfold %1', step.name) : trans.__('Fold %1', step.name)}
          onClick={() => props.onFold(step.id)}
        >
          {hasRun
            ? trans.__('%1 of %2', count.done, count.total)
            : trans._n('%1 step', '%1 steps', count.total, count.total)}{' '}
          <span aria-hidden="true">{props.isFolded ? '▸' : '▾'}</span>
        </button>
      )}
    </div>
  );
}
