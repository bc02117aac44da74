import { barsOf } from '../src/components/timeline';
import { split } from '../src/find';
import { graph, step } from './fakes';

describe('split', () => {
  it('cuts a log at what is looked for, whatever its case', () => {
    expect(split('An error, no ERROR', 'error')).toEqual(['An ', 'error', ', no ', 'ERROR', '']);
  });

  it('loses no letter, also of those whose small form is longer', () => {
    const text = 'İstanbul: error İ';
    expect(split(text, 'ERROR').join('')).toBe(text);
    expect(split(text, 'ERROR')[1]).toBe('error');
  });

  it('cuts nothing when nothing is looked for', () => {
    expect(split('text', '')).toEqual(['text']);
  });

  it('marks a few hundred places and no more', () => {
    const pieces = split('a'.repeat(10_000), 'a');
    expect(pieces.join('')).toHaveLength(10_000);
    expect(pieces.length).toBeLessThan(1100);
  });
});

describe('barsOf', () => {
  const at = (seconds: number) => new Date(seconds * 1000).toISOString();

  it('has the steps that have begun, the first at the top', () => {
    const bars = barsOf(
      graph(
        [
          step('waits'),
          step('second', { state: 'running', started_at: at(20) }),
          step('first', { state: 'succeeded', started_at: at(10), finished_at: at(15) }),
          step('skipped', { state: 'skipped', started_at: at(11), finished_at: at(11) }),
          step('loop', { kind: 'loop', state: 'running', started_at: at(5) })
        ],
        []
      ),
      60_000
    );
    expect(bars.map(bar => [bar.step.id, bar.begin, bar.end])).toEqual([
      ['first', 10_000, 15_000],
      ['second', 20_000, 60_000]
    ]);
  });
});
