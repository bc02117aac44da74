import { Graph, layout } from '@dagrejs/dagre';

import type { Kfops } from '../tokens';

/** A step or a group with its place; `x` and `y` are those of its top left corner within its parent. */
export interface IPlaced {
  step: Kfops.IStep;
  x: number;
  y: number;
  width: number;
  height: number;
  /** Whether it is a group that is unfolded: a frame around others. */
  isFrame: boolean;
}

export interface ILayout {
  /** Parents before their children. */
  nodes: IPlaced[];
  edges: Kfops.IEdge[];
  width: number;
  height: number;
}

export const STEP_SIZE = { width: 190, height: 46 };
/** Space in a frame: around what it holds, and above it for the frame's title. */
const PADDING = { side: 14, top: 40, bottom: 14 };

/** The steps directly within a parent, in the order of the graph. */
export function childrenOf(graph: Kfops.IGraph, parent: string): Kfops.IStep[] {
  return graph.steps.filter(step => step.parent === parent);
}

/** How many of the steps within a group, at any depth, have ended well, and how many there are. */
export function groupCount(graph: Kfops.IGraph, group: string): { done: number; total: number } {
  let done = 0;
  let total = 0;
  for (const step of childrenOf(graph, group)) {
    if (step.kind === 'step') {
      total += 1;
      done += step.state === 'succeeded' || step.state === 'cached' ? 1 : 0;
    } else {
      const inner = groupCount(graph, step.id);
      done += inner.done;
      total += inner.total;
    }
  }
  return { done, total };
}

/**
 * Place a graph from top to bottom.
 *
 * Each group is placed on its own and then stands as one box in its parent, so that edges may begin and end at groups.
 *
 * @param folded - ids of the groups that show as a single box
 */
export function layoutGraph(graph: Kfops.IGraph, folded: ReadonlySet<string>): ILayout {
  const placed = layoutLevel(graph, '', folded);
  const shown = new Set(placed.nodes.map(node => node.step.id));
  return {
    ...placed,
    edges: graph.edges.filter(edge => shown.has(edge.source) && shown.has(edge.target))
  };
}

function layoutLevel(
  graph: Kfops.IGraph,
  parent: string,
  folded: ReadonlySet<string>
): Omit<ILayout, 'edges'> {
  const steps = childrenOf(graph, parent);
  const level = new Graph();
  level.setGraph({ rankdir: 'TB', nodesep: 28, ranksep: 40, marginx: 0, marginy: 0 });
  level.setDefaultEdgeLabel(() => ({}));
  const inner = new Map<string, Omit<ILayout, 'edges'>>();
  for (const step of steps) {
    const within = folded.has(step.id) ? null : layoutLevel(graph, step.id, folded);
    if (within?.nodes.length) {
      inner.set(step.id, within);
      level.setNode(step.id, {
        width: Math.max(STEP_SIZE.width, within.width + 2 * PADDING.side),
        height: within.height + PADDING.top + PADDING.bottom
      });
    } else {
      level.setNode(step.id, { ...STEP_SIZE });
    }
  }
  for (const edge of graph.edges) {
    if (level.hasNode(edge.source) && level.hasNode(edge.target)) {
      level.setEdge(edge.source, edge.target);
    }
  }
  if (steps.length) {
    layout(level);
  }
  const nodes: IPlaced[] = [];
  for (const step of steps) {
    const { x = 0, y = 0, width = 0, height = 0 } = level.node(step.id) as {
      x?: number;
      y?: number;
      width?: number;
      height?: number;
    };
    const within = inner.get(step.id);
    nodes.push({ step, x: x - width / 2, y: y - height / 2, width, height, isFrame: Boolean(within) });
    if (within) {
      const shift = (width - within.width) / 2;
      nodes.push(
        ...within.nodes.map(node =>
          node.step.parent === step.id
            ? { ...node, x: node.x + shift, y: node.y + PADDING.top }
            : node
        )
      );
    }
  }
  const size = level.graph() as { width?: number; height?: number };
  return { nodes, width: size.width ?? 0, height: size.height ?? 0 };
}

/** The step that an arrow key leads to from another, by where they stand; null where there is none. */
export function neighbour(
  placed: ILayout,
  from: string,
  key: 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight'
): string | null {
  const positions = absolutePositions(placed);
  const start = positions.get(from);
  if (!start) {
    return placed.nodes[0]?.step.id ?? null;
  }
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const [id, point] of Array.from(positions)) {
    const dx = point.x - start.x;
    const dy = point.y - start.y;
    const along = key === 'ArrowDown' ? dy : key === 'ArrowUp' ? -dy : key === 'ArrowRight' ? dx : -dx;
    const across = Math.abs(key === 'ArrowDown' || key === 'ArrowUp' ? dx : dy);
    // what stands straight ahead comes before what is near but to the side
    const distance = along + 2 * across;
    if (id !== from && along > 1 && distance < bestDistance) {
      best = id;
      bestDistance = distance;
    }
  }
  return best;
}

function absolutePositions(placed: ILayout): Map<string, { x: number; y: number }> {
  const corners = new Map<string, { x: number; y: number }>();
  const heads = new Map<string, { x: number; y: number }>();
  for (const node of placed.nodes) {
    const parent = corners.get(node.step.parent) ?? { x: 0, y: 0 };
    const corner = { x: parent.x + node.x, y: parent.y + node.y };
    corners.set(node.step.id, corner);
    heads.set(node.step.id, { x: corner.x + node.width / 2, y: corner.y + STEP_SIZE.height / 2 });
  }
  return heads;
}
