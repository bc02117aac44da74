import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect, useState } from 'react';

import { errorOf } from '../response_error';
import type { KfopsApi } from '../api';
import { Problem } from '../components/problem';
import { Skeleton } from '../components/section';
import { StateIcon } from '../components/states';
import { formatDuration } from '../format';
import type { Loaded } from '../models/resource';
import { CommandIDs } from '../tokens';
import type { Kfops } from '../tokens';

/** Runs side by side in the main area. */
export class CompareView extends ReactWidget {
  constructor(options: CompareView.IOptions) {
    super();
    this._options = options;
    this.addClass('kfops-CompareView');
    this.node.dataset.kfops = 'compare-view';
    const { trans, runIds } = options;
    this.title.label = trans._n('%1 run', '%1 runs', runIds.length, runIds.length);
  }

  protected override render(): JSX.Element {
    return <Content {...this._options} />;
  }

  private _options: CompareView.IOptions;
}

export namespace CompareView {
  export interface IOptions {
    api: KfopsApi;
    runIds: string[];
    trans: TranslationBundle;
    execute: (command: string, args?: Record<string, string>) => Promise<unknown>;
  }
}

function Content(props: CompareView.IOptions): JSX.Element {
  const { api, runIds, trans, execute } = props;
  const [state, setState] = useState<Loaded<Kfops.IRunComparison>>({ kind: 'loading' });
  const [onlyDifferent, setOnlyDifferent] = useState(false);
  useEffect(() => {
    let current = true;
    api.compareRuns(runIds).then(
      value => current && setState({ kind: 'ready', value, stale: null }),
      reason => current && setState({ kind: 'failed', error: errorOf(reason) })
    );
    return () => {
      current = false;
    };
  }, [api, runIds]);
  if (state.kind === 'loading') {
    return <Skeleton lines={8} label={trans.__('Loading')} />;
  }
  if (state.kind === 'failed') {
    return <Problem error={state.error} trans={trans} />;
  }
  const { value } = state;
  const duration = (text: string) => {
    const seconds = Number(text);
    // runs that take seconds differ by parts of them
    return seconds < 60 ? trans.__('%1 s', seconds.toPrecision(2)) : formatDuration(seconds);
  };
  const parts: [string, string, Kfops.IComparedRow[], (text: string) => string][] = [
    ['parameters', trans.__('Parameters'), value.parameters, String],
    ['metrics', trans.__('Metrics'), value.metrics, String],
    ['durations', trans.__('Durations'), value.durations, duration]
  ];
  return (
    <div className="kfops-Sheet kfops-Compare">
      <label className="kfops-Filters-check">
        <input
          type="checkbox"
          data-kfops="only-different"
          checked={onlyDifferent}
          onChange={event => setOnlyDifferent(event.target.checked)}
        />
        {trans.__('Only what is different')}
      </label>
      <table className="kfops-Grid" data-kfops="comparison">
        <thead>
          <tr>
            <td />
            {value.run_ids.map((id, index) => (
              <th key={id} scope="col">
                <StateIcon state={value.states[index] ?? 'pending'} trans={trans} />{' '}
                <button
                  type="button"
                  className="kfops-Link"
                  title={id}
                  onClick={() => void execute(CommandIDs.openRun, { run_id: id })}
                >
                  {value.names[index]}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        {parts.map(([name, title, rows, shown]) => {
          const kept = rows.filter(row => !onlyDifferent || !row.same);
          return (
            kept.length > 0 && (
              <tbody key={name} data-kfops={`compared-${name}`}>
                <tr className="kfops-Grid-group">
                  <th scope="rowgroup" colSpan={value.run_ids.length + 1}>
                    {title}
                  </th>
                </tr>
                {kept.map(row => (
                  <tr key={row.name} className={row.same ? '' : 'kfops-mod-different'}>
                    <th scope="row">{row.name || trans.__('whole run')}</th>
                    {row.values.map((text, index) => (
                      <td key={index}>{text === null ? '–' : shown(text)}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            )
          );
        })}
      </table>
    </div>
  );
}
