import { ofNarrowed, toNarrowed } from '../src/narrowed';

describe('whose runs a view shows', () => {
  it('goes through the name of the view, whatever people call it', () => {
    const of = 'nightly: a&b=c %1';
    expect(ofNarrowed(toNarrowed({ recurring_run_id: 'j1', of }))).toEqual({
      query: { recurring_run_id: 'j1' },
      of
    });
  });

  it('is all of them unless something is named', () => {
    expect(toNarrowed({ of: 'nobody' })).toBe('');
    expect(ofNarrowed('')).toEqual({ query: {}, of: '' });
    expect(ofNarrowed('something=else')).toEqual({ query: {}, of: '' });
  });

  it('is called by its id where its name is not known', () => {
    expect(ofNarrowed(toNarrowed({ version_id: 'v1' })).of).toBe('v1');
  });
});
