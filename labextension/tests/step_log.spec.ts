import type { KfopsApi } from '../src/api';
import { StepLogModel } from '../src/models/step_log';
import { FakeChanges } from './fakes';

jest.mock('@jupyterlab/services', () => ({ ServerConnection: {} }));

interface IPart {
  offset?: number;
  limit?: number;
}

/** A log in the backend, read as the server gives it: its end first. */
class Written {
  text = '';
  isOver = false;
  end = 1_000_000;

  read = jest.fn((_run: string, _step: string, part: IPart) => {
    const length = part.limit ?? this.end;
    const offset = part.offset ?? Math.max(0, this.text.length - length);
    const text = this.text.slice(offset, offset + length);
    const next_offset = offset + text.length;
    const complete = this.isOver && next_offset === this.text.length;
    return Promise.resolve({ text, offset, next_offset, complete });
  });

  get asked(): IPart[] {
    return this.read.mock.calls.map(call => call[2]);
  }
}

function make(stepLog: jest.Mock, changes = new FakeChanges(), active = () => true) {
  const api = { stepLog, changes: changes.feed } as unknown as KfopsApi;
  return new StepLogModel({ api, runId: 'r', stepId: 's', active });
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

async function pass(milliseconds = 0): Promise<void> {
  await jest.advanceTimersByTimeAsync(milliseconds);
}

describe('StepLogModel', () => {
  it('reads on when it is told that the log has grown, and not before', async () => {
    const changes = new FakeChanges();
    const written = new Written();
    written.text = 'epoch 1\n';
    const log = make(written.read, changes);
    log.follow('running');
    await pass();
    expect(changes.asked.slice(-1)).toEqual([{ 'r/s': 0 }]);
    await changes.tell({ log: { 'r/s': 5 } });
    await pass();
    const before = written.asked.length;
    await pass(20_000);
    expect(written.asked).toHaveLength(before);
    written.text += 'epoch 2\n';
    await changes.tell({ log: { 'r/s': 6 } });
    await pass();
    expect(log.text).toBe('epoch 1\nepoch 2\n');
    expect(written.asked.slice(before)).toEqual([{ offset: 8 }]);
    log.dispose();
  });

  it('asks again and again where nobody tells, and stops at the end', async () => {
    const written = new Written();
    written.text = 'epoch 1\n';
    const log = make(written.read);
    log.follow('running');
    await pass(1_500);
    written.text += 'epoch 2\n';
    await pass(2_500);
    expect(log.text).toBe(written.text);
    written.isOver = true;
    log.follow('succeeded');
    await pass();
    expect(log.isComplete).toBe(true);
    const before = written.asked.length;
    await pass(60_000);
    expect(written.asked).toHaveLength(before);
    log.dispose();
  });

  it('does not follow the log of a step that has ended', async () => {
    const changes = new FakeChanges();
    const written = new Written();
    Object.assign(written, { text: 'done\n', isOver: true });
    const log = make(written.read, changes);
    log.follow('failed');
    await pass(5_000);
    expect(written.asked).toEqual([{}]);
    expect(changes.asked).toEqual([]);
    log.dispose();
  });

  it('begins with the end of a long log, and shows what is earlier when that is wanted', async () => {
    const written = new Written();
    Object.assign(written, { text: '0123456789'.repeat(10), isOver: true, end: 30 });
    const log = make(written.read);
    log.follow('succeeded');
    await pass();
    expect(log.start).toBe(70);
    expect(log.text).toHaveLength(30);
    await log.loadEarlier();
    expect(log.start).toBe(0);
    expect(log.text).toBe(written.text);
    log.dispose();
  });

  it('leaves out what was added faster than anybody reads', async () => {
    const written = new Written();
    written.end = 256 * 1024;
    written.text = 'first\n';
    const log = make(written.read);
    log.follow('running');
    await pass();
    written.text += 'x'.repeat(10_000_000);
    await pass(1_100);
    expect(written.asked).toEqual([{}, { offset: 6 }, {}]);
    expect(log.text).toHaveLength(256 * 1024);
    expect(log.start).toBe(written.text.length - 256 * 1024);
    log.dispose();
  });

  it('reads anew when the step is tried again', async () => {
    const written = new Written();
    Object.assign(written, { text: 'it failed\n', isOver: true });
    const log = make(written.read);
    log.follow('failed');
    await pass();
    Object.assign(written, { text: 'again\n', isOver: false });
    log.follow('pending');
    log.follow('running');
    await pass(2_000);
    expect(log.text).toBe('again\n');
    expect(log.isComplete).toBe(false);
    log.dispose();
  });

  it('asks for no log of a step that has not begun', async () => {
    const stepLog = jest.fn();
    const log = make(stepLog);
    log.follow('pending');
    log.follow('skipped');
    await pass(5_000);
    expect(stepLog).not.toHaveBeenCalled();
    log.dispose();
  });

  it('asks for nothing while nobody looks', async () => {
    const changes = new FakeChanges();
    const stepLog = jest.fn();
    const log = make(stepLog, changes, () => false);
    log.follow('running');
    await pass(30_000);
    expect(changes.asked).toEqual([]);
    expect(stepLog.mock.calls.length).toBeLessThan(2);
    log.dispose();
  });

  it('tells why a log cannot be read', async () => {
    const log = make(jest.fn(() => Promise.reject(new Error('no'))));
    log.follow('running');
    await pass();
    expect(log.error?.message).toBe('no');
    log.dispose();
  });
});
