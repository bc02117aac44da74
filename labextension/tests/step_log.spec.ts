import type { KfopsApi } from '../src/api';
import { StepLogModel } from '../src/models/step_log';

jest.mock('@jupyterlab/services', () => ({ ServerConnection: {} }));

function make(stepLog: jest.Mock) {
  return new StepLogModel({
    api: { stepLog } as unknown as KfopsApi,
    runId: 'r',
    stepId: 's',
    active: () => true
  });
}

function untilComplete(log: StepLogModel): Promise<void> {
  return new Promise(resolve => {
    log.changed.connect(() => log.isComplete && resolve());
  });
}

describe('StepLogModel', () => {
  it('reads on from where it was, and stops at the end', async () => {
    const text = 'epoch 1\nepoch 2\n';
    const stepLog = jest.fn((_run: string, _step: string, offset: number) => {
      const next_offset = Math.min(text.length, offset + 8);
      const complete = next_offset === text.length;
      return Promise.resolve({ text: text.slice(offset, next_offset), next_offset, complete });
    });
    const log = make(stepLog);
    const complete = untilComplete(log);
    log.follow('running');
    await complete;
    expect(log.text).toBe(text);
    expect(stepLog.mock.calls.map(call => call[2])).toEqual([0, 8]);
    log.dispose();
  });

  it('asks for no log of a step that has not begun', () => {
    const stepLog = jest.fn();
    const log = make(stepLog);
    log.follow('pending');
    log.follow('skipped');
    expect(stepLog).not.toHaveBeenCalled();
    log.dispose();
  });

  it('tells why a log cannot be read', async () => {
    const log = make(jest.fn(() => Promise.reject(new Error('no'))));
    const failed = new Promise<void>(resolve => log.changed.connect(() => resolve()));
    log.follow('running');
    await failed;
    expect(log.error?.message).toBe('no');
    log.dispose();
  });
});
