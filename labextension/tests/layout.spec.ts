/** @jest-environment node */
import { groupCounts } from '../src/graph/groups';
import { layoutGraph, neighbour, smoothPath } from '../src/graph/layout';
import type { ILayout, IPlaced } from '../src/graph/layout';
import { graph, step } from './fakes';

const diamond = graph(
  [step('prepare'), step('train'), step('check'), step('evaluate')],
  [
    ['prepare', 'train'],
    ['prepare', 'check'],
    ['train', 'evaluate'],
    ['check', 'evaluate']
  ]
);

const loop = graph(
  [
    step('prepare', { state: 'succeeded' }),
    step('loop', { kind: 'loop', state: 'running' }),
    step('item 1', { kind: 'iteration', parent: 'loop' }),
    step('score 1', { parent: 'item 1', state: 'succeeded' }),
    step('item 2', { kind: 'iteration', parent: 'loop' }),
    step('score 2', { parent: 'item 2', state: 'running' }),
    step('report')
  ],
  [
    ['prepare', 'loop'],
    ['loop', 'report']
  ]
);

function at(placed: ILayout, id: string): IPlaced {
  const found = placed.nodes.find(node => node.step.id === id);
  if (!found) {
    throw new Error(`${id} is not in the layout`);
  }
  return found;
}

function isWithin(inner: IPlaced, outer: IPlaced): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

describe('layoutGraph', () => {
  it('lets data flow down', () => {
    const placed = layoutGraph(diamond, new Set());
    expect(at(placed, 'prepare').y).toBeLessThan(at(placed, 'train').y);
    expect(at(placed, 'train').y).toBe(at(placed, 'check').y);
    expect(at(placed, 'check').y).toBeLessThan(at(placed, 'evaluate').y);
    expect(placed.edges).toHaveLength(4);
  });

  it('keeps steps apart', () => {
    const placed = layoutGraph(diamond, new Set());
    const [left, right] = [at(placed, 'train'), at(placed, 'check')].sort((a, b) => a.x - b.x);
    expect(left!.x + left!.width).toBeLessThan(right!.x);
  });

  it('draws groups around what they hold, and edges to and from groups', () => {
    const placed = layoutGraph(loop, new Set());
    expect(at(placed, 'loop').isFrame).toBe(true);
    for (const item of ['1', '2']) {
      expect(isWithin(at(placed, `item ${item}`), at(placed, 'loop'))).toBe(true);
      expect(isWithin(at(placed, `score ${item}`), at(placed, `item ${item}`))).toBe(true);
    }
    const ids = placed.nodes.map(node => node.step.id);
    expect(ids.indexOf('loop')).toBeLessThan(ids.indexOf('item 1'));
    const edge = placed.edges.find(one => one.target === 'loop')!;
    expect(edge.points[edge.points.length - 1]!.y).toBeCloseTo(at(placed, 'loop').y);
  });

  it('shows a folded group as one box', () => {
    const placed = layoutGraph(loop, new Set(['loop']));
    expect(placed.nodes.map(node => node.step.id)).toEqual(['prepare', 'loop', 'report']);
    expect(at(placed, 'loop').isFrame).toBe(false);
    expect(at(placed, 'loop').height).toBe(at(placed, 'prepare').height);
  });

  it('leaves out an edge to a step that is not there', () => {
    const placed = layoutGraph(graph([step('a')], [['a', 'gone']]), new Set());
    expect(placed.edges).toEqual([]);
  });

  it('takes an empty graph', () => {
    expect(layoutGraph(graph([], []), new Set()).nodes).toEqual([]);
  });

  it('draws a chain as one straight line', () => {
    const steps = Array.from({ length: 6 }, (_, index) => step(`s${index}`));
    const edges = steps.slice(1).map((one, index) => [`s${index}`, one.id] as [string, string]);
    const { nodes } = layoutGraph(graph(steps, edges), new Set());
    expect(new Set(nodes.map(node => Math.round(node.x))).size).toBe(1);
  });

  it('leads an arrow around the steps that stand between its ends', () => {
    const placed = layoutGraph(
      graph(
        [step('a'), step('b'), step('c')],
        [
          ['a', 'b'],
          ['b', 'c'],
          ['a', 'c']
        ]
      ),
      new Set()
    );
    const between = at(placed, 'b');
    const long = placed.edges.find(edge => edge.source === 'a' && edge.target === 'c')!;
    const passing = long.points.filter(
      point => point.y >= between.y && point.y <= between.y + between.height
    );
    expect(passing.length).toBeGreaterThan(0);
    for (const { x } of passing) {
      expect(x <= between.x || x >= between.x + between.width).toBe(true);
    }
  });

  it('does not cross arrows that need not cross', () => {
    const steps = ['a', 'b', 'c', 'd', 'e', 'f'].map(id => step(id));
    const placed = layoutGraph(
      graph(steps, [
        ['a', 'f'],
        ['b', 'e'],
        ['c', 'd']
      ]),
      new Set()
    );
    const order = (ids: string[]) =>
      [...ids].sort((one, other) => at(placed, one).x - at(placed, other).x);
    const partner: Record<string, string> = { a: 'f', b: 'e', c: 'd' };
    expect(order(['d', 'e', 'f'])).toEqual(order(['a', 'b', 'c']).map(id => partner[id]));
  });

  it('puts what nothing leads to near to what it leads to', () => {
    const placed = layoutGraph(
      graph(
        [step('a'), step('b'), step('c'), step('late')],
        [
          ['a', 'b'],
          ['b', 'c'],
          ['late', 'c']
        ]
      ),
      new Set()
    );
    expect(at(placed, 'late').y).toBe(at(placed, 'b').y);
  });

  it('places steps that lead back to themselves', () => {
    const placed = layoutGraph(
      graph(
        [step('a'), step('b')],
        [
          ['a', 'b'],
          ['b', 'a'],
          ['a', 'a']
        ]
      ),
      new Set()
    );
    expect(placed.nodes).toHaveLength(2);
    expect(placed.edges).toHaveLength(2);
  });

  it('places a thousand steps, each of them once', () => {
    const steps = Array.from({ length: 1000 }, (_, index) => step(`s${index}`));
    const edges = steps.slice(1).map(one => {
      const index = Number(one.id.slice(1));
      return [`s${Math.floor((index - 1) / 3)}`, one.id] as [string, string];
    });
    const { nodes } = layoutGraph(graph(steps, edges), new Set());
    expect(new Set(nodes.map(node => node.step.id)).size).toBe(1000);
    expect(nodes).toHaveLength(1000);
  });
});

