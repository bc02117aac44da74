/** What of a large drawing has to be there: what can be seen, and a little around it. */

import type { ILayout } from './layout';
import type { IPlace, ISize } from './pan_zoom';

export interface IBox extends ISize {
  x: number;
  y: number;
}

/** The drawing is brought into the page in squares of this size, so that moving it a little changes nothing. */
const TILE = 300;
/** Around what can be seen. */
const MARGIN = 50;

/** Whether a box of the drawing can be seen. */
export function isInSight(box: IBox, place: IPlace, window: ISize): boolean {
  return overlap(box, seenBox(place, window));
}

/** The tiles of the drawing that can be seen, as one box. */
export function tilesInSight(place: IPlace, window: ISize): IBox {
  const seen = seenBox(place, window);
  const x = Math.floor((seen.x - MARGIN) / TILE) * TILE;
  const y = Math.floor((seen.y - MARGIN) / TILE) * TILE;
  return {
    x,
    y,
    width: Math.ceil((seen.x + seen.width + MARGIN - x) / TILE) * TILE,
    height: Math.ceil((seen.y + seen.height + MARGIN - y) / TILE) * TILE
  };
}

/** The part of a layout that stands in a box, and always the step `kept`. */
export function partOf(placed: ILayout, box: IBox, kept: string): ILayout {
  return {
    ...placed,
    nodes: placed.nodes.filter(node => node.step.id === kept || overlap(node, box)),
    edges: placed.edges.filter(({ points }) => {
      const xs = points.map(point => point.x);
      const ys = points.map(point => point.y);
      const [x, y] = [Math.min(...xs), Math.min(...ys)];
      return overlap({ x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y }, box);
    })
  };
}

function seenBox(place: IPlace, window: ISize): IBox {
  return {
    x: -place.x / place.zoom,
    y: -place.y / place.zoom,
    width: window.width / place.zoom,
    height: window.height / place.zoom
  };
}

function overlap(one: IBox, other: IBox): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}
