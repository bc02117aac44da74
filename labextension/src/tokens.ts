import type * as Kfops from './words';

export { CommandIDs } from './command_ids';
export type { Kfops };

/** States in which nothing changes any more. */
export const FINAL_STATES: ReadonlySet<Kfops.State> = new Set<Kfops.State>([
  'succeeded',
  'failed',
  'stopped',
  'skipped',
  'omitted',
  'cached'
]);

/** The id of the main plugin, which is also that of its settings. */
export const PLUGIN_ID = 'kfops-lab:plugin';

/** The domain of every visible text. */
export const TEXT_DOMAIN = 'kfops_lab';

/** What `kfops_lab` calls a run in a cell's output. */
export const RUN_MIME = 'application/vnd.kfops.run+json';
