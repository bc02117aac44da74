import type { Kfops } from '../tokens';

/** For each group, how many of its steps, at any depth, have ended well, and how many there are. */
export function groupCounts(graph: Kfops.IGraph): Map<string, { done: number; total: number }> {
  const counts = new Map<string, { done: number; total: number }>();
  const steps = new Map(graph.steps.map(step => [step.id, step]));
  for (const step of graph.steps) {
    if (step.kind !== 'step') {
      continue;
    }
    const done = step.state === 'succeeded' || step.state === 'cached' ? 1 : 0;
    for (let group = step.parent; group; group = steps.get(group)?.parent ?? '') {
      const count = counts.get(group) ?? { done: 0, total: 0 };
      counts.set(group, { done: count.done + done, total: count.total + 1 });
    }
  }
  return counts;
}
