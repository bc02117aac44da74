import type { Kfops } from '../tokens';
import { layered } from './layered';
import type { IPoint } from './layered';

/** A step or a group with its place; `x` and `y` are those of its top left corner. */
export interface IPlaced extends IPoint {
  step: Kfops.IStep;
  width: number;
  height: number;
  /** Whether it is a group that is unfolded: a frame around others. */
  isFrame: boolean;
}

/** An edge with the points that it goes through, so that it leads around the steps between its ends. */
export interface IRoute extends Kfops.IEdge {
  points: IPoint[];
}

export interface ILayout {
  /** Parents before their children. */
  nodes: IPlaced[];
  edges: IRoute[];
  width: number;
  height: number;
}

export const STEP_SIZE = { width: 190, height: 46 };
/** Space in a frame: around what it holds, and above it for the frame's title. */
const PADDING = { side: 14, top: 40, bottom: 14 };

/** Steps by the id of the group that they stand in, in the order of the graph. */
function byParent(graph: Kfops.IGraph): Map<string, Kfops.IStep[]> {
  const children = new Map<string, Kfops.IStep[]>();
  for (const step of graph.steps) {
    const siblings = children.get(step.parent);
    if (siblings) {
      siblings.push(step);
    } else {
      children.set(step.parent, [step]);
    }
  }
  return children;
}

/**
 * Place a graph from top to bottom.
 *
 * Each group is placed on its own and then stands as one box in its parent, so that edges may begin and end at groups.
 *
 * @param folded - ids of the groups that show as a single box
 */
export function layoutGraph(graph: Kfops.IGraph, folded: ReadonlySet<string>): ILayout {
  const children = byParent(graph);
  const parents = new Map(graph.steps.map(step => [step.id, step.parent]));
  const edges = new Map<string, Kfops.IEdge[]>();
  for (const edge of graph.edges) {
    const parent = parents.get(edge.source);
    if (parent !== undefined && parent === parents.get(edge.target)) {
      const level = edges.get(parent);
      if (level) {
        level.push(edge);
      } else {
        edges.set(parent, [edge]);
      }
    }
  }
  return layoutLevel({ children, edges, folded }, '');
}

interface ILevels {
  children: Map<string, Kfops.IStep[]>;
  edges: Map<string, Kfops.IEdge[]>;
  folded: ReadonlySet<string>;
}

function layoutLevel(levels: ILevels, parent: string): ILayout {
  const steps = levels.children.get(parent) ?? [];
  const inner = new Map<string, ILayout>();
  const boxes = steps.map(({ id }) => {
    if (!levels.children.has(id) || levels.folded.has(id)) {
      return { id, ...STEP_SIZE };
    }
    const within = layoutLevel(levels, id);
    inner.set(id, within);
    return {
      id,
      width: Math.max(STEP_SIZE.width, within.width + 2 * PADDING.side),
      height: within.height + PADDING.top + PADDING.bottom
    };
  });
  const { places, arrows, width, height } = layered(boxes, levels.edges.get(parent) ?? []);
  const result: ILayout = { nodes: [], edges: [], width, height };
  steps.forEach((step, index) => {
    const box = boxes[index]!;
    const corner = places.get(step.id)!;
    const within = inner.get(step.id);
    result.nodes.push({
      step,
      ...corner,
      width: box.width,
      height: box.height,
      isFrame: Boolean(within)
    });
    if (within) {
      const offset = { x: corner.x + (box.width - within.width) / 2, y: corner.y + PADDING.top };
      result.nodes.push(...within.nodes.map(node => ({ ...node, ...moved(node, offset) })));
      result.edges.push(
        ...within.edges.map(edge => ({
          ...edge,
          points: edge.points.map(point => moved(point, offset))
        }))
      );
    }
  });
  result.edges.push(...arrows);
  return result;
}

function moved(point: IPoint, by: IPoint): IPoint {
  return { x: point.x + by.x, y: point.y + by.y };
}

/** An SVG path through points, without corners: it bends at the points and is straight half-way between them. */
export function smoothPath(points: IPoint[]): string {
  const [first, ...rest] = points;
  const last = rest.pop();
  if (!first || !last) {
    return '';
  }
  let path = `M${first.x},${first.y}`;
  rest.forEach((point, index) => {
    const next = rest[index + 1];
    const to = next ? { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 } : last;
    path += `Q${point.x},${point.y} ${to.x},${to.y}`;
  });
  return rest.length ? path : `${path}L${last.x},${last.y}`;
}

export type ArrowKey = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight';

/**
 * The step that an arrow key leads to from another; null where there is none.
 *
 * Down and up follow the edges, and lead into a group; where there are none, what stands nearest in that direction.
 */
export function neighbour(placed: ILayout, from: string, key: ArrowKey): string | null {
  const start = placed.nodes.find(node => node.step.id === from);
  if (!start) {
    return placed.nodes[0]?.step.id ?? null;
  }
  const vertical = key === 'ArrowDown' || key === 'ArrowUp';
  const forward = key === 'ArrowDown' || key === 'ArrowRight' ? 1 : -1;
  const within = placed.nodes.filter(node => node.step.parent === from);
  const linked =
    key === 'ArrowDown' && within.length ? within : vertical ? linkedTo(placed, from, forward) : [];
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const node of linked.length ? linked : placed.nodes) {
    const dx = node.x + node.width / 2 - (start.x + start.width / 2);
    // a frame is told by its title, not by its middle
    const dy = node.y - start.y;
    const along = forward * (vertical ? dy : dx);
    const across = Math.abs(vertical ? dx : dy);
    // what stands straight ahead comes before what is near but to the side
    const distance = along + 2 * across;
    if (node !== start && along > 1 && distance < bestDistance) {
      best = node.step.id;
      bestDistance = distance;
    }
  }
  return best;
}

/** The steps at the other ends of a step's edges: of those that leave it (1), or that lead to it (-1). */
function linkedTo(placed: ILayout, from: string, forward: number): IPlaced[] {
  const ids = new Set(
    placed.edges
      .filter(edge => (forward > 0 ? edge.source : edge.target) === from)
      .map(edge => (forward > 0 ? edge.target : edge.source))
  );
  return placed.nodes.filter(node => ids.has(node.step.id));
}
