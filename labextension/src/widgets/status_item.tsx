import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { useChanges } from '../components/hooks';
import { StateIcon } from '../components/states';
import type { KfopsModel } from '../models/kfops';

/** What runs, in the status bar; a click shows the panel. */
export class StatusItem extends ReactWidget {
  constructor(private readonly _options: StatusItem.IOptions) {
    super();
    this.addClass('kfops-StatusItem');
  }

  protected override render(): JSX.Element {
    return <Content {...this._options} />;
  }
}

export namespace StatusItem {
  export interface IOptions {
    model: KfopsModel;
    trans: TranslationBundle;
    onClick: () => void;
  }
}

function Content(props: StatusItem.IOptions): JSX.Element | null {
  const { model, trans } = props;
  useChanges(model.changed);
  const runs = model.liveRuns;
  const [run] = runs;
  if (!run) {
    return null;
  }
  const step = run.current_step || trans.__('%1 of %2 steps', run.done, run.total);
  return (
    <button
      type="button"
      className="kfops-StatusItem-button"
      data-kfops="status-item"
      title={runs.map(one => `${one.name} ${one.current_step}`.trim()).join('\n')}
      onClick={props.onClick}
    >
      <StateIcon state="running" trans={trans} />
      {runs.length > 1
        ? trans._n('%1 run', '%1 runs', runs.length, runs.length)
        : [run.name, run.total > 0 || run.current_step ? step : ''].filter(Boolean).join(' · ')}
    </button>
  );
}