it('counts the steps of groups at any depth', () => {
  const counts = groupCounts(loop);
  expect(counts.get('loop')).toEqual({ done: 1, total: 2 });
  expect(counts.get('item 1')).toEqual({ done: 1, total: 1 });
});

describe('neighbour', () => {
  const placed = layoutGraph(diamond, new Set());

  it('walks along the arrows', () => {
    expect(['train', 'check']).toContain(neighbour(placed, 'prepare', 'ArrowDown'));
    expect(neighbour(placed, 'train', 'ArrowDown')).toBe('evaluate');
    expect(neighbour(placed, 'evaluate', 'ArrowUp')).not.toBeNull();
    expect(neighbour(placed, 'prepare', 'ArrowUp')).toBeNull();
  });

  it('leads into a group, and from its end to what follows it', () => {
    const groups = layoutGraph(loop, new Set());
    expect(neighbour(groups, 'prepare', 'ArrowDown')).toBe('loop');
    expect(neighbour(groups, 'loop', 'ArrowDown')).toMatch(/^item/);
    expect(neighbour(groups, 'score 1', 'ArrowDown')).toBe('report');
    expect(neighbour(groups, 'loop', 'ArrowUp')).toBe('prepare');
  });

  it('walks across', () => {
    const right = at(placed, 'train').x < at(placed, 'check').x ? 'ArrowRight' : 'ArrowLeft';
    expect(neighbour(placed, 'train', right)).toBe('check');
  });

  it('begins at the first step', () => {
    expect(neighbour(placed, '', 'ArrowDown')).toBe('prepare');
  });
});

it('draws a path from the first point to the last', () => {
  const points = [
    { x: 0, y: 0 },
    { x: 5, y: 10 },
    { x: 10, y: 20 }
  ];
  expect(smoothPath(points)).toBe('M0,0Q5,10 10,20');
  expect(smoothPath(points.slice(0, 2))).toBe('M0,0L5,10');
  expect(smoothPath([])).toBe('');
});
