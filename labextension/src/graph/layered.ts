/**
 * Boxes and arrows placed in layers, from top to bottom, in a time that grows with their number.
 *
 * The four steps of Sugiyama's method: layers by the longest way from a source; points in the layers that an arrow
 * passes; an order in each layer with few crossings, by the middle of the neighbours; and places as near to the
 * neighbours as the order allows.
 */

import { GAP, placeAcross, SWEEPS } from './spread';
import type { INode } from './spread';

export interface IPoint {
  x: number;
  y: number;
}

export interface IBox {
  id: string;
  width: number;
  height: number;
}

export interface IArrow {
  source: string;
  target: string;
}

export interface ILayered {
  /** Top left corners, by id. */
  places: Map<string, IPoint>;
  arrows: (IArrow & { points: IPoint[] })[];
  width: number;
  height: number;
}

/** Places at which arrows pass layers; what goes beyond is drawn straight. */
const MOST_PASSING = 20_000;

/** Place boxes; arrows to themselves, or to boxes that are not there, are left out. */
export function layered(boxes: IBox[], arrows: IArrow[]): ILayered {
  const nodes = new Map<string, INode>();
  for (const { id, width, height } of boxes) {
    nodes.set(id, {
      layer: 0,
      order: 0,
      width,
      height,
      x: 0,
      above: [],
      below: [],
      isBox: true
    });
  }
  const known = arrows.filter(
    ({ source, target }) => source !== target && nodes.has(source) && nodes.has(target)
  );
  const forward = setLayers(boxes, known, nodes);
  const { layers, chains } = fillLayers(boxes, forward, nodes);
  orderLayers(layers);
  placeAcross(layers);
  return draw(boxes, nodes, layers, known, chains);
}

/** Set each box's layer, and return the arrows without those that lead back in a cycle. */
function setLayers(boxes: IBox[], arrows: IArrow[], nodes: Map<string, INode>): IArrow[] {
  const out = new Map<string, IArrow[]>();
  const waiting = new Map<string, number>();
  for (const arrow of arrows) {
    const leaving = out.get(arrow.source);
    if (leaving) {
      leaving.push(arrow);
    } else {
      out.set(arrow.source, [arrow]);
    }
    waiting.set(arrow.target, (waiting.get(arrow.target) ?? 0) + 1);
  }
  const ready = boxes.filter(({ id }) => !waiting.get(id)).map(({ id }) => id);
  const done = new Set<string>();
  const forward: IArrow[] = [];
  const rest = boxes.map(({ id }) => id);
  for (;;) {
    const id = ready.shift() ?? rest.find(one => !done.has(one));
    if (id === undefined) {
      lowerSources(boxes, forward, nodes);
      return forward;
    }
    if (done.has(id)) {
      continue;
    }
    done.add(id);
    const layer = nodes.get(id)!.layer;
    for (const arrow of out.get(id) ?? []) {
      if (done.has(arrow.target)) {
        continue;
      }
      forward.push(arrow);
      const target = nodes.get(arrow.target)!;
      target.layer = Math.max(target.layer, layer + 1);
      const left = waiting.get(arrow.target)! - 1;
      waiting.set(arrow.target, left);
      if (left === 0) {
        ready.push(arrow.target);
      }
    }
  }
}

/** Move what nothing leads to down to what it leads to: its arrows are then short. */
function lowerSources(boxes: IBox[], arrows: IArrow[], nodes: Map<string, INode>): void {
  const targets = new Set(arrows.map(arrow => arrow.target));
  const nearest = new Map<string, number>();
  for (const { source, target } of arrows) {
    nearest.set(source, Math.min(nearest.get(source) ?? Infinity, nodes.get(target)!.layer));
  }
  for (const { id } of boxes) {
    const below = nearest.get(id);
    if (below !== undefined && !targets.has(id)) {
      nodes.get(id)!.layer = below - 1;
    }
  }
}

