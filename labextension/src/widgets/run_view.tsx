import { ReactWidget } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import * as React from 'react';
import { useEffect } from 'react';

import type { KfopsApi } from '../api';
import type { IArtifactSource } from '../components/artifacts';
import { useChanges } from '../components/hooks';
import { Problem } from '../components/problem';
import { RunFacts } from '../components/run_facts';
import { RunHeader } from '../components/run_header';
import type { Execute } from '../components/run_header';
import { Skeleton } from '../components/section';
import type { ISpecSource } from '../components/step_spec';
import { expectGraph, ViewLayout } from '../components/view_layout';
import { shortId } from '../format';
import { EMPTY_GRAPH, firstToShow, RunModel } from '../models/run';
import { CommandIDs } from '../tokens';

/** A run in the main area. */
export class RunView extends ReactWidget {
  constructor(options: RunView.IOptions) {
    super();
    this._options = options;
    expectGraph();
    this._model = new RunModel({
      api: options.api,
      runId: options.runId,
      active: () => this.isVisible
    });
    const { api, runId, rendermime } = options;
    this._artifacts = { previews: stepId => api.previews(runId, stepId), rendermime };
    this._specs = {
      spec: stepId => api.stepSpec(runId, stepId),
      openRun: id => void options.execute(CommandIDs.openRun, { run_id: id })
    };
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
      <Content
        model={this._model}
        artifacts={this._artifacts}
        specs={this._specs}
        trans={trans}
        execute={execute}
      />
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
  private _specs: ISpecSource;
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
  specs: ISpecSource;
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
      <RunHeader
        run={run}
        trans={trans}
        execute={props.execute}
        refresh={() => model.run.refresh()}
      />
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
      specs={props.specs}
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
