import type { Kfops } from './tokens';

/** Whose runs a view shows. */
export interface INarrowed {
  query: Kfops.IRunQuery;
  /** What they are of, as people call it; '' when all are shown. */
  of: string;
}

const NAMES = ['version_id', 'experiment_id', 'recurring_run_id'] as const;

/** The part of a view's name that says whose runs it shows, from a command's arguments; '' for all runs. */
export function toNarrowed(args: { [name: string]: unknown }): string {
  const name = NAMES.find(one => args[one]);
  return name
    ? new URLSearchParams({ [name]: String(args[name]), of: String(args.of ?? '') }).toString()
    : '';
}

/** What such a part says; one that says nothing known means all runs. */
export function ofNarrowed(part: string): INarrowed {
  const found = new URLSearchParams(part);
  const name = NAMES.find(one => found.get(one));
  return name
    ? { query: { [name]: found.get(name)! }, of: found.get('of') || found.get(name)! }
    : { query: {}, of: '' };
}
