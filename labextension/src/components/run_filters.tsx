import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect, useState } from 'react';

import type { Kfops } from '../tokens';
import { stateWord } from './states';

/** Milliseconds after the last letter until it is searched for. */
const PAUSE = 250;
const STATES = ['pending', 'running', 'succeeded', 'failed'] as const;

/** What runs are narrowed down by: text, state, pipeline, experiment, archived or not. */
export function RunFilters(props: {
  query: Kfops.IRunQuery;
  /** What they are narrowed down to in any case: of a version it is known which pipeline it is of. */
  fixed: Kfops.IRunQuery;
  pipelines: readonly Kfops.IPipeline[];
  experiments: readonly Kfops.IExperiment[];
  onChange: (query: Kfops.IRunQuery) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { query, fixed, onChange, trans } = props;
  const isOfVersion = Boolean(fixed.version_id || fixed.recurring_run_id);
  // what has been typed goes along with every other choice: it must not come after it and undo what follows
  const [text, setText] = useState(query.text ?? '');
  useEffect(() => {
    if (text === (query.text ?? '')) {
      return;
    }
    const timer = setTimeout(() => onChange({ ...query, text }), PAUSE);
    return () => clearTimeout(timer);
  }, [text, query, onChange]);
  return (
    <div className="kfops-Filters" role="search" aria-label={trans.__('Narrow the runs down')}>
      <input
        type="search"
        className="kfops-Input"
        data-kfops="runs-text"
        value={text}
        placeholder={trans.__('Find by name')}
        aria-label={trans.__('Find by name')}
        onChange={event => setText(event.target.value)}
      />
      <Choice
        name="runs-state"
        label={trans.__('State')}
        all={trans.__('All states')}
        value={query.state ?? ''}
        options={STATES.map(state => [state, stateWord(state, trans)])}
        onChange={state => onChange({ ...query, text, state: state as Kfops.IRunQuery['state'] })}
      />
      {!isOfVersion && (
        <Choice
          name="runs-pipeline"
          label={trans.__('Pipeline')}
          all={trans.__('All pipelines')}
          value={query.pipeline_id ?? ''}
          options={props.pipelines.map(pipeline => [pipeline.id, pipeline.name])}
          onChange={pipeline_id => onChange({ ...query, text, pipeline_id })}
        />
      )}
      {!fixed.recurring_run_id && !fixed.experiment_id && (
        <Choice
          name="runs-experiment"
          label={trans.__('Experiment')}
          all={trans.__('All experiments')}
          value={query.experiment_id ?? ''}
          options={props.experiments.map(experiment => [experiment.id, experiment.name])}
          onChange={experiment_id => onChange({ ...query, text, experiment_id })}
        />
      )}
      <label className="kfops-Filters-check">
        <input
          type="checkbox"
          data-kfops="runs-archived"
          checked={query.archived ?? false}
          onChange={event => onChange({ ...query, text, archived: event.target.checked })}
        />
        {trans.__('Archived')}
      </label>
    </div>
  );
}

function Choice(props: {
  name: string;
  label: string;
  /** The option that chooses nothing. */
  all: string;
  value: string;
  options: [string, string][];
  onChange: (value: string) => void;
}): JSX.Element {
  return (
    <select
      className="kfops-Input"
      data-kfops={props.name}
      aria-label={props.label}
      value={props.value}
      onChange={event => props.onChange(event.target.value)}
    >
      <option value="">{props.all}</option>
      {props.options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}
