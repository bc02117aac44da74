import { layoutGraph } from '../src/graph/layout';
import { groupCounts } from '../src/graph/groups';
import { readSavedRun, savedBundle } from '../src/saved_run';
import { RUN_MIME } from '../src/tokens';
import { run, savedStep, savedRun, step, graph, trans } from './fakes';

const HOSTILE = '<img src=x onerror="alert(1)">';

describe('readSavedRun', () => {
  it('reads what a notebook has saved', () => {
    const found = readSavedRun(savedRun())!;
    expect(found).toMatchObject({
      id: '4f2a',
      name: 'churn',
      state: 'succeeded',
      done: 2,
      total: 2
    });
    expect(found.graph!.steps.map(one => one.id)).toEqual(['a', 'b']);
    expect(found.graph!.edges).toEqual([{ source: 'a', target: 'b' }]);
  });

  it.each([
    ['nothing', undefined],
    ['a text', 'a run'],
    ['a list', []],
    ['another form', { ...savedRun(), form: 2 }],
    ['no run', { form: 1 }],
    ['a state that is not one', savedRun({ state: HOSTILE })],
    ['no id', savedRun({ id: '' })],
    ['an id that is no text', savedRun({ id: { toString: 'x' } })],
    ['an id that leads elsewhere', savedRun({ id: '../../api/kernels' })],
    ['an id that leads up', savedRun({ id: '..' })],
    ['an id with a question', savedRun({ id: 'a?token=1' })]
  ])('takes %s for no run', (_, data) => {
    expect(readSavedRun(data)).toBeNull();
  });

  it('leaves out steps that cannot be, and what leads to them', () => {
    const steps = [
      savedStep('a'),
      savedStep('a', { name: 'again' }),
      savedStep('self', { parent: 'self' }),
      savedStep('x', { parent: 'y' }),
      savedStep('y', { parent: 'x' }),
      savedStep('odd', { kind: 'script' }),
      savedStep('worse', { state: '__proto__' }),
      null,
      'step',
      savedStep('b', { parent: 'a' })
    ];
    const edges = [{ source: 'a', target: 'x' }, { source: 'b', target: 'b' }, null, { source: 1 }];
    const found = readSavedRun(savedRun({ graph: { steps, edges } }))!.graph!;
    expect(found.steps.map(one => one.name)).toEqual(['a', 'b']);
    expect(found.edges).toEqual([]);
    expect(groupCounts(found).get('a')).toEqual({ done: 1, total: 1 });
  });

  it('gives a graph that can be drawn, also of edges in a circle', () => {
    const steps = ['a', 'b', 'c'].map(id => savedStep(id));
    const edges = [
      { source: 'a', target: 'b' },
      { source: 'b', target: 'c' },
      { source: 'c', target: 'a' }
    ];
    const found = readSavedRun(savedRun({ graph: { steps, edges } }))!.graph!;
    expect(layoutGraph(found, new Set()).nodes).toHaveLength(3);
  });

  it('takes no more than can be shown', () => {
    const steps = Array.from({ length: 100_000 }, (_, index) => savedStep(`s${index}`));
    const found = readSavedRun(
      savedRun({ name: 'x'.repeat(1e6), total: Infinity, done: NaN, graph: { steps, edges: [] } })
    )!;
    expect(found.graph!.steps).toHaveLength(1000);
    expect(found.name).toHaveLength(500);
    expect([found.done, found.total]).toEqual([0, 0]);
  });

  it('does not let what went on when it was saved go on', () => {
    const began = '2026-01-01T10:00:00Z';
    const saved = savedRun({ state: 'running', started_at: began, finished_at: '' });
    expect(readSavedRun(saved)!.finished_at).toBe('2026-01-01T12:00:00Z');
  });
});

describe('savedBundle', () => {
  const ended = run({
    name: HOSTILE,
    state: 'failed',
    error: `train: ${HOSTILE}`,
    graph: graph([step('a', { name: HOSTILE, state: 'failed', inputs: { key: 'hush' } })], [])
  });

  it('says the same as data, as HTML and as text', () => {
    const bundle = savedBundle(ended, trans);
    expect(readSavedRun(bundle[RUN_MIME])).toMatchObject({ id: ended.id, state: 'failed' });
    for (const type of ['text/html', 'text/plain']) {
      expect(bundle[type]).toContain('Failed');
      expect(bundle[type]).toContain(ended.id);
    }
    expect(JSON.stringify(bundle)).not.toContain('hush');
  });

  it('has only HTML of its own', () => {
    const page = document.createElement('div');
    page.innerHTML = String(savedBundle(ended, trans)['text/html']);
    const names = new Set(Array.from(page.querySelectorAll('*'), node => node.tagName));
    expect(Array.from(names).sort()).toEqual(['B', 'DIV', 'TABLE', 'TBODY', 'TD', 'TR']);
    expect(page.querySelector('b')!.textContent).toBe(HOSTILE);
  });
});
