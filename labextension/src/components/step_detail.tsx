import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { durationOf, exactTime } from '../format';
import type { StepLogModel } from '../models/step_log';
import type { Kfops } from '../tokens';
import { Artifacts } from './artifacts';
import type { IArtifactSource } from './artifacts';
import { CopyButton } from './copy';
import { Log } from './log';
import { StateIcon } from './states';

/** A step: what went in, what came out, why it failed, and its log. */
export function StepDetail(props: {
  step: Kfops.IStep | null;
  hasRun: boolean;
  log: StepLogModel | null;
  /** Where artifacts are asked for; null for a step that has not run. */
  artifacts: IArtifactSource | null;
  trans: TranslationBundle;
}): JSX.Element {
  const { step, hasRun, log, artifacts, trans } = props;
  if (!step) {
    return (
      <div className="kfops-Detail kfops-mod-empty">
        {trans.__('Select a step to see what is in it.')}
      </div>
    );
  }
  return (
    <div className="kfops-Detail" data-kfops="step-detail" data-step={step.id}>
      <h3 className="kfops-Detail-head" title={step.id}>
        <span className="kfops-Ellipsis">{step.name}</span>
        {hasRun && <StateIcon state={step.state} trans={trans} withWord />}
        {hasRun && (
          <span className="kfops-Row-time" title={exactTime(step.started_at)}>
            {durationOf(step)}
          </span>
        )}
      </h3>
      {step.message && (
        <p
          className={step.state === 'failed' ? 'kfops-Problem-why' : 'kfops-Quiet'}
          data-kfops="step-message"
        >
          {step.message}
        </p>
      )}
      {step.when && <Pairs title={trans.__('Runs when')} pairs={[[step.when, '']]} trans={trans} />}
      <Pairs
        title={trans.__('Inputs')}
        name="step-inputs"
        pairs={[...Object.entries(step.inputs), ...artifactPairs(step.input_artifacts)]}
        trans={trans}
      />
      <Pairs
        title={trans.__('Outputs')}
        name="step-outputs"
        pairs={[...Object.entries(step.outputs), ...artifactPairs(step.output_artifacts)]}
        trans={trans}
      />
      {step.image && <Pairs title={trans.__('Image')} pairs={[[step.image, '']]} trans={trans} />}
      {artifacts && step.output_artifacts.length > 0 && (
        <Artifacts key={`${step.id} ${step.state}`} source={artifacts} step={step} trans={trans} />
      )}
      {log && <Log log={log} step={step} trans={trans} />}
    </div>
  );
}

function artifactPairs(artifacts: Kfops.IArtifact[]): [string, string][] {
  return artifacts.map(artifact => [artifact.name, artifact.uri || artifact.type]);
}

function Pairs(props: {
  title: string;
  name?: string;
  pairs: [string, string][];
  trans: TranslationBundle;
}): JSX.Element | null {
  if (!props.pairs.length) {
    return null;
  }
  return (
    <>
      <h4>{props.title}</h4>
      <dl className="kfops-Pairs" {...(props.name && { 'data-kfops': props.name })}>
        {props.pairs.map(([name, value], index) => (
          <React.Fragment key={index}>
            <dt title={name}>{name}</dt>
            <dd title={value}>
              <span className="kfops-Pairs-value">{value}</span>
              {value.length > 12 && (
                <CopyButton
                  text={value}
                  label={props.trans.__('Copy %1', name)}
                  trans={props.trans}
                />
              )}
            </dd>
          </React.Fragment>
        ))}
      </dl>
    </>
  );
}
