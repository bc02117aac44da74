import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Kfops } from '../tokens';

/** A run's parameters, and the metrics it has reported. */
export function RunFacts(props: { run: Kfops.IRun; trans: TranslationBundle }): JSX.Element {
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
