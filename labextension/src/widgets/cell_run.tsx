import { ReactWidget } from '@jupyterlab/apputils';
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { KfopsApi } from '../api';
import type { IArtifactSource } from '../components/artifacts';
import { useChanges } from '../components/hooks';
import { Mime } from '../components/mime';
import { RunHeader } from '../components/run_header';
import type { ISpecSource } from '../components/step_spec';
import { ViewLayout } from '../components/view_layout';
import { CellRunModel } from '../models/cell_run';
import { EMPTY_GRAPH } from '../models/run';
import { readSavedRun, savedBundle } from '../saved_run';
import { CommandIDs, FINAL_STATES, RUN_MIME } from '../tokens';
import type { Kfops } from '../tokens';

import '../../style/cell.css';

/** A run in a cell's output: the view of the main area, as high as an output may be. */
export class CellRun extends ReactWidget {
  constructor(options: CellRun.IOptions) {
    super();
    this._options = options;
    this.addClass('kfops-CellRun');
    this.node.dataset.kfops = 'cell-run';
    this.node.setAttribute('role', 'region');
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._model?.dispose();
    }
    super.dispose();
  }

  /** Show what an output holds, or holds now. */
  setOutput(output: IRenderMime.IMimeModel): void {
    const saved = readSavedRun(output.data[RUN_MIME]);
    this.toggleClass('kfops-mod-other', !saved);
    const isSame = saved?.id === this._model?.run.id && output.trusted === this._output?.trusted;
    this._output = output;
    if (saved && this._model && isSame) {
      this._model.setSaved(saved);
      return;
    }
    this._model?.dispose();
    this._model = saved && this._createModel(saved, output.trusted);
    this.update();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._observer.observe(this.node);
    this.node.addEventListener('wheel', this._onWheel, { capture: true });
    this.node.addEventListener('focusin', this._onFocusIn);
  }

  protected override onBeforeDetach(msg: Message): void {
    this._observer.disconnect();
    this._isInSight = false;
    this.node.removeEventListener('wheel', this._onWheel, { capture: true });
    this.node.removeEventListener('focusin', this._onFocusIn);
    super.onBeforeDetach(msg);
  }

  protected override render(): JSX.Element {
    const { api, rendermime, trans, execute } = this._options;
    const model = this._model;
    if (!model) {
      return <Other output={this._output} rendermime={rendermime} />;
    }
    const { id } = model.run;
    const artifacts = { previews: (stepId: string) => api.previews(id, stepId), rendermime };
    const specs = {
      spec: (stepId: string) => api.stepSpec(id, stepId),
      openRun: (runId: string) => void execute(CommandIDs.openRun, { run_id: runId })
    };
    return (
      <Content
        key={id}
        model={model}
        artifacts={artifacts}
        specs={specs}
        trans={trans}
        execute={execute}
      />
    );
  }

  private _createModel(saved: Kfops.IRun, trusted: boolean): CellRunModel {
    const model = new CellRunModel({
      api: this._options.api,
      saved,
      trusted,
      active: () => this._isInSight
    });
    model.changed.connect(() => {
      this.node.dataset.state = model.run.state;
    });
    model.ended.connect((_, run) => this._keep(run));
    this.node.setAttribute('aria-label', this._options.trans.__('Run %1', saved.name));
    this.node.dataset.run = saved.id;
    this.node.dataset.state = saved.state;
    return model;
  }

  /** The notebook is to say how the run has ended, also where no kernel waits for it: this changes it, once. */
  private _keep(run: Kfops.IRun): void {
    const data = savedBundle(run, this._options.trans) as ReadonlyPartialJSONObject;
    this._output?.setData({ data });
    this._options.onKept(this.node);
  }

  /** The page is scrolled over an output, not what is in it. */
  private _onWheel = (event: WheelEvent) => {
    if (!event.ctrlKey && !event.metaKey) {
      event.stopPropagation();
    }
  };

  /** Keys that are pressed in the view are not commands to the notebook. */
  private _onFocusIn = (event: FocusEvent) => {
    (event.target as HTMLElement).setAttribute('data-lm-suppress-shortcuts', 'true');
  };

  private _options: CellRun.IOptions;
  private _output: IRenderMime.IMimeModel | null = null;
  private _model: CellRunModel | null = null;
  private _isInSight = false;
  private _observer = new IntersectionObserver(entries => {
    this._isInSight = entries[entries.length - 1]!.isIntersecting;
    if (this._isInSight) {
      this._model?.wake();
    }
  });
}

