import { layoutGraph } from '../src/graph/layout';
import { isInSight, partOf, tilesInSight } from '../src/graph/sight';
import { graph, step } from './fakes';

const window = { width: 900, height: 600 };

/** Six layers of as many steps, each after the one above it. */
const names = Array.from({ length: 36 }, (_, index) => `step ${index}`);
const placed = layoutGraph(
  graph(
    names.map(name => step(name)),
    names.slice(6).map((name, index) => [names[index]!, name])
  ),
  new Set()
);

describe('tilesInSight', () => {
  it('stays as it is while a drawing is moved a little', () => {
    const place = { x: -1000, y: -1000, zoom: 1 };
    expect(tilesInSight({ ...place, x: -1001 }, window)).toEqual(tilesInSight(place, window));
  });
});

describe('partOf', () => {
  it.each([
    { x: 0, y: 0, zoom: 1 },
    { x: -617, y: -203, zoom: 1.3 },
    { x: 340, y: 90, zoom: 0.6 }
  ])('holds every step that can be seen from %o', place => {
    const part = partOf(placed, tilesInSight(place, window), '');
    const seen = placed.nodes.filter(node => {
      const [left, top] = [place.x + node.x * place.zoom, place.y + node.y * place.zoom];
      const [right, bottom] = [left + node.width * place.zoom, top + node.height * place.zoom];
      return left < window.width && right > 0 && top < window.height && bottom > 0;
    });
    expect(seen.length).toBeGreaterThan(0);
    expect(placed.nodes.filter(node => isInSight(node, place, window))).toEqual(seen);
    expect(part.nodes).toEqual(expect.arrayContaining(seen));
  });

  it('holds what is near, the arrows there, and the step that Tab leads to', () => {
    const box = { x: 0, y: 0, width: 100, height: 100 };
    const part = partOf(placed, box, 'step 35');
    expect(part.nodes.map(node => node.step.id)).toEqual(['step 0', 'step 6', 'step 35']);
    expect(part.edges.map(edge => edge.target)).toEqual(['step 6']);
  });
});
