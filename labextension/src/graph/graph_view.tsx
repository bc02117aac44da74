import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useCallback, useMemo, useState } from 'react';

import type { Kfops } from '../tokens';
import { FarGraph } from './far_graph';
import { GraphSearch } from './graph_search';
import { Edges, GraphNode } from './graph_parts';
import { groupCounts } from './groups';
import { layoutGraph, neighbour } from './layout';
import type { ArrowKey } from './layout';
import { usePanZoom } from './pan_zoom';
import { isInSight, partOf, tilesInSight } from './sight';

import '../../style/graph.css';

export interface IGraphViewProps {
  graph: Kfops.IGraph;
  /** Whether the graph is that of a run: a package's steps have no state. */
  hasRun: boolean;
  selected: string;
  onSelect: (stepId: string) => void;
  trans: TranslationBundle;
}

/** A group with more steps than this is folded at first. */
const MOST_UNFOLDED = 30;
/** A graph with more boxes than this is drawn only where it is in sight, and from afar without words. */
const MANY = 150;
/** Below this zoom words cannot be read. */
const FAR = 0.5;

/** The graph, top to bottom. Selecting a step never moves it. */
export default function GraphView(props: IGraphViewProps): JSX.Element {
  const { graph, hasRun, selected, onSelect, trans } = props;
  // states change every second, places only when there are other steps
  const shape = useMemo(() => shapeOf(graph), [graph]);
  const counts = useMemo(() => groupCounts(graph), [graph]);
  const steps = useMemo(() => new Map(graph.steps.map(step => [step.id, step])), [graph]);
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const folded = useMemo(() => {
    const large = Array.from(counts).filter(([, count]) => count.total > MOST_UNFOLDED);
    return new Set(
      graph.steps
        .map(step => step.id)
        .filter(id => large.some(([group]) => group === id) !== toggled.has(id))
    );
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the shape stands for graph and counts
  }, [shape, toggled]);
  const placed = useMemo(
    () => layoutGraph(graph, folded),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the shape stands for the graph
    [shape, folded]
  );
  const { window, place, size, onPointerDown, zoomBy, fitAll, show } = usePanZoom(placed);
  const [found, setFound] = useState<ReadonlySet<string>>(new Set());
  const onFold = useCallback((id: string) => {
    setToggled(old => {
      const next = new Set(old);
      if (!next.delete(id)) {
        next.add(id);
      }
      return next;
    });
  }, []);
  const focusable = placed.nodes.some(node => node.step.id === selected)
    ? selected
    : (placed.nodes[0]?.step.id ?? '');
  const onKeyDown = (event: React.KeyboardEvent) => {
    const next = event.key.startsWith('Arrow')
      ? neighbour(placed, selected, event.key as ArrowKey)
      : null;
    if (next && (event.target as Element).closest('[data-main]')) {
      event.preventDefault();
      onSelect(next);
      showIfOut(next);
      requestAnimationFrame(() => {
        const mains = window.current?.querySelectorAll<HTMLElement>('[data-main]') ?? [];
        Array.from(mains)
          .find(main => main.dataset.main === next)
          ?.focus({ preventScroll: true });
      });
    }
  };
  /** Only who walks out of sight moves the drawing. */
  const showIfOut = (id: string) => {
    const node = placed.nodes.find(one => one.step.id === id);
    if (node && !isInSight(node, place, size)) {
      show(node);
    }
  };
  const isLarge = placed.nodes.length > MANY;
  const isFar = isLarge && place.zoom < FAR;
  const { x, y, width, height } = tilesInSight(place, size);
  const seen = useMemo(
    () => (isLarge && !isFar ? partOf(placed, { x, y, width, height }, focusable) : placed),
    [placed, isLarge, isFar, x, y, width, height, focusable]
  );
  const style = { transform: `translate(${place.x}px, ${place.y}px) scale(${place.zoom})` };
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
        {isFar ? (
          <FarGraph
            placed={placed}
            steps={steps}
            hasRun={hasRun}
            found={found}
            selected={selected}
            onSelect={onSelect}
            trans={trans}
          />
        ) : (
          <>
            <Edges edges={seen.edges} size={placed} steps={steps} />
            {seen.nodes.map(node => {
              const { id } = node.step;
              const count = counts.get(id);
              return (
                <GraphNode
                  key={id}
                  placed={node}
                  step={steps.get(id) ?? node.step}
                  done={count?.done ?? 0}
                  total={count?.total ?? 0}
                  isFolded={folded.has(id)}
                  isFocusable={id === focusable}
                  isFound={found.has(id)}
                  hasRun={hasRun}
                  selected={id === selected}
                  onSelect={onSelect}
                  onFold={onFold}
                  trans={trans}
                />
              );
            })}
          </>
        )}
      </div>
      <GraphSearch
        placed={placed}
        onFound={setFound}
        onShow={node => {
          onSelect(node.step.id);
          show(node);
        }}
        trans={trans}
      />
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