export namespace CellRun {
  export interface IOptions {
    api: KfopsApi;
    rendermime: IRenderMimeRegistry | null;
    trans: TranslationBundle;
    /** Execute a command of `CommandIDs`. */
    execute: (command: string, args?: Record<string, string>) => Promise<unknown>;
    /** Called when what the notebook around that node has to save is another than before. */
    onKept: (node: HTMLElement) => void;
  }
}

function Content(props: {
  model: CellRunModel;
  artifacts: IArtifactSource;
  specs: ISpecSource;
  trans: TranslationBundle;
  execute: CellRun.IOptions['execute'];
}): JSX.Element {
  const { model, artifacts, trans, execute } = props;
  useChanges(model.changed);
  const { run } = model;
  const open = (
    <button
      type="button"
      className="kfops-Button"
      data-kfops="cell-run-open"
      title={trans.__('Open the run beside the notebook')}
      onClick={() => void execute(CommandIDs.openRun, { run_id: run.id })}
    >
      {trans.__('Open')}
    </button>
  );
  return (
    <ViewLayout
      header={
        <>
          <RunHeader
            run={run}
            trans={trans}
            execute={execute}
            refresh={model.isSaved ? null : () => model.ask()}
            more={open}
          />
          <Note model={model} trans={trans} />
        </>
      }
      graph={run.graph ?? EMPTY_GRAPH}
      hasRun
      selected={model.selected}
      step={model.step}
      log={model.log}
      artifacts={model.isSaved ? null : artifacts}
      specs={model.isSaved ? null : props.specs}
      onSelect={id => model.select(id)}
      tabs={[]}
      trans={trans}
    />
  );
}

/** Says where what is shown comes from, when that is not the backend. */
function Note(props: { model: CellRunModel; trans: TranslationBundle }): JSX.Element | null {
  const { model, trans } = props;
  const { error } = model;
  if (!model.isSaved && !error) {
    return null;
  }
  const isOver = FINAL_STATES.has(model.run.state);
  return (
    <p className="kfops-CellRun-note kfops-Quiet" role="status" data-kfops="cell-run-note">
      {model.isUnknown
        ? trans.__('The backend does not know this run: this is what the notebook has saved.')
        : error
          ? trans.__('The backend cannot be asked (%1): this is what is known.', error.message)
          : model.isAsked
            ? trans.__('As saved in the notebook; the backend is being asked…')
            : trans.__('As saved in the notebook.')}{' '}
      {!model.isAsked && (
        <button
          type="button"
          className="kfops-Link"
          data-kfops="cell-run-ask"
          onClick={() => void model.ask()}
        >
          {isOver ? trans.__('Show logs and artifacts') : trans.__('Follow the run')}
        </button>
      )}
    </p>
  );
}

/** What is not a run in a form that is known here is shown as JupyterLab shows the rest of the output. */
function Other(props: {
  output: IRenderMime.IMimeModel | null;
  rendermime: IRenderMimeRegistry | null;
}): JSX.Element {
  const { output, rendermime } = props;
  const rest = Object.fromEntries(
    Object.entries(output?.data ?? {}).filter(([type]) => type !== RUN_MIME)
  );
  return rendermime && Object.keys(rest).length ? (
    <Mime data={rest} rendermime={rendermime} />
  ) : (
    <></>
  );
}
