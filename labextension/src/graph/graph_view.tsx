import type { TranslationBundle } from '@jupyterlab/translation';
import { Background, Controls, Handle, MarkerType, Position, ReactFlow } from '@xyflow/react';
import type { Edge, Node, NodeProps } from '@xyflow/react';
import * as React from 'react';
import { useMemo, useState } from 'react';

import { StateIcon, stateWord } from '../components/states';
import { durationOf, middleEllipsis } from '../format';
import type { Kfops } from '../tokens';
import { groupCount, layoutGraph, neighbour } from './layout';
import type { IPlaced } from './layout';

import '@xyflow/react/dist/base.css';
import '../../style/graph.css';

interface INodeData extends Record<string, unknown> {
  placed: IPlaced;
  count: { done: number; total: number };
  hasRun: boolean;
  trans: TranslationBundle;
  onFold: (id: string) => void;
}

export interface IGraphViewProps {
  graph: Kfops.IGraph;
  /** Whether the graph is that of a run: a package's steps have no state. */
  hasRun: boolean;
  selected: string;
  onSelect: (stepId: string) => void;
  trans: TranslationBundle;
}

const NODE_TYPES = { step: StepNode, frame: FrameNode };

/** The graph, top to bottom. Selecting a step never moves it. */
export default function GraphView(props: IGraphViewProps): JSX.Element {
  const { graph, hasRun, selected, onSelect, trans } = props;
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  // states change every second, places only when there are other steps
  const shape = useMemo(() => shapeOf(graph), [graph]);
  const placed = useMemo(
    () => layoutGraph(graph, folded),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the shape stands for the graph
    [shape, folded]
  );
  const byId = new Map(graph.steps.map(step => [step.id, step]));
  const onFold = (id: string) => {
    const next = new Set(folded);
    if (!next.delete(id)) {
      next.add(id);
    }
    setFolded(next);
  };
  const nodes: Node<INodeData>[] = placed.nodes.map(node => {
    const step = byId.get(node.step.id) ?? node.step;
    return {
      id: step.id,
      type: node.isFrame ? 'frame' : 'step',
      position: { x: node.x, y: node.y },
      width: node.width,
      height: node.height,
      ...(step.parent && { parentId: step.parent }),
      selected: step.id === selected,
      ariaLabel: hasRun ? `${step.name}, ${stateWord(step.state, trans)}` : step.name,
      data: {
        placed: { ...node, step },
        count: groupCount(graph, step.id),
        hasRun,
        trans,
        onFold
      }
    };
  });
  const edges: Edge[] = placed.edges.map(edge => ({
    id: `${edge.source} ${edge.target}`,
    source: edge.source,
    target: edge.target,
    focusable: false,
    markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16 },
    className: byId.get(edge.target)?.state === 'running' ? 'kfops-mod-running' : ''
  }));
  const onKeyDown = (event: React.KeyboardEvent) => {
    const { key } = event;
    if (key === 'ArrowUp' || key === 'ArrowDown' || key === 'ArrowLeft' || key === 'ArrowRight') {
      const next = neighbour(placed, selected, key);
      if (next) {
        event.preventDefault();
        event.stopPropagation();
        onSelect(next);
        const nodes = event.currentTarget.querySelectorAll<HTMLElement>('.react-flow__node');
        Array.from(nodes)
          .find(node => node.dataset.id === next)
          ?.focus({ preventScroll: true });
      }
    }
  };
  return (
    <div className="kfops-Graph" data-kfops="graph" onKeyDownCapture={onKeyDown}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        onNodeClick={(_, node) => onSelect(node.id)}
        onSelectionChange={({ nodes: [node] }) => {
          if (node && node.id !== selected) {
            onSelect(node.id);
          }
        }}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        elevateNodesOnSelect={false}
        deleteKeyCode={null}
        selectionKeyCode={null}
        multiSelectionKeyCode={null}
        autoPanOnNodeFocus={false}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.1 }}
        minZoom={0.1}
        maxZoom={2}
        proOptions={{ hideAttribution: true }}
        aria-label={trans.__('Graph of the pipeline')}
      >
        <Background gap={20} />
        <Controls showInteractive={false} aria-label={trans.__('Zoom')} />
      </ReactFlow>
    </div>
  );
}

function shapeOf(graph: Kfops.IGraph): string {
  return JSON.stringify([
    graph.steps.map(step => [step.id, step.parent]),
    graph.edges.map(edge => [edge.source, edge.target])
  ]);
}

function StepNode(props: NodeProps<Node<INodeData>>): JSX.Element {
  const { placed, hasRun, trans, count, onFold } = props.data;
  const { step } = placed;
  const isGroup = step.kind !== 'step' && count.total > 0;
  return (
    <div
      className={`kfops-Step kfops-mod-${step.state} ${props.selected ? 'kfops-mod-selected' : ''}`}
      data-kfops="graph-step"
      data-step={step.id}
      data-state={step.state}
      title={[step.name, step.message].filter(Boolean).join('\n')}
    >
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <div className="kfops-Step-name">
        {middleEllipsis(step.name, 26)}
        {isGroup && <FoldButton {...{ step, count, trans, onFold }} folded />}
      </div>
      {hasRun && (
        <div className="kfops-Step-state">
          <StateIcon state={step.state} trans={trans} withWord />
          <span className="kfops-Row-time">{durationOf(step)}</span>
        </div>
      )}
      {!hasRun && step.when && <div className="kfops-Step-state kfops-Ellipsis">{step.when}</div>}
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </div>
  );
}

function FrameNode(props: NodeProps<Node<INodeData>>): JSX.Element {
  const { placed, trans, count, onFold, hasRun } = props.data;
  const { step } = placed;
  return (
    <div
      className={`kfops-Frame kfops-mod-${step.state} ${props.selected ? 'kfops-mod-selected' : ''}`}
      data-kfops="graph-group"
      data-step={step.id}
      title={step.when || step.name}
    >
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <div className="kfops-Frame-head">
        {hasRun && <StateIcon state={step.state} trans={trans} />}
        <span className="kfops-Ellipsis">{middleEllipsis(step.name, 30)}</span>
        <FoldButton {...{ step, count, trans, onFold }} folded={false} />
      </div>
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </div>
  );
}

function FoldButton(props: {
  step: Kfops.IStep;
  count: { done: number; total: number };
  folded: boolean;
  trans: TranslationBundle;
  onFold: (id: string) => void;
}): JSX.Element {
  const { step, count, folded, trans } = props;
  return (
    <button
      type="button"
      className="kfops-Link kfops-Frame-fold nodrag"
      aria-expanded={!folded}
      title={folded ? trans.__('Unfold %1', step.name) : trans.__('Fold %1', step.name)}
      onClick={event => {
        event.stopPropagation();
        props.onFold(step.id);
      }}
    >
      {trans.__('%1 of %2', count.done, count.total)} {folded ? '▸' : '▾'}
    </button>
  );
}
