import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { durationOf, exactTime } from '../format';
import { attemptsOf } from '../models/run';
import type { StepLogModel } from '../models/step_log';
import type { Kfops } from '../tokens';
import { Artifacts } from './artifacts';
import type { IArtifactSource } from './artifacts';
import { Attempts } from './attempts';
import { Log } from './log';
import { Pairs } from './pairs';
import { StateIcon } from './states';
import { CacheOrigin, StepSpec, useSpec } from './step_spec';
import type { ISpecSource } from './step_spec';

interface IProps {
  step: Kfops.IStep | null;
  /** All steps of the graph, among them the attempts of this one. */
  steps: Kfops.IStep[];
  hasRun: boolean;
  log: StepLogModel | null;
  /** Where artifacts are asked for; null for a step that has not run. */
  artifacts: IArtifactSource | null;
  /** Where it is asked how the step is executed; null where nobody knows. */
  specs: ISpecSource | null;
  onSelect: (stepId: string) => void;
  trans: TranslationBundle;
}

/** A step: what went in, what came out, why it failed, how it is executed, and its log. */
export function StepDetail(props: IProps): JSX.Element {
  const { step, trans } = props;
  return step ? (
    <Known {...props} step={step} />
  ) : (
    <div className="kfops-Detail kfops-mod-empty">
      {trans.__('Select a step to see what is in it.')}
    </div>
  );
}

function Known(props: IProps & { step: Kfops.IStep }): JSX.Element {
  const { step, hasRun, log, artifacts, specs, trans } = props;
  const spec = useSpec(specs, step);
  const known = spec.kind === 'ready' ? spec.value : null;
  const hasOrigin = Boolean(known?.cached_from || known?.cached_from_name);
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
      {step.message && !hasOrigin && (
        <p
          className={step.state === 'failed' ? 'kfops-Problem-why' : 'kfops-Quiet'}
          data-kfops="step-message"
        >
          {step.message}
        </p>
      )}
      {known && specs && <CacheOrigin spec={known} source={specs} trans={trans} />}
      <Attempts
        attempts={attemptsOf(props.steps, step)}
        selected={log?.stepId ?? step.id}
        onSelect={props.onSelect}
        trans={trans}
      />
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
      {specs ? (
        <StepSpec state={spec} trans={trans} />
      ) : (
        step.image && <Pairs title={trans.__('Image')} pairs={[[step.image, '']]} trans={trans} />
      )}
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
