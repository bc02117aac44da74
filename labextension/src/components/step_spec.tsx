import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect, useState } from 'react';

import { errorOf } from '../response_error';
import { formatDuration, isoDuration, shortId } from '../format';
import type { Loaded } from '../models/resource';
import { FINAL_STATES } from '../tokens';
import type { Kfops } from '../tokens';
import { CopyButton } from './copy';
import { Pairs } from './pairs';
import { Problem } from './problem';

/** Where it is found how a step is executed, and what leads to other runs. */
export interface ISpecSource {
  spec: (stepId: string) => Promise<Kfops.IStepSpec>;
  openRun: (runId: string) => void;
}

/** What a step asks for; null until it is known. */
export function useSpec(source: ISpecSource | null, step: Kfops.IStep): Loaded<Kfops.IStepSpec> {
  const [state, setState] = useState<Loaded<Kfops.IStepSpec>>({ kind: 'loading' });
  const isOne = step.kind === 'step' || step.kind === 'retry';
  const hasEnded = FINAL_STATES.has(step.state);
  useEffect(() => {
    let current = true;
    if (source && isOne) {
      source.spec(step.id).then(
        value => current && setState({ kind: 'ready', value, stale: null }),
        reason => current && setState({ kind: 'failed', error: errorOf(reason) })
      );
    }
    return () => {
      current = false;
    };
    // where its outputs came from is known when it has ended
  }, [source, step.id, isOne, hasEnded]);
  return state;
}

/** Says which run's outputs a cached step has. */
export function CacheOrigin(props: {
  spec: Kfops.IStepSpec;
  source: ISpecSource;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { spec, source, trans } = props;
  const name = spec.cached_from_name || shortId(spec.cached_from);
  if (!name) {
    return null;
  }
  return (
    <p className="kfops-Quiet" data-kfops="step-cached-from">
      {trans.__('Its outputs are those of')}{' '}
      {spec.cached_from ? (
        <button
          type="button"
          className="kfops-Link"
          title={trans.__('Open the run %1', spec.cached_from)}
          onClick={() => source.openRun(spec.cached_from)}
        >
          {name}
        </button>
      ) : (
        <code>{name}</code>
      )}
    </p>
  );
}

/** What a step asks for: resources, time, retries, caching; and what it executes. Both are folded at first. */
export function StepSpec(props: {
  state: Loaded<Kfops.IStepSpec>;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { state, trans } = props;
  if (state.kind === 'loading') {
    return null;
  }
  if (state.kind === 'failed') {
    return <Problem error={state.error} trans={trans} />;
  }
  const spec = state.value;
  const command = [...spec.command, ...spec.args].map(word =>
    word === spec.source && word ? trans.__('… the source …') : quoted(word)
  );
  return (
    <>
      <details className="kfops-Fold" data-kfops="step-resources">
        <summary>{trans.__('Resources, retries, caching')}</summary>
        <Pairs pairs={resourcePairs(spec, trans)} trans={trans} />
        {spec.ignored.length > 0 && (
          <p className="kfops-Quiet" data-kfops="step-ignored">
            {trans.__('Not enforced by this backend: %1', ignoredWords(spec, trans).join(', '))}
          </p>
        )}
      </details>
      <details className="kfops-Fold" data-kfops="step-source">
        <summary>{trans.__('Source')}</summary>
        <Pairs pairs={[[trans.__('Image'), spec.image || '–']]} trans={trans} />
        {command.length > 0 && (
          <Code name={trans.__('Command')} text={command.join(' ')} trans={trans} wraps />
        )}
        {spec.source && <Code name={trans.__('Program')} text={spec.source} trans={trans} />}
      </details>
    </>
  );
}

function Code(props: {
  name: string;
  text: string;
  trans: TranslationBundle;
  wraps?: boolean;
}): JSX.Element {
  const { name, text, trans } = props;
  return (
    <>
      <h4>
        {name}
        <span className="kfops-mod-end">
          <CopyButton text={text} label={trans.__('Copy %1', name)} trans={trans} />
        </span>
      </h4>
      <pre
        className={`kfops-Code kfops-mod-low ${props.wraps ? 'kfops-mod-wraps' : ''}`}
        tabIndex={0}
        aria-label={name}
      >
        {text}
      </pre>
    </>
  );
}

function resourcePairs(spec: Kfops.IStepSpec, trans: TranslationBundle): [string, string][] {
  const pairs: [string, string][] = [
    ...Object.entries(spec.requests).map(([name, amount]): [string, string] => [
      trans.__('%1, at least', name),
      amount
    ]),
    ...Object.entries(spec.limits).map(([name, amount]): [string, string] => [
      trans.__('%1, at most', name),
      amount
    ]),
    ...Object.entries(spec.node_selector).map(([name, value]): [string, string] => [
      trans.__('Node with %1', name),
      value
    ])
  ];
  if (!pairs.length) {
    pairs.push([trans.__('Resources'), trans.__('as the backend gives them')]);
  }
  pairs.push(
    [trans.__('Time limit'), spec.timeout ? formatDuration(spec.timeout) : trans.__('no limit')],
    [trans.__('Retries'), retryText(spec, trans)],
    [trans.__('Caching'), cachingText(spec, trans)]
  );
  return pairs;
}

function retryText(spec: Kfops.IStepSpec, trans: TranslationBundle): string {
  if (!spec.retry_limit) {
    return trans.__('none');
  }
  const often =
    spec.retry_limit < 0 ? trans.__('until it succeeds') : trans.__('up to %1', spec.retry_limit);
  const [wait, factor, longest] = spec.retry_backoff;
  return [
    `${often} (${spec.retry_policy})`,
    wait && trans.__('waiting %1', seconds(wait)),
    factor && trans.__('each time %1 times as long', factor),
    longest && trans.__('for %1 in all', seconds(longest))
  ]
    .filter(Boolean)
    .join(', ');
}

function cachingText(spec: Kfops.IStepSpec, trans: TranslationBundle): string {
  if (!spec.caching || spec.max_staleness === 'P0D') {
    return trans.__('off');
  }
  return spec.max_staleness
    ? trans.__('on, for outputs of the last %1', isoDuration(spec.max_staleness, trans))
    : trans.__('on, for outputs of any age');
}

function ignoredWords(spec: Kfops.IStepSpec, trans: TranslationBundle): string[] {
  return spec.ignored.flatMap(name =>
    name === 'requests'
      ? [trans.__('what is asked for at least')]
      : name === 'node_selector'
        ? [trans.__('the choice of a node')]
        : [trans.__('%1, at most', name.replace(/^limits\./, ''))]
  );
}

/** A time as Argo writes it: a number alone stands for seconds. */
function seconds(text: string): string {
  return /^\d+$/.test(text) ? `${text}s` : text;
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}
