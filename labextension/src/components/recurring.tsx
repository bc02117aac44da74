import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { errorOf } from '../response_error';
import { exactTime, timeLeft } from '../format';
import type { Loaded } from '../models/resource';
import type { Kfops } from '../tokens';
import { useAction } from './hooks';
import { Problem } from './problem';
import { Empty, Name, Skeleton } from './section';

interface IActions {
  onPause: (recurring: Kfops.IRecurringRun, enabled: boolean) => Promise<unknown>;
  onDelete: (recurring: Kfops.IRecurringRun) => Promise<unknown>;
  onOpenVersion: (versionId: string) => void;
  onOpenRuns: (recurring: Kfops.IRecurringRun) => void;
  trans: TranslationBundle;
}

/** The recurring runs: when each is due next, and a way to pause it. */
export function Recurring(
  props: IActions & { recurring: Loaded<Kfops.IRecurringRun[]> }
): JSX.Element {
  const { recurring, trans } = props;
  if (recurring.kind === 'loading') {
    return <Skeleton lines={2} label={trans.__('Loading')} />;
  }
  if (recurring.kind === 'failed') {
    return <Problem error={recurring.error} trans={trans} />;
  }
  if (!recurring.value.length) {
    return (
      <Empty>{trans.__('Nothing recurs. Open a pipeline version and choose “Schedule…”.')}</Empty>
    );
  }
  return (
    <ul className="kfops-List" aria-label={trans.__('Recurring runs')}>
      {recurring.value.map(one => (
        <Row key={one.id} {...props} one={one} />
      ))}
    </ul>
  );
}

function Row(props: IActions & { one: Kfops.IRecurringRun }): JSX.Element {
  const { one, trans } = props;
  const { busy, failure, start } = useAction();
  const [next] = one.upcoming;
  return (
    <li
      className="kfops-Row"
      data-kfops="recurring-row"
      data-recurring={one.id}
      data-enabled={one.enabled}
    >
      <div className="kfops-Row-line kfops-mod-wrap">
        <Name text={one.name} className="kfops-Row-name" />
        <span className="kfops-Buttons kfops-mod-end">
          <button
            type="button"
            className="kfops-Button kfops-mod-small"
            data-kfops="recurring-pause"
            disabled={busy}
            onClick={() => start(() => props.onPause(one, !one.enabled))}
          >
            {one.enabled ? trans.__('Pause') : trans.__('Resume')}
          </button>
          <button
            type="button"
            className="kfops-Button kfops-mod-small"
            data-kfops="recurring-delete"
            disabled={busy}
            onClick={() => start(() => props.onDelete(one))}
          >
            {trans.__('Delete…')}
          </button>
        </span>
      </div>
      <div className="kfops-Row-more">
        <code title={one.timezone}>{one.schedule || trans.__('once')}</code>
        {one.version_id && (
          <button
            type="button"
            className="kfops-Link"
            title={one.version_id}
            onClick={() => props.onOpenVersion(one.version_id)}
          >
            {[one.pipeline_name, one.version_name].filter(Boolean).join(' · ')}
          </button>
        )}
        <span title={one.upcoming.map(exactTime).join('\n')} data-kfops="recurring-next">
          {one.enabled
            ? next
              ? trans.__('next in %1', timeLeft(next, trans))
              : trans.__('not due again')
            : trans.__('paused')}
        </span>
        <button
          type="button"
          className="kfops-Link"
          data-kfops="recurring-runs"
          title={trans.__('Runs of %1', one.name)}
          onClick={() => props.onOpenRuns(one)}
        >
          {trans.__('Its runs')}
        </button>
      </div>
      {Boolean(failure) && <Problem error={errorOf(failure)} trans={trans} />}
    </li>
  );
}