/** Return the layers, and for each arrow the nodes that it goes through. */
function fillLayers(
  boxes: IBox[],
  arrows: IArrow[],
  nodes: Map<string, INode>
): { layers: INode[][]; chains: Map<string, INode[]> } {
  const layers: INode[][] = [];
  const put = (node: INode) => {
    const layer = (layers[node.layer] ??= []);
    node.order = layer.length;
    layer.push(node);
  };
  boxes.forEach(({ id }) => put(nodes.get(id)!));
  const chains = new Map<string, INode[]>();
  let passed = 0;
  for (const arrow of arrows) {
    const end = nodes.get(arrow.target)!;
    let last = nodes.get(arrow.source)!;
    const chain = [last];
    while (last.layer + 1 < end.layer && passed < MOST_PASSING) {
      passed += 1;
      const passing: INode = {
        layer: last.layer + 1,
        order: 0,
        width: GAP.arrow,
        height: 0,
        x: 0,
        above: [],
        below: [],
        isBox: false
      };
      put(passing);
      link(last, passing);
      chain.push(passing);
      last = passing;
    }
    link(last, end);
    chain.push(end);
    chains.set(`${arrow.source} ${arrow.target}`, chain);
  }
  return { layers: layers.filter(Boolean), chains };
}

function link(upper: INode, lower: INode): void {
  upper.below.push(lower);
  lower.above.push(upper);
}

/** Order each layer by the middle of its nodes' neighbours, down and up again. */
function orderLayers(layers: INode[][]): void {
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const middle = new Map<INode, number>();
      for (const node of layer) {
        const neighbours = down ? node.above : node.below;
        const sum = neighbours.reduce((total, one) => total + position(one, layers), 0);
        middle.set(node, neighbours.length ? sum / neighbours.length : position(node, layers));
      }
      layer.sort((a, b) => middle.get(a)! - middle.get(b)! || a.order - b.order);
      layer.forEach((node, order) => (node.order = order));
    }
  }
}

/** Where a node stands in its layer, from 0 to 1: layers of different lengths are compared. */
function position(node: INode, layers: INode[][]): number {
  return (node.order + 0.5) / layers[node.layer]!.length;
}

function draw(
  boxes: IBox[],
  nodes: Map<string, INode>,
  layers: INode[][],
  arrows: IArrow[],
  chains: Map<string, INode[]>
): ILayered {
  const tops: number[] = [];
  const heights: number[] = [];
  let height = 0;
  let left = Infinity;
  let right = -Infinity;
  for (const layer of layers) {
    const tallest = Math.max(...layer.map(node => node.height));
    tops.push(height);
    heights.push(tallest);
    height += tallest + GAP.below;
    for (const node of layer) {
      left = Math.min(left, node.x - node.width / 2);
      right = Math.max(right, node.x + node.width / 2);
    }
  }
  const places = new Map<string, IPoint>();
  for (const { id } of boxes) {
    const node = nodes.get(id)!;
    places.set(id, {
      x: node.x - node.width / 2 - left,
      // boxes of a layer stand on one line at the top, where arrows arrive
      y: tops[node.layer]!
    });
  }
  const route = ({ source, target }: IArrow): IPoint[] => {
    const chain = chains.get(`${source} ${target}`) ?? [nodes.get(source)!, nodes.get(target)!];
    const points: IPoint[] = [];
    chain.forEach((node, index) => {
      const x = node.x - left;
      const top = tops[node.layer]!;
      if (index === 0) {
        points.push({ x, y: top + node.height }, { x, y: top + heights[node.layer]! + 6 });
      } else if (index === chain.length - 1) {
        points.push({ x, y: top - GAP.below / 2 + 6 }, { x, y: top });
      } else {
        points.push({ x, y: top }, { x, y: top + heights[node.layer]! });
      }
    });
    return points;
  };
  return {
    places,
    arrows: arrows.map(arrow => ({ ...arrow, points: route(arrow) })),
    width: boxes.length ? right - left : 0,
    height: boxes.length ? height - GAP.below : 0
  };
}
