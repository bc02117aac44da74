import { codeOf, digest } from '../src/models/source';

function notebook(...cells: [string, string | string[], unknown?][]) {
  return { cells: cells.map(([cell_type, source, outputs]) => ({ cell_type, source, outputs })) };
}

describe('codeOf', () => {
  it('is the text of a file', () => expect(codeOf('import kfp\n')).toBe('import kfp\n'));

  it('does not change with outputs or notes', () => {
    const before = codeOf(notebook(['code', 'a = 1'], ['markdown', 'note']));
    const after = codeOf(notebook(['code', ['a = ', '1'], ['out']], ['markdown', 'other']));
    expect(after).toBe(before);
  });

  it('changes with the code, and with where its cells end', () => {
    const code = (...cells: string[]) =>
      codeOf(notebook(...cells.map(cell => ['code', cell] as [string, string])));
    expect(code('a = 1')).not.toBe(code('a = 2'));
    expect(code('a', 'b')).not.toBe(code('a\nb'));
  });

  it('takes what is not a notebook', () => expect(codeOf(null)).toBe(''));
});

it('digests differ where texts differ', () => {
  expect(digest('a')).toBe(digest('a'));
  expect(digest('ab')).not.toBe(digest('ba'));
  expect(digest('')).toBe('0-811c9dc5');
});
