import * as apputils from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { stateWord } from './components/states';
import { durationOf } from './format';
import type { Kfops } from './tokens';

/** The part of JupyterLab 4's notifications that is used here; JupyterLab 3 has none. */
interface INotifications {
  emit(
    message: string,
    type: 'success' | 'error' | 'info',
    options: { autoClose: number; actions: { label: string; callback: () => void }[] }
  ): string;
}

/** Tell that a run has ended, where JupyterLab has a place for that; else the panel and the status bar show it. */
export function notifyOfEnd(
  run: Kfops.IRun,
  options: { open: () => void; trans: TranslationBundle }
): void {
  const { Notification: notifications } = apputils as { Notification?: INotifications };
  const { open, trans } = options;
  const type = run.state === 'succeeded' ? 'success' : run.state === 'failed' ? 'error' : 'info';
  const took = durationOf(run);
  const text = [run.name, stateWord(run.state, trans), took, run.error].filter(Boolean).join(' · ');
  notifications?.emit(text, type, {
    autoClose: 8_000,
    actions: [{ label: trans.__('Open'), callback: open }]
  });
}
