import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect, useState } from 'react';

import { versionTitle } from '../format';
import { errorOf } from '../response_error';
import type { KfopsApi } from '../api';
import type { Loaded } from '../models/resource';
import { spacedJson } from '../parameters';
import type { Kfops } from '../tokens';
import { Problem } from './problem';
import { Empty, Skeleton } from './section';

/** What is different in a version, seen from another one of its pipeline; from the one before it at first. */
export function Changes(props: {
  api: KfopsApi;
  version: Kfops.IPipelineVersion;
  trans: TranslationBundle;
}): JSX.Element {
  const { api, version, trans } = props;
  const [others, setOthers] = useState<Loaded<Kfops.IPipelineVersion[]>>({ kind: 'loading' });
  const [since, setSince] = useState('');
  useEffect(() => {
    let current = true;
    api.versions(version.pipeline_id).then(
      versions => {
        if (current) {
          const at = versions.findIndex(one => one.id === version.id);
          const value = versions.filter(one => one.id !== version.id);
          setOthers({ kind: 'ready', value, stale: null });
          // the newest stands first
          setSince((versions[at + 1] ?? value[0])?.id ?? '');
        }
      },
      reason => current && setOthers({ kind: 'failed', error: errorOf(reason) })
    );
    return () => {
      current = false;
    };
  }, [api, version]);
  if (others.kind === 'loading') {
    return <Skeleton lines={4} label={trans.__('Loading')} />;
  }
  if (others.kind === 'failed') {
    return <Problem error={others.error} trans={trans} />;
  }
  if (!others.value.length) {
    return <Empty>{trans.__('This is the only version of its pipeline.')}</Empty>;
  }
  return (
    <div className="kfops-Sheet">
      <label className="kfops-Filters-check">
        {trans.__('Since')}
        <select
          className="kfops-Input"
          data-kfops="changes-since"
          value={since}
          onChange={event => setSince(event.target.value)}
        >
          {others.value.map(one => (
            <option key={one.id} value={one.id}>
              {versionTitle(one, trans)}
            </option>
          ))}
        </select>
      </label>
      {since && (
        <Difference key={since} api={api} since={since} versionId={version.id} trans={trans} />
      )}
    </div>
  );
}

function Difference(props: {
  api: KfopsApi;
  since: string;
  versionId: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { api, since, versionId, trans } = props;
  const [state, setState] = useState<Loaded<Kfops.IVersionDiff>>({ kind: 'loading' });
  useEffect(() => {
    let current = true;
    api.versionChanges(versionId, since).then(
      value => current && setState({ kind: 'ready', value, stale: null }),
      reason => current && setState({ kind: 'failed', error: errorOf(reason) })
    );
    return () => {
      current = false;
    };
  }, [api, versionId, since]);
  if (state.kind === 'loading') {
    return <Skeleton lines={6} label={trans.__('Loading')} />;
  }
  if (state.kind === 'failed') {
    return <Problem error={state.error} trans={trans} />;
  }
  const { steps, parameters, text, truncated } = state.value;
  const words: Record<Kfops.Change, string> = {
    added: trans.__('added'),
    removed: trans.__('removed'),
    changed: trans.__('changed')
  };
  if (!text) {
    return <p className="kfops-Quiet">{trans.__('Nothing is different.')}</p>;
  }
  return (
    <div data-kfops="changes">
      {Object.keys(steps).length > 0 && (
        <>
          <h3>{trans.__('Steps')}</h3>
          <ul className="kfops-Changes">
            {Object.entries(steps).map(([id, change]) => (
              <li key={id} data-change={change}>
                <Sign change={change} /> {id} <span className="kfops-Quiet">{words[change]}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {parameters.length > 0 && (
        <>
          <h3>{trans.__('Parameters')}</h3>
          <ul className="kfops-Changes">
            {parameters.map(({ name, change, old, new: now }) => (
              <li key={name} data-change={change}>
                <Sign change={change} /> {name}{' '}
                <span className="kfops-Quiet">
                  {change === 'changed' ? `${spacedJson(old)} → ${spacedJson(now)}` : words[change]}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>{trans.__('Package')}</h3>
      <pre
        className="kfops-Code"
        data-kfops="changes-text"
        tabIndex={0}
        aria-label={trans.__('Difference of the packages')}
      >
        {text.split('\n').map((line, index) => (
          <span key={index} className={`kfops-Line ${lineClass(line)}`}>
            {line}
            {'\n'}
          </span>
        ))}
      </pre>
      {truncated && <p className="kfops-Quiet">{trans.__('This is only the beginning of it.')}</p>}
    </div>
  );
}

function Sign(props: { change: Kfops.Change }): JSX.Element {
  const signs: Record<Kfops.Change, string> = { added: '+', removed: '−', changed: '~' };
  return (
    <span className={`kfops-Sign kfops-mod-${props.change}`} aria-hidden="true">
      {signs[props.change]}
    </span>
  );
}

function lineClass(line: string): string {
  if (line.startsWith('@@')) {
    return 'kfops-mod-place';
  }
  return line.startsWith('+') ? 'kfops-mod-added' : line.startsWith('-') ? 'kfops-mod-removed' : '';
}
