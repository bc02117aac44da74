import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect, useRef } from 'react';

import { shortId, versionTitle } from '../format';
import type { FieldValue } from '../parameters';
import type { Kfops } from '../tokens';
import { Problem } from './problem';

/** The name under which problems of the schedule stand; no parameter can have it. */
export const SCHEDULE = ' schedule';

/** The form for a run's parameters, name and experiment. */
export function RunForm(props: {
  version: Kfops.IPipelineVersion;
  parameters: Kfops.IParameter[];
  fields: Record<string, FieldValue>;
  problems: Record<string, string>;
  name: string;
  experiment: string;
  /** When it is to run; null for a run that starts now. */
  schedule: string | null;
  error: Kfops.IError | null;
  sending: boolean;
  onField: (name: string, value: FieldValue) => void;
  onName: (name: string) => void;
  onExperiment: (experiment: string) => void;
  onSchedule: (schedule: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { version, parameters, trans, error } = props;
  const refusal = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (error) {
      refusal.current?.scrollIntoView({ block: 'nearest' });
    }
  }, [error]);
  return (
    <form
      className="kfops-Form"
      data-kfops="run-form"
      onSubmit={event => event.preventDefault()}
      aria-busy={props.sending}
    >
      <p className="kfops-Quiet">
        {versionTitle(version, trans)} · <code title={version.id}>{shortId(version.id)}</code>
      </p>
      {props.schedule !== null && (
        <div className="kfops-Field">
          <label className="kfops-Field-label" htmlFor="kfops-schedule">
            {trans.__('When')}
            <span className="kfops-Field-required"> *</span>
          </label>
          <input
            id="kfops-schedule"
            className="jp-mod-styled"
            data-kfops="schedule"
            value={props.schedule}
            placeholder="0 30 6 * * *"
            aria-invalid={Boolean(props.problems[SCHEDULE])}
            aria-describedby="kfops-schedule-help"
            onChange={event => props.onSchedule(event.target.value)}
          />
          <div id="kfops-schedule-help" className="kfops-Field-help">
            {props.problems[SCHEDULE] ? (
              <span className="kfops-Field-problem" role="alert">
                {props.problems[SCHEDULE]}
              </span>
            ) : (
              trans.__(
                'Second, minute, hour, day, month, weekday as in cron; or @hourly, @daily, @every 1h30m.'
              )
            )}
          </div>
        </div>
      )}
      {parameters.map(parameter => (
        <Field
          key={parameter.name}
          parameter={parameter}
          value={props.fields[parameter.name] ?? ''}
          problem={props.problems[parameter.name] ?? ''}
          onChange={value => props.onField(parameter.name, value)}
          trans={trans}
        />
      ))}
      {parameters.length === 0 && (
        <p className="kfops-Quiet">{trans.__('This pipeline takes no parameters.')}</p>
      )}
      <div className="kfops-Form-more">
        <label className="kfops-Field">
          <span className="kfops-Field-label">{trans.__('Run name')}</span>
          <input
            className="jp-mod-styled"
            data-kfops="run-name"
            value={props.name}
            placeholder={trans.__('named by itself')}
            onChange={event => props.onName(event.target.value)}
          />
        </label>
        <label className="kfops-Field">
          <span className="kfops-Field-label">{trans.__('Experiment')}</span>
          <input
            className="jp-mod-styled"
            data-kfops="experiment"
            value={props.experiment}
            placeholder={trans.__('the one of config.yaml, or Default')}
            onChange={event => props.onExperiment(event.target.value)}
          />
        </label>
      </div>
      {props.sending && <p role="status">{trans.__('Starting…')}</p>}
      <div ref={refusal}>{props.error && <Problem error={props.error} trans={trans} />}</div>
    </form>
  );
}

function Field(props: {
  parameter: Kfops.IParameter;
  value: FieldValue;
  problem: string;
  onChange: (value: FieldValue) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { parameter, value, problem, trans } = props;
  const id = `kfops-parameter-${parameter.name}`;
  const common = {
    id,
    'data-kfops': `parameter-${parameter.name}`,
    'aria-invalid': Boolean(problem),
    'aria-required': parameter.required,
    'aria-describedby': `${id}-help`
  };
  const json = parameter.type === 'list' || parameter.type === 'dict';
  return (
    <div className={`kfops-Field kfops-mod-${parameter.type}`}>
      <label className="kfops-Field-label" htmlFor={id}>
        {parameter.name}
        {parameter.required && <span className="kfops-Field-required"> *</span>}
        <span className="kfops-Field-type">{parameter.type}</span>
      </label>
      {parameter.type === 'boolean' ? (
        <input
          {...common}
          type="checkbox"
          checked={value === true}
          onChange={event => props.onChange(event.target.checked)}
        />
      ) : json ? (
        <textarea
          {...common}
          className="jp-mod-styled"
          rows={3}
          spellCheck={false}
          value={String(value)}
          placeholder={parameter.type === 'list' ? '[1, 2]' : '{"a": 1}'}
          onChange={event => props.onChange(event.target.value)}
        />
      ) : (
        <input
          {...common}
          className="jp-mod-styled"
          type="text"
          inputMode={
            parameter.type === 'integer'
              ? 'numeric'
              : parameter.type === 'float'
                ? 'decimal'
                : 'text'
          }
          spellCheck={false}
          value={String(value)}
          onChange={event => props.onChange(event.target.value)}
        />
      )}
      <div id={`${id}-help`} className="kfops-Field-help">
        {problem ? (
          <span
            className="kfops-Field-problem"
            role="alert"
            data-kfops={`problem-${parameter.name}`}
          >
            {problem}
          </span>
        ) : (
          parameter.description || (parameter.required ? trans.__('required') : '')
        )}
      </div>
    </div>
  );
}
