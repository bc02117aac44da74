import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useState } from 'react';

import { errorOf } from '../response_error';
import { exactTime, timeAgo } from '../format';
import type { Loaded } from '../models/resource';
import type { Kfops } from '../tokens';
import { useAction } from './hooks';
import { Problem } from './problem';
import { Empty, Name, Skeleton } from './section';

/** The experiments, with a field to make one. */
export function Experiments(props: {
  experiments: Loaded<Kfops.IExperiment[]>;
  onCreate: (name: string) => Promise<unknown>;
  onArchive: (experiment: Kfops.IExperiment) => Promise<unknown>;
  onOpenRuns: (experiment: Kfops.IExperiment) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { experiments, trans } = props;
  const [name, setName] = useState('');
  const { busy, failure, start } = useAction();
  if (experiments.kind === 'loading') {
    return <Skeleton lines={2} label={trans.__('Loading')} />;
  }
  if (experiments.kind === 'failed') {
    return <Problem error={experiments.error} trans={trans} />;
  }
  return (
    <>
      {!experiments.value.length && <Empty>{trans.__('No experiments yet.')}</Empty>}
      <ul className="kfops-List" aria-label={trans.__('Experiments')}>
        {experiments.value.map(experiment => (
          <li
            key={experiment.id}
            className="kfops-Row"
            data-kfops="experiment-row"
            data-experiment={experiment.id}
          >
            <div className="kfops-Row-line">
              <button
                type="button"
                className="kfops-Link kfops-Row-name"
                data-kfops="experiment-runs"
                title={trans.__('Runs of %1', experiment.name)}
                onClick={() => props.onOpenRuns(experiment)}
              >
                <Name text={experiment.name} />
              </button>
              <span className="kfops-Row-time" title={exactTime(experiment.created_at)}>
                {timeAgo(experiment.created_at, trans)}
              </span>
              <button
                type="button"
                className="kfops-Button kfops-mod-small"
                data-kfops="experiment-archive"
                title={trans.__('Its runs are archived with it')}
                disabled={busy}
                onClick={() => start(() => props.onArchive(experiment))}
              >
                {trans.__('Archive…')}
              </button>
            </div>
          </li>
        ))}
      </ul>
      <form
        className="kfops-NewName"
        onSubmit={event => {
          event.preventDefault();
          start(async () => {
            await props.onCreate(name.trim());
            setName('');
          });
        }}
      >
        <input
          className="jp-mod-styled"
          data-kfops="experiment-name"
          value={name}
          placeholder={trans.__('New experiment')}
          aria-label={trans.__('Name of a new experiment')}
          onChange={event => setName(event.target.value)}
        />
        <button
          type="submit"
          className="kfops-Button kfops-mod-small"
          data-kfops="experiment-create"
          disabled={busy || !name.trim()}
        >
          {trans.__('Create')}
        </button>
      </form>
      {Boolean(failure) && <Problem error={errorOf(failure)} trans={trans} />}
    </>
  );
}
