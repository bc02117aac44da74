import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { errorOf } from '../response_error';
import { baseName, durationOf, exactTime, shortId } from '../format';
import { isLive } from '../models/kfops';
import { CommandIDs } from '../tokens';
import type { Kfops } from '../tokens';
import { CopyButton } from './copy';
import { useAction } from './hooks';
import { Problem } from './problem';
import { StateIcon } from './states';

/** Executes a command of `CommandIDs`. */
export type Execute = (command: string, args?: Record<string, string>) => Promise<unknown>;

/** What a run is and how it goes, with what can be done about it. */
export function RunHeader(props: {
  run: Kfops.IRun;
  trans: TranslationBundle;
  execute: Execute;
  /** Ask for the run again, after something has been done; null where nothing can be done. */
  refresh: (() => Promise<void>) | null;
  /** Stands after the buttons. */
  more?: JSX.Element;
}): JSX.Element {
  const { run, trans, execute, refresh } = props;
  const { busy, failure, start } = useAction();
  const live = isLive(run);
  const version = run.version_name || (run.version_id && shortId(run.version_id));
  return (
    <div className="kfops-Header" data-kfops="run-header" data-state={run.state}>
      <div className="kfops-Header-line">
        <h2 className="kfops-Ellipsis" title={run.name}>
          {run.name}
        </h2>
        <span aria-live="polite">
          <StateIcon state={run.state} trans={trans} withWord />
        </span>
        <span className="kfops-Header-time" title={exactTime(run.started_at)}>
          {durationOf(run)}
        </span>
        {run.total > 0 && (
          <span className="kfops-Quiet">{trans.__('%1 of %2 steps', run.done, run.total)}</span>
        )}
        <span className="kfops-Buttons kfops-mod-end">
          {refresh && live && (
            <button
              type="button"
              className="kfops-Button"
              data-kfops="stop"
              disabled={busy || run.state === 'stopping'}
              onClick={() =>
                start(async () => {
                  await execute(CommandIDs.stopRun, { run_id: run.id, quiet: 'yes' });
                  await refresh();
                })
              }
            >
              {trans.__('Stop')}
            </button>
          )}
          {refresh && run.state === 'failed' && (
            <button
              type="button"
              className="kfops-Button"
              data-kfops="retry"
              title={trans.__('Go on where it failed; what has succeeded is kept')}
              disabled={busy}
              onClick={() =>
                start(async () => {
                  await execute(CommandIDs.retryRun, { run_id: run.id, quiet: 'yes' });
                  await refresh();
                })
              }
            >
              {trans.__('Retry')}
            </button>
          )}
          {refresh && run.version_id && (
            <button
              type="button"
              className="kfops-Button"
              data-kfops="clone"
              disabled={busy}
              onClick={() =>
                start(() => execute(CommandIDs.cloneRun, { run_id: run.id, quiet: 'yes' }))
              }
            >
              {trans.__('Clone…')}
            </button>
          )}
          {props.more}
        </span>
      </div>
      <div className="kfops-Header-line kfops-Quiet">
        {run.pipeline_name && <span>{trans.__('pipeline %1', run.pipeline_name)}</span>}
        {version && (
          <button
            type="button"
            className="kfops-Link"
            data-kfops="run-version"
            title={run.version_id}
            onClick={() => void execute(CommandIDs.openVersion, { version_id: run.version_id })}
          >
            {version}
          </button>
        )}
        {run.source?.path && (
          <button
            type="button"
            className="kfops-Link"
            data-kfops="run-source"
            title={trans.__('Open %1', run.source.path)}
            onClick={() => void execute(CommandIDs.openSource, { path: run.source?.path ?? '' })}
          >
            {baseName(run.source.path)}
          </button>
        )}
        {run.experiment_name && <span>{trans.__('experiment %1', run.experiment_name)}</span>}
        <span className="kfops-Facts-id">
          {trans.__('run')} <code title={run.id}>{shortId(run.id)}</code>
          <CopyButton text={run.id} label={trans.__('Copy the run id')} trans={trans} />
        </span>
        {run.model && (
          <span className="kfops-Facts-id" data-kfops="run-model">
            {trans.__('model')} <code title={run.model}>{run.model}</code>
            <CopyButton text={run.model} label={trans.__('Copy the location')} trans={trans} />
          </span>
        )}
      </div>
      {run.error && (
        <p className="kfops-Problem-why" role="alert" data-kfops="run-error">
          {run.error}
        </p>
      )}
      {Boolean(failure) && <Problem error={errorOf(failure)} trans={trans} />}
    </div>
  );
}
