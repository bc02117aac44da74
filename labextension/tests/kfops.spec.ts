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
function modelOver(runs: Kfops.IRun[]) {
  const asked: Record<string, number> = {};
  const answer =
    <T>(name: string, value: T) =>
    async () => {
      asked[name] = (asked[name] ?? 0) + 1;
      return value;
    };
  const api = {
    status: answer('status', READY),
    runs: answer('runs', { runs, next_page_token: '' }),
    models: answer('models', []),
    pipelines: answer('pipelines', []),
    operations: answer('operations', []),
    changes: new FakeChanges().feed
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
