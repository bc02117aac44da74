import type { KfopsApi } from '../src/api';
import { KfopsResponseError } from '../src/response_error';
import { CellRunModel } from '../src/models/cell_run';
import type { Kfops } from '../src/tokens';
import { FakeChanges, graph, run, step } from './fakes';

jest.useFakeTimers();

const STEPS = graph([step('a', { state: 'running' }), step('b')], [['a', 'b']]);

describe('CellRunModel', () => {
  let answer: () => Promise<Kfops.IRun>;
  let asked: string[];
  let changes: FakeChanges;
  let made: CellRunModel[];

  beforeEach(() => {
    answer = () => Promise.resolve(run({ state: 'running', graph: STEPS }));
    asked = [];
    changes = new FakeChanges();
    made = [];
  });

  afterEach(() => {
    made.forEach(model => model.dispose());
    changes.feed.dispose();
  });

  function create(saved: Partial<Kfops.IRun>, trusted = true, active = () => false): CellRunModel {
    const api = {
      changes: changes.feed,
      run: (id: string) => {
        asked.push(id);
        return answer();
      },
      stepLog: (_: string, id: string) => {
        asked.push(`log ${id}`);
        return Promise.resolve({ text: 'read', next_offset: 4, complete: false });
      }
    } as unknown as KfopsApi;
    const model = new CellRunModel({ api, saved: run(saved), trusted, active });
    made.push(model);
    return model;
  }

  const settle = () => jest.advanceTimersByTimeAsync(0);

  it('follows a run of this notebook that had not ended', async () => {
    const model = create({ state: 'pending' });
    expect(model.isSaved).toBe(true);
    await settle();
    expect(model.isSaved).toBe(false);
    expect(model.run.state).toBe('running');
    expect(model.selected).toBe('a');
  });

  it.each([
    ['that has ended', 'succeeded' as const, true],
    ['of a notebook that is not trusted', 'running' as const, false]
  ])('asks nothing about a run %s, until somebody wants to know', async (_, state, trusted) => {
    const model = create({ state, graph: STEPS }, trusted, () => true);
    model.wake();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual([]);
    expect(changes.asked).toEqual([]);
    expect(model.step?.id).toBe('a');
    expect(model.log).toBeNull();
    model.select('b');
    await settle();
    expect(asked).toEqual(['4f2a']);
    expect(model.isSaved).toBe(false);
    expect(model.selected).toBe('b');
  });

  it('reads the log of a step that is chosen', async () => {
    const model = create({ state: 'succeeded', graph: STEPS }, true, () => true);
    model.select('a');
    await jest.advanceTimersByTimeAsync(2_000);
    expect(asked).toContain('log a');
    expect(model.log?.text).toContain('read');
  });

  it('asks for no log of a step that only the notebook knows', async () => {
    const model = create(
      { state: 'succeeded', graph: graph([step('../x')], []) },
      true,
      () => true
    );
    model.select('../x');
    await jest.advanceTimersByTimeAsync(2_000);
    expect(asked.filter(one => one.startsWith('log ..'))).toEqual([]);
  });

  it('stays with what is saved where the backend does not know the run, and asks no more', async () => {
    const error = { code: 'not_found', message: 'no such run', why: '', remedy: '', details: {} };
    answer = () => Promise.reject(new KfopsResponseError(error, 404));
    const model = create({ state: 'running', name: 'from elsewhere', graph: STEPS });
    await jest.advanceTimersByTimeAsync(120_000);
    expect(model.isUnknown).toBe(true);
    expect(model.run.name).toBe('from elsewhere');
    expect(asked).toHaveLength(1);
  });

  it('goes on asking a server that does not answer', async () => {
    answer = () => Promise.reject(new Error('no answer'));
    const model = create({ state: 'running' });
    await settle();
    expect(model.error?.message).toBe('no answer');
    answer = () => Promise.resolve(run({ state: 'running', graph: STEPS }));
    await jest.advanceTimersByTimeAsync(60_000);
    expect(model.isSaved).toBe(false);
    expect(model.error).toBeNull();
  });

  it('tells once that the run has ended', async () => {
    const model = create({ state: 'running' });
    const ended = jest.fn();
    model.ended.connect((_, last) => ended(last.state));
    await settle();
    expect(ended).not.toHaveBeenCalled();
    answer = () => Promise.resolve(run({ state: 'succeeded', graph: STEPS }));
    await jest.advanceTimersByTimeAsync(60_000);
    expect(ended.mock.calls).toEqual([['succeeded']]);
  });

  it('tells again when a retry has ended', async () => {
    answer = () => Promise.resolve(run({ state: 'failed', graph: STEPS }));
    const model = create({ state: 'failed' }, true, () => true);
    const ended = jest.fn();
    model.ended.connect((_, last) => ended(last.state));
    void model.ask();
    await settle();
    for (const state of ['running', 'succeeded'] as const) {
      answer = () => Promise.resolve(run({ state, graph: STEPS }));
      await jest.advanceTimersByTimeAsync(60_000);
    }
    expect(ended.mock.calls).toEqual([['succeeded']]);
  });

  it('tells of a run that has ended while nobody had its notebook open', async () => {
    answer = () => Promise.resolve(run({ state: 'succeeded', graph: STEPS }));
    const model = create({ state: 'running' });
    const ended = jest.fn();
    model.ended.connect(ended);
    await settle();
    expect(ended).toHaveBeenCalledTimes(1);
  });

  it('changes no notebook that was saved after the run had ended, or that is not trusted', async () => {
    answer = () => Promise.resolve(run({ state: 'succeeded', graph: STEPS }));
    const ended = jest.fn();
    for (const model of [
      create({ state: 'failed' }, true, () => true),
      create({ state: 'running' }, false, () => true)
    ]) {
      model.ended.connect(ended);
      void model.ask();
      await settle();
    }
    expect(asked).toHaveLength(2);
    expect(ended).not.toHaveBeenCalled();
  });

  it('does not tell what the kernel has told', async () => {
    const model = create({ state: 'running' });
    const ended = jest.fn();
    model.ended.connect(ended);
    await settle();
    answer = () => Promise.resolve(run({ state: 'succeeded', graph: STEPS }));
    model.setSaved(run({ state: 'succeeded', graph: STEPS }));
    await jest.advanceTimersByTimeAsync(60_000);
    expect(model.run.state).toBe('succeeded');
    expect(ended).not.toHaveBeenCalled();
  });
});
