import type { KfopsApi } from '../src/api';
import { RunListModel } from '../src/models/run_list';
import type { Kfops } from '../src/tokens';
import { FakeChanges } from './fakes';

jest.mock('@jupyterlab/services', () => ({ ServerConnection: {} }));

const PAGE = 200;

function run(number: number, more: Partial<Kfops.IRun> = {}): Kfops.IRun {
  return { id: `r${number}`, name: `run ${number}`, state: 'succeeded', ...more } as Kfops.IRun;
}

/** A backend with runs, newest first, that hands them out in pages. */
function make(all: Kfops.IRun[]) {
  const backend = { all, asked: [] as [string, Kfops.IRunQuery][] };
  const runs = (token: string, size: number, query: Kfops.IRunQuery = {}) => {
    backend.asked.push([token, query]);
    const from = Number(token || 0);
    const found = backend.all.filter(one => !query.text || one.name.includes(query.text));
    const next = from + size < found.length ? String(from + size) : '';
    return Promise.resolve({ runs: found.slice(from, from + size), next_page_token: next });
  };
  const model = new RunListModel({
    api: { runs, changes: new FakeChanges().feed } as unknown as KfopsApi,
    active: () => true
  });
  return { backend, model };
}

const many = Array.from({ length: 500 }, (_, index) => run(500 - index));

describe('RunListModel', () => {
  it('asks for older runs only when they come into sight', async () => {
    const { backend, model } = make(many);
    await model.refresh();
    expect(model.runs).toHaveLength(PAGE);
    expect(backend.asked).toHaveLength(1);
    await model.loadMore();
    await model.loadMore();
    expect(model.runs.map(one => one.id)).toEqual(many.map(one => one.id));
    expect(model.hasMore).toBe(false);
    model.dispose();
  });

  it('asks once for a page although it is wanted twice', async () => {
    const { backend, model } = make(many);
    await model.refresh();
    await Promise.all([model.loadMore(), model.loadMore()]);
    expect(backend.asked).toHaveLength(2);
    model.dispose();
  });

  it('shows new runs and new states, and keeps the older pages', async () => {
    const { backend, model } = make(many);
    await model.refresh();
    await model.loadMore();
    backend.all = [run(501, { state: 'running' }), ...many];
    await model.refresh();
    expect(model.runs[0]).toMatchObject({ id: 'r501', state: 'running' });
    expect(new Set(model.runs.map(one => one.id)).size).toBe(model.runs.length);
    expect(model.runs.length).toBeGreaterThanOrEqual(2 * PAGE);
    model.dispose();
  });

  it('forgets what an earlier query found, even when its answer comes late', async () => {
    const { model } = make(many);
    const late = model.refresh();
    await model.ask({ text: 'run 77' });
    await late;
    expect(model.runs.map(one => one.name)).toEqual(['run 77']);
    model.dispose();
  });

  it('keeps what it has and says why there is no more', async () => {
    const { model } = make(many);
    await model.refresh();
    (model as unknown as { _options: { api: unknown } })._options.api = {
      runs: () => Promise.reject(new Error('away'))
    };
    await model.loadMore();
    expect(model.runs).toHaveLength(PAGE);
    expect(model.error?.message).toBe('away');
    model.dispose();
  });
});
