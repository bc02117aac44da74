import type { IStateDB } from '@jupyterlab/statedb';

import { KfopsResponseError } from '../src/response_error';
import type { KfopsApi } from '../src/api';
import { OperationsModel } from '../src/models/operations';
import { sourceState } from '../src/models/source_state';
import type { Kfops } from '../src/tokens';
import { operation } from './fakes';

jest.mock('@jupyterlab/services', () => ({ ServerConnection: {} }));

const path = 'churn.ipynb';

class FakeDB {
  saved = new Map<string, unknown>();
  fetch = (key: string) => Promise.resolve(this.saved.get(key));
  save = (key: string, value: unknown) => {
    this.saved.set(key, JSON.parse(JSON.stringify(value)));
    return Promise.resolve();
  };
}

function setUp(answers: Record<string, () => Kfops.IOperation>) {
  const db = new FakeDB();
  const api = {
    operation: jest.fn(async (id: string) => {
      const answer = answers[id];
      if (!answer) {
        const error = { code: 'not_found', message: 'gone', why: '', remedy: '', details: {} };
        throw new KfopsResponseError(error, 404);
      }
      return answer();
    })
  };
  const make = () =>
    new OperationsModel({ api: api as unknown as KfopsApi, stateDB: db as unknown as IStateDB });
  return { db, api, make };
}

function source(signature: string) {
  return { path, signature: () => signature };
}

describe('OperationsModel', () => {
  it('follows an operation until it ends', async () => {
    let looks = 0;
    const { make } = setUp({
      one: () => operation('one', { state: ++looks < 2 ? 'running' : 'succeeded', result: {} })
    });
    const model = make();
    await model.begin(path, 's', () => Promise.resolve(operation('one')));
    expect(sourceState(source('s'), model).running?.id).toBe('one');
    expect((await model.finished('one')).state).toBe('succeeded');
    expect(sourceState(source('s'), model).running).toBeNull();
    model.dispose();
  });

  it('goes on after a reload', async () => {
    const { make } = setUp({
      one: () => operation('one', { state: 'succeeded', result: { name: 'churn' } })
    });
    const before = make();
    await before.begin(path, 's', () => Promise.resolve(operation('one')));
    before.dispose();
    const after = make();
    await after.restore();
    await after.finished('one');
    expect(sourceState(source('s'), after).pkg).toEqual({ name: 'churn' });
    expect(sourceState(source('s'), after).packageOutdated).toBe(false);
    expect(sourceState(source('other'), after).packageOutdated).toBe(true);
    after.dispose();
  });

  it('forgets after a reload what the server no longer knows', async () => {
    const { db, make } = setUp({});
    db.saved.set('kfops-lab:operations', {
      followed: [{ id: 'old', kind: 'compile', subject: path, signature: '' }]
    });
    const model = make();
    const forgotten = new Promise<void>(resolve => model.changed.connect(() => resolve()));
    await model.restore();
    await forgotten;
    expect(model.latest(path, 'compile')).toBeNull();
    model.dispose();
  });

  it('ends what somebody waits for when the server forgets it', async () => {
    const { make } = setUp({});
    const model = make();
    await model.begin(path, 's', () => Promise.resolve(operation('one')));
    const ended = await model.finished('one');
    expect(ended.state).toBe('failed');
    expect(ended.error?.message).toBe('gone');
    model.dispose();
  });
});

describe('sourceState', () => {
  it('keeps the last package beside the error of a later compile', async () => {
    const error = { code: 'compile_error', message: 'no', why: '', remedy: '', details: {} };
    const { make } = setUp({
      good: () => operation('good', { state: 'succeeded', result: { name: 'churn' } }),
      bad: () => operation('bad', { state: 'failed', error })
    });
    const model = make();
    await model.begin(path, 'a', () => Promise.resolve(operation('good')));
    await model.finished('good');
    await model.begin(path, 'b', () => Promise.resolve(operation('bad')));
    await model.finished('bad');
    const state = sourceState(source('b'), model);
    expect(state.error).toEqual(error);
    expect(state.pkg).toEqual({ name: 'churn' });
    expect(state.packageOutdated).toBe(true);
    model.dispose();
  });

  it('shows the images that a build has made ready', async () => {
    const version = (state: string) => ({ id: 'v', images: [{ name: 'trainer', state }] });
    const upload = operation('up', {
      kind: 'upload',
      state: 'succeeded',
      result: version('missing')
    });
    const build = operation('build', {
      kind: 'build',
      subject: 'v',
      state: 'succeeded',
      started_at: '2026-01-01T12:01:00Z',
      result: { images: [], version: version('ready') }
    });
    const { make } = setUp({ up: () => upload, build: () => build });
    const model = make();
    await model.begin(path, 's', () => Promise.resolve(upload));
    expect(sourceState(source('s'), model).version?.images[0]?.state).toBe('missing');
    await model.begin('v', '', () => Promise.resolve(build));
    expect(sourceState(source('s'), model).version?.images[0]?.state).toBe('ready');
    model.dispose();
  });

  it('knows nothing of a source that nothing was done to', () => {
    const model = setUp({}).make();
    expect(sourceState(source('s'), model)).toEqual({
      pkg: null,
      version: null,
      packageOutdated: false,
      versionOutdated: false,
      running: null,
      error: null
    });
    model.dispose();
  });
});
