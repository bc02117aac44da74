import { Resource } from '../src/models/resource';

jest.mock('@jupyterlab/services', () => ({ ServerConnection: {} }));

function make(load: () => Promise<number>, active = () => true) {
  return new Resource({ name: 'test', load, interval: () => 60_000, active });
}

describe('Resource', () => {
  it('asks for nothing before it is told to', () => {
    const load = jest.fn(() => Promise.resolve(1));
    const resource = make(load);
    expect(resource.state).toEqual({ kind: 'loading' });
    expect(load).not.toHaveBeenCalled();
    resource.dispose();
  });

  it('has the value once it has been loaded, and says so', async () => {
    const resource = make(() => Promise.resolve(7));
    const changed = jest.fn();
    resource.changed.connect(changed);
    await resource.refresh();
    expect(resource.value).toBe(7);
    expect(changed).toHaveBeenCalled();
    resource.dispose();
  });

  it('asks for nothing while nobody looks', async () => {
    const load = jest.fn(() => Promise.resolve(1));
    const resource = make(load, () => false);
    await resource.refresh();
    expect(load).not.toHaveBeenCalled();
    resource.dispose();
  });

  it('has the reason where there never was a value', async () => {
    const resource = make(() => Promise.reject(new Error('no')));
    await resource.refresh();
    expect(resource.state).toMatchObject({ kind: 'failed', error: { message: 'no' } });
    resource.dispose();
  });

  it('keeps the last value, as stale, when a later look fails', async () => {
    const answers = [() => Promise.resolve(7), () => Promise.reject(new Error('no'))];
    const resource = make(() => answers.shift()!());
    await resource.refresh();
    await resource.refresh();
    expect(resource.state).toMatchObject({ kind: 'ready', value: 7, stale: { message: 'no' } });
    resource.dispose();
  });
});
