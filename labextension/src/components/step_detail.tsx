import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect, useRef, useState } from 'react';

import { durationOf, exactTime } from '../format';
import type { StepLogModel } from '../models/step_log';
import type { Kfops } from '../tokens';
import { CopyButton } from './copy';
import { Problem } from './problem';
import { StateIcon } from './states';

/** A step: what went in, what came out, why it failed, and its log. */
export function StepDetail(props: {
  step: Kfops.IStep | null;
  hasRun: boolean;
  log: StepLogModel | null;
  trans: TranslationBundle;
}): JSX.Element {
  const { step, hasRun, log, trans } = props;
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

/** A log that follows its end, until the reader scrolls up to read. */
function Log(props: {
  log: StepLogModel;
  step: Kfops.IStep;
  trans: TranslationBundle;
}): JSX.Element {
  const { log, step, trans } = props;
  const area = useRef<HTMLPreElement>(null);
  const [follows, setFollows] = useState(true);
  const { text } = log;
  useEffect(() => {
    if (follows && area.current) {
      area.current.scrollTop = area.current.scrollHeight;
    }
  }, [text, follows]);
  const onScroll = () => {
    const { current } = area;
    if (current) {
      setFollows(current.scrollHeight - current.scrollTop - current.clientHeight < 24);
    }
  };
  const download = () => {
    const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${step.name.replace(/[^\w.-]+/g, '-')}.log`;
    link.click();
    URL.revokeObjectURL(url);
  };
  const waits = step.state === 'pending';
  return (
    <>
      <h4 className="kfops-Log-head">
        {trans.__('Log')}
        {!log.isComplete && step.state === 'running' && (
          <span className="kfops-Live">{trans.__('live')}</span>
        )}
        {text && (
          <span className="kfops-mod-end">
            <CopyButton text={text} label={trans.__('Copy the log')} trans={trans} />
            <button
              type="button"
              className="kfops-Link"
              data-kfops="log-download"
              onClick={download}
            >
              {trans.__('Download')}
            </button>
          </span>
        )}
      </h4>
      {log.error && !text && <Problem error={log.error} trans={trans} />}
      {text ? (
        <pre
          className="kfops-Log"
          data-kfops="step-log"
          ref={area}
          tabIndex={0}
          aria-label={trans.__('Log of %1', step.name)}
          onScroll={onScroll}
        >
          {text}
        </pre>
      ) : (
        !log.error && (
          <p className="kfops-Quiet" data-kfops="step-log-empty">
            {waits
              ? trans.__('The step has not begun.')
              : log.isComplete
                ? trans.__('The step wrote nothing.')
                : trans.__('Nothing written yet.')}
          </p>
        )
      )}
    </>
  );
}
