import { ReactWidget } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import * as React from 'react';
import { useEffect } from 'react';

import { errorOf } from '../api';
import type { KfopsApi } from '../api';
import type { IArtifactSource } from '../components/artifacts';
import { CopyButton } from '../components/copy';
import { useAction, useChanges } from '../components/hooks';
import { Problem } from '../components/problem';
import { Skeleton } from '../components/section';
import { StateIcon } from '../components/states';
import { ViewLayout } from '../components/view_layout';
import { durationOf, exactTime, shortId } from '../format';
import { isLive } from '../models/kfops';
import { firstToShow, RunModel } from '../models/run';
import { CommandIDs } from '../tokens';
import type { Kfops } from '../tokens';

type Execute = (command: string, args?: Record<string, string>) => Promise<unknown>;

/** A run in the main area. */
export class RunView extends ReactWidget {
  constructor(options: RunView.IOptions) {
    super();
    this._options = options;
    this._model = new RunModel({
      api: options.api,
      runId: options.runId,
      active: () => this.isVisible
    });
    const { api, runId, rendermime } = options;
    this._artifacts = { previews: stepId => api.previews(runId, stepId), rendermime };
    this._model.run.changed.connect(this._onRunChanged, this);
    this.addClass('kfops-RunView');
    this.node.dataset.kfops = 'run-view';
    this.node.dataset.run = options.runId;
    this.title.label = options.trans.__('Run %1', shortId(options.runId));
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._model.dispose();
    }
    super.dispose();
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    void this._model.run.refresh();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    // a widget that is attached behind another one is not visible, and asks when it is shown
    void this._model.run.refresh();
  }

  protected override render(): JSX.Element {
    const { trans, execute } = this._options;
    return (
      <Content model={this._model} artifacts={this._artifacts} trans={trans} execute={execute} />
    );
  }

  private _onRunChanged(): void {
    const run = this._model.run.value;
    if (run) {
      this.title.label = run.name;
      this.title.caption = `${run.name}\n${run.id}`;
      this.node.dataset.state = run.state;
    }
  }

  private _options: RunView.IOptions;
  private _model: RunModel;
  private _artifacts: IArtifactSource;
}

export namespace RunView {
  export interface IOptions {
    api: KfopsApi;
    runId: string;
    rendermime: IRenderMimeRegistry | null;
    trans: TranslationBundle;
    execute: Execute;
  }
}

function Content(props: {
  model: RunModel;
  artifacts: IArtifactSource;
  trans: TranslationBundle;
  execute: Execute;
}): JSX.Element {
  const { model, artifacts, trans } = props;
  useChanges(model.changed);
  const run = model.run.value;
  const graph = run?.graph ?? null;
  useEffect(() => {
    if (graph && !model.selected) {
      const step = firstToShow(graph);
      if (step) {
        model.select(step.id);
      }
    }
  }, [graph, model]);
  const { state } = model.run;
  if (state.kind === 'failed') {
    return <Problem error={state.error} trans={trans} />;
  }
  if (!run) {
    return <Skeleton lines={6} label={trans.__('Loading')} />;
  }
  const stale = state.kind === 'ready' ? state.stale : null;
  const header = (
    <>
      <Header run={run} trans={trans} execute={props.execute} refresh={() => model.run.refresh()} />
      {stale && <Problem error={stale} trans={trans} />}
    </>
  );
  return (
    <ViewLayout
      header={header}
      graph={graph ?? EMPTY_GRAPH}
      hasRun
      selected={model.selected}
      step={model.step}
      log={model.log}
      artifacts={artifacts}
      onSelect={id => model.select(id)}
      tabs={[
        {
          name: 'parameters',
          title: trans.__('Parameters'),
          content: <RunFacts run={run} trans={trans} />
        }
      ]}
      trans={trans}
    />
  );
}

/** Of a run that the backend has accepted and not yet described. */
export const EMPTY_GRAPH: Kfops.IGraph = {
  name: '',
  state: 'pending',
  message: '',
  started_at: '',
  finished_at: '',
  done: 0,
  total: 0,
  steps: [],
  edges: []
};

/** What a run is and how it goes, with what can be done about it. */
export function Header(props: {
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

function RunFacts(props: { run: Kfops.IRun; trans: TranslationBundle }): JSX.Element {
  const { run, trans } = props;
  const parameters = Object.entries(run.parameters);
  return (
    <div className="kfops-Sheet" data-kfops="run-parameters">
      {parameters.length === 0 && (
        <p className="kfops-Quiet">{trans.__('This run has no parameters.')}</p>
      )}
      <dl className="kfops-Pairs">
        {parameters.map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>
              <span className="kfops-Pairs-value">{value}</span>
            </dd>
          </React.Fragment>
        ))}
      </dl>
      {run.metrics.length > 0 && (
        <>
          <h3>{trans.__('Metrics')}</h3>
          <dl className="kfops-Pairs" data-kfops="run-metrics">
            {run.metrics.map((metric, index) => (
              <React.Fragment key={index}>
                <dt title={metric.step}>{metric.name}</dt>
                <dd>{metric.value}</dd>
              </React.Fragment>
            ))}
          </dl>
        </>
      )}
    </div>
  );
}
