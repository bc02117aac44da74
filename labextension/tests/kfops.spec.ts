import { Signal } from '@lumino/signaling';

import type { KfopsApi } from '../src/api';
import { KfopsModel } from '../src/models/kfops';
import type { SourceModel } from '../src/models/source';
import type { Kfops } from '../src/tokens';
import { FakeChanges } from './fakes';

const READY = {
  server: { version: '1' },
  environment: { state: 'ready' },
  connection: { kind: 'embedded', error: null }
} as unknown as Kfops.IStatus;

function run(id: string, version_id: string, state: Kfops.State): Kfops.IRun {
  return { id, version_id, state } as Kfops.IRun;
}

/** A model over a backend that has what `runs` holds, and counts what it is asked for. */
function modelOver(runs: Kfops.IRun[], used: { connection: object } = READY as never) {
  const asked: Record<string, number> = {};
  const answer =
    <T>(name: string, value: T) =>
    async () => {
      asked[name] = (asked[name] ?? 0) + 1;
      return value;
    };
  const changes = new FakeChanges().feed;
  const api = {
    status: async () => ({ ...READY, ...used }),
    useBackend: async () => undefined,
    runs: answer('runs', { runs, next_page_token: '' }),
    models: answer('models', []),
    pipelines: answer('pipelines', []),
    operations: answer('operations', []),
    changes
  } as unknown as KfopsApi;
  const changed = new Signal<object, void>({});
  const source = { current: null, changed, dispose: () => undefined } as unknown as SourceModel;
  const model = new KfopsModel({ api, source, stateDB: null, idleInterval: () => 60_000 });
  return { model, asked };
}

const settled = () => new Promise(resolve => setTimeout(resolve, 250));

describe('KfopsModel', () => {
  it('asks for nothing while nobody looks', async () => {
    const { model, asked } = modelOver([]);
    await settled();
    expect(asked).toEqual({});
    model.dispose();
  });

  it('looks for pipelines when a run tells of a version that it has not seen', async () => {
    const runs = [run('1', 'v1', 'succeeded')];
    const { model, asked } = modelOver(runs);
    model.isWatched = true;
    await settled();
    const before = asked.pipelines;
    await model.runs.refresh();
    await settled();
    expect(asked.pipelines).toBe(before);
    runs.unshift(run('2', 'v2', 'running'));
    await model.runs.refresh();
    await settled();
    expect(asked.pipelines).toBe(before + 1);
    model.dispose();
  });

  it('asks for everything anew, and shows nothing of before, when another backend is used', async () => {
    const runs = [run('1', 'v1', 'running')];
    const used = { connection: { kind: 'embedded', host: 'http://a', error: null } };
    const { model, asked } = modelOver(runs, used);
    model.isWatched = true;
    await settled();
    const seen: (string | undefined)[] = [];
    model.changed.connect(() => seen.push(model.runs.value?.[0]?.id ?? model.state.kind));
    used.connection = { kind: 'cluster', host: 'http://b', error: null };
    runs[0] = run('2', 'v1', 'running');
    const before = asked.models;
    await model.useBackend('cluster');
    await settled();
    expect(asked.models).toBe(before + 1);
    expect(seen).toContain('loading');
    expect(seen.indexOf('2')).toBeGreaterThan(seen.lastIndexOf('1'));
    expect(model.liveRuns.map(live => live.id)).toEqual(['2']);
    model.dispose();
  });

  it('tells of a run that has ended in a backend while another was used', async () => {
    const runs = [run('1', 'v1', 'running')];
    const used = { connection: { kind: 'embedded', host: 'http://a', error: null } };
    const { model } = modelOver(runs, used);
    const ended: string[] = [];
    model.runEnded.connect((_, one) => ended.push(one.id));
    model.isWatched = true;
    await settled();
    const [first] = runs.splice(0);
    used.connection = { kind: 'cluster', host: 'http://b', error: null };
    await model.useBackend('cluster');
    await settled();
    expect(ended).toEqual([]);
    runs.push({ ...first, state: 'succeeded' } as Kfops.IRun);
    used.connection = { kind: 'embedded', host: 'http://c', error: null };
    await model.useBackend('embedded');
    await settled();
    expect(ended).toEqual(['1']);
    model.dispose();
  });

  it('keeps what it shows when the embedded backend is started anew at another address', async () => {
    const used = { connection: { kind: 'embedded', host: 'http://a', error: null } };
    const { model } = modelOver([run('1', 'v1', 'succeeded')], used);
    model.isWatched = true;
    await settled();
    const kinds = new Set<string>();
    model.changed.connect(() => kinds.add(model.runs.state.kind));
    used.connection = { kind: 'embedded', host: 'http://b', error: null };
    await model.status.refresh();
    await settled();
    expect(Array.from(kinds)).toEqual(['ready']);
    model.dispose();
  });

  it('looks for models when a run has ended', async () => {
    const runs = [run('1', 'v1', 'running')];
    const { model, asked } = modelOver(runs);
    model.isWatched = true;
    await settled();
    const before = asked.models;
    runs[0] = run('1', 'v1', 'succeeded');
    await model.runs.refresh();
    await settled();
    expect(asked.models).toBe(before + 1);
    model.dispose();
  });
});
