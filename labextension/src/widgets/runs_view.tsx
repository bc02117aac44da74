import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import * as React from 'react';
import { useCallback, useEffect, useState } from 'react';

import { errorOf } from '../response_error';
import type { KfopsApi } from '../api';
import { useAction, useChanges } from '../components/hooks';
import { Problem } from '../components/problem';
import { RunFilters } from '../components/run_filters';
import { RunTable } from '../components/run_table';
import { Empty, Skeleton } from '../components/section';
import { isLive } from '../models/kfops';
import { RunListModel } from '../models/run_list';
import type { INarrowed } from '../narrowed';
import { CommandIDs } from '../tokens';
import type { Kfops } from '../tokens';

/** More runs do not fit side by side. */
const MOST_COMPARED = 10;

/** Runs in the main area, all or those of one thing: narrowed down, sorted, compared, put away. */
export class RunsView extends ReactWidget {
  constructor(options: RunsView.IOptions) {
    super();
    this._options = options;
    const { api, narrowed, trans } = options;
    this._model = new RunListModel({ api, active: () => this.isVisible, query: narrowed.query });
    options.api.changes.switched.connect(this._onSwitched, this);
    this.addClass('kfops-RunsView');
    this.node.dataset.kfops = 'runs-view';
    this.title.label = narrowed.of ? trans.__('Runs of %1', narrowed.of) : trans.__('Runs');
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._options.api.changes.switched.disconnect(this._onSwitched, this);
      this._model.dispose();
    }
    super.dispose();
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    void this._model.refresh();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    void this._model.refresh();
  }

  protected override render(): JSX.Element {
    return <Content {...this._options} model={this._model} />;
  }

  /** Another backend has other runs. */
  private _onSwitched(): void {
    void this._model.ask(this._model.query);
  }

  private _options: RunsView.IOptions;
  private _model: RunListModel;
}

export namespace RunsView {
  export interface IOptions {
    api: KfopsApi;
    /** Whose runs are shown. */
    narrowed: INarrowed;
    trans: TranslationBundle;
    execute: (command: string, args?: Record<string, string>) => Promise<unknown>;
  }
}

function Content(props: RunsView.IOptions & { model: RunListModel }): JSX.Element {
  const { api, model, narrowed, trans, execute } = props;
  useChanges(model.changed);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { pipelines, experiments } = useNames(api);
  const { busy, failure, start } = useAction();
  const onEnd = useCallback(() => void model.loadMore(), [model]);
  const ask = useCallback(
    (query: Kfops.IRunQuery) => {
      setChosen(new Set());
      void model.ask(query);
    },
    [model]
  );
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) {
      next.add(id);
    }
    setChosen(next);
  };
  const { query } = model;
  const runs = model.runs.filter(run => chosen.has(run.id));
  const each = (action: (run: Kfops.IRun) => Promise<unknown>) =>
    start(async () => {
      try {
        for (const run of runs) {
          await action(run);
        }
        setChosen(new Set());
      } finally {
        await model.refresh();
      }
    });
  const remove = async () => {
    const title = trans._n('Delete %1 run?', 'Delete %1 runs?', runs.length, runs.length);
    const body = trans.__('Their logs and artifacts go with them; models stay.');
    const buttons = [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: trans.__('Delete') })
    ];
    if ((await showDialog({ title, body, buttons })).button.accept) {
      each(run => api.deleteRun(run.id));
    }
  };
  const action = (
    name: string,
    label: string,
    onClick: () => void,
    isPossible: boolean,
    title = ''
  ) => (
    <button
      type="button"
      className="kfops-Button"
      data-kfops={name}
      title={title}
      disabled={busy || !isPossible}
      onClick={onClick}
    >
      {label}
    </button>
  );
  const isNarrowed = Boolean(
    query.text ||
    query.state ||
    query.pipeline_id ||
    (query.experiment_id && !narrowed.query.experiment_id) ||
    query.archived
  );
  return (
    <div className="kfops-View">
      <div className="kfops-Header">
        {narrowed.of && <h2 className="kfops-Ellipsis">{trans.__('Runs of %1', narrowed.of)}</h2>}
        <RunFilters
          query={query}
          fixed={narrowed.query}
          pipelines={pipelines}
          experiments={experiments}
          onChange={ask}
          trans={trans}
        />
        <div className="kfops-Header-line">
          <span className="kfops-Quiet" role="status" data-kfops="runs-count">
            {chosen.size
              ? trans.__('%1 chosen', chosen.size)
              : trans.__('%1 runs', `${model.runs.length}${model.hasMore ? '+' : ''}`)}
          </span>
          <span className="kfops-Buttons kfops-mod-end">
            {action(
              'compare-runs',
              trans.__('Compare'),
              () => void execute(CommandIDs.compareRuns, { run_ids: Array.from(chosen).join(',') }),
              chosen.size > 1 && chosen.size <= MOST_COMPARED,
              trans.__('Choose two to ten runs')
            )}
            {action(
              'stop-runs',
              trans.__('Stop'),
              () => each(run => api.changeRun(run.id, 'stopped')),
              runs.length > 0 && runs.every(isLive)
            )}
            {query.archived
              ? action(
                  'restore-runs',
                  trans.__('Restore'),
                  () => each(run => api.archiveRun(run.id, false)),
                  chosen.size > 0
                )
              : action(
                  'archive-runs',
                  trans.__('Archive'),
                  () => each(run => api.archiveRun(run.id, true)),
                  chosen.size > 0
                )}
            {action(
              'delete-runs',
              trans.__('Delete…'),
              () => void remove(),
              runs.length > 0 && !runs.some(isLive),
              trans.__('Runs that have ended can be deleted')
            )}
          </span>
        </div>
        {Boolean(failure) && <Problem error={errorOf(failure)} trans={trans} />}
        {model.error && <Problem error={model.error} trans={trans} />}
      </div>
      {!model.isLoaded && !model.error ? (
        <Skeleton lines={8} label={trans.__('Loading')} />
      ) : model.isLoaded && !model.runs.length ? (
        <Empty>
          {isNarrowed
            ? trans.__('No run is like that. Choose fewer conditions above.')
            : trans.__('No runs yet.')}
        </Empty>
      ) : (
        <RunTable
          runs={model.runs}
          chosen={chosen}
          onChoose={toggle}
          sortBy={query.sort_by ?? 'created_at desc'}
          onSort={sort_by => ask({ ...query, sort_by })}
          onOpen={run => void execute(CommandIDs.openRun, { run_id: run.id })}
          onEnd={onEnd}
          trans={trans}
        />
      )}
    </div>
  );
}

/** What runs can be narrowed down to; without them the list serves too. */
function useNames(api: KfopsApi): {
  pipelines: Kfops.IPipeline[];
  experiments: Kfops.IExperiment[];
} {
  const [pipelines, setPipelines] = useState<Kfops.IPipeline[]>([]);
  const [experiments, setExperiments] = useState<Kfops.IExperiment[]>([]);
  useEffect(() => {
    void api.pipelines().then(setPipelines, () => undefined);
    void api.experiments().then(setExperiments, () => undefined);
  }, [api]);
  return { pipelines, experiments };
}
