/** The last step of the layered drawing: where the boxes of each layer stand across. */

/** Space between boxes of a layer, between layers, and beside an arrow that passes a layer. */
export const GAP = { side: 28, below: 40, arrow: 16 };
/** Times that all layers are gone through, down or up. */
export const SWEEPS = 8;

/** A box, or the place at which an arrow passes a layer. */
export interface INode {
  layer: number;
  order: number;
  width: number;
  height: number;
  /** The middle. */
  x: number;
  above: INode[];
  below: INode[];
  isBox: boolean;
}

/** Give each node the place across that is nearest to its neighbours', without changing the order. */
export function placeAcross(layers: INode[][]): void {
  for (const layer of layers) {
    spread(
      layer,
      layer.map(() => 0)
    );
  }
  for (let sweep = 0; sweep <= SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const wanted = layer.map(node => {
        const near = down ? node.above : node.below;
        const neighbours = near.length ? near : down ? node.below : node.above;
        return neighbours.length
          ? neighbours.reduce((total, one) => total + one.x, 0) / neighbours.length
          : node.x;
      });
      spread(layer, wanted);
    }
  }
}

/**
 * Place a layer's nodes as near as possible to where they want to be (least squares), in order and apart.
 *
 * Without the distances between them this is isotonic regression, which pooling neighbours that are out of order
 * solves exactly, in linear time.
 */
function spread(layer: INode[], wanted: number[]): void {
  const offsets: number[] = [];
  let offset = 0;
  layer.forEach((node, index) => {
    const before = layer[index - 1];
    if (before) {
      offset +=
        (before.width + node.width) / 2 + (before.isBox || node.isBox ? GAP.side : GAP.arrow);
    }
    offsets.push(offset);
  });
  const pools: { sum: number; count: number }[] = [];
  wanted.forEach((place, index) => {
    let pool = { sum: place - offsets[index]!, count: 1 };
    for (;;) {
      const last = pools[pools.length - 1];
      if (!last || last.sum / last.count <= pool.sum / pool.count) {
        break;
      }
      pools.pop();
      pool = { sum: pool.sum + last.sum, count: pool.count + last.count };
    }
    pools.push(pool);
  });
  let index = 0;
  for (const { sum, count } of pools) {
    for (let end = index + count; index < end; index++) {
      layer[index]!.x = sum / count + offsets[index]!;
    }
  }
}
