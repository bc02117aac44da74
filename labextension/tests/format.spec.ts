import {
  durationOf,
  formatDuration,
  formatSize,
  isoDuration,
  middleEllipsis,
  shortId,
  timeAgo,
  timeLeft
} from '../src/format';
import { trans } from './fakes';

const noon = Date.parse('2026-01-01T12:00:00Z');

describe('formatDuration', () => {
  it.each([
    [0, '0:00'],
    [41.9, '0:41'],
    [130, '2:10'],
    [3730, '1:02:10'],
    [-3, '0:00']
  ])('%d s is %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});

describe('durationOf', () => {
  it('goes on while something runs', () => {
    const run = { state: 'running' as const, started_at: '2026-01-01T11:59:19Z', finished_at: '' };
    expect(durationOf(run, noon)).toBe('0:41');
  });

  it('stays once it has ended', () => {
    const run = {
      state: 'failed' as const,
      started_at: '2026-01-01T11:00:00Z',
      finished_at: '2026-01-01T11:00:10Z'
    };
    expect(durationOf(run, noon)).toBe('0:10');
  });

  it('is empty before the start, and where the end is not known', () => {
    expect(durationOf({ state: 'pending', started_at: '', finished_at: '' }, noon)).toBe('');
    const run = { state: 'stopped' as const, started_at: '2026-01-01T11:00:00Z', finished_at: '' };
    expect(durationOf(run, noon)).toBe('');
  });
});

describe('formatSize', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [7412, '7.4 kB'],
    [999_600, '1.0 MB'],
    [12_345_678, '12 MB']
  ])('%d bytes are %s', (bytes, text) => expect(formatSize(bytes)).toBe(text));
});

describe('texts that are too long', () => {
  it('keep both ends', () => {
    expect(middleEllipsis('churn', 10)).toBe('churn');
    expect(middleEllipsis('abcdefghij', 7)).toBe('abc…hij');
    expect(middleEllipsis('abcdefghij', 7)).toHaveLength(7);
  });

  it('are eight characters of an id', () => expect(shortId('7a1d30c2-5a3e')).toBe('7a1d30c2'));
});

describe('relative times', () => {
  it.each([
    ['2026-01-01T11:59:30Z', 'just now'],
    ['2026-01-01T11:55:00Z', '5 min ago'],
    ['2026-01-01T09:00:00Z', '3 h ago'],
    ['2025-12-29T12:00:00Z', '3 d ago'],
    ['2026-01-01T12:00:05Z', 'just now'],
    ['', '']
  ])('%s is %s', (time, text) => expect(timeAgo(time, trans, noon)).toBe(text));

  it('tell what is left of a token', () => {
    expect(timeLeft('2026-01-01T13:12:30Z', trans, noon)).toBe('1 h 12 min');
    expect(timeLeft('2026-01-01T11:00:00Z', trans, noon)).toBe('0 min');
    expect(timeLeft('', trans, noon)).toBe('');
  });
});

describe('isoDuration', () => {
  it.each([
    ['P1D', '1 day'],
    ['P2WT12H', '2 weeks 12 hours'],
    ['PT1M30S', '1 minute 30 seconds'],
    ['P0D', 'P0D'],
    ['whenever', 'whenever']
  ])('%s is %s', (text, words) => expect(isoDuration(text, trans)).toBe(words));
});
