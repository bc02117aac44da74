import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { exactTime, formatSize, shortId, timeAgo } from '../format';
import type { Loaded } from '../models/resource';
import type { Kfops } from '../tokens';
import { CopyButton } from './copy';
import { Problem } from './problem';
import { Empty, Name, Skeleton } from './section';

/** The model versions: where each came from, what it is, where it lies. */
export function Models(props: {
  models: Loaded<Kfops.IModelVersion[]>;
  trans: TranslationBundle;
  onOpenRun: (runId: string) => void;
  onOpenVersion: (versionId: string) => void;
}): JSX.Element {
  const { models, trans } = props;
  if (models.kind === 'loading') {
    return <Skeleton lines={2} label={trans.__('Loading')} />;
  }
  if (models.kind === 'failed') {
    return <Problem error={models.error} trans={trans} />;
  }
  if (!models.value.length) {
    return (
      <Empty>
        {trans.__(
          'No models yet. A pipeline with materialize_model keeps the model that it makes.'
        )}
      </Empty>
    );
  }
  return (
    <ul className="kfops-List" aria-label={trans.__('Models')}>
      {models.value.map(model => (
        <ModelRow key={model.key} {...props} model={model} />
      ))}
    </ul>
  );
}

function ModelRow(props: {
  model: Kfops.IModelVersion;
  trans: TranslationBundle;
  onOpenRun: (runId: string) => void;
  onOpenVersion: (versionId: string) => void;
}): JSX.Element {
  const { model, trans } = props;
  return (
    <li className="kfops-Row" data-kfops="model-row" data-model={model.key}>
      <div className="kfops-Row-line">
        <Name text={model.name} className="kfops-Row-name" />
        <span className="kfops-Quiet">{formatSize(model.size)}</span>
        <span className="kfops-Row-time" title={exactTime(model.created_at)}>
          {timeAgo(model.created_at, trans)}
        </span>
      </div>
      <div className="kfops-Row-more">
        {model.run_id ? (
          <button
            type="button"
            className="kfops-Link"
            data-kfops="model-run"
            title={model.run_id}
            onClick={() => props.onOpenRun(model.run_id)}
          >
            {model.run_name || shortId(model.run_id)}
          </button>
        ) : (
          <span className="kfops-Ellipsis" title={model.notebook}>
            {model.notebook}
          </span>
        )}
        {model.version_id && (
          <button
            type="button"
            className="kfops-Link"
            data-kfops="model-version"
            title={model.version_id}
            onClick={() => props.onOpenVersion(model.version_id)}
          >
            {trans.__('version %1', shortId(model.version_id))}
          </button>
        )}
        <span className="kfops-Facts-id">
          {trans.__('sha')} <code title={model.sha256}>{shortId(model.sha256)}</code>
          <CopyButton text={model.sha256} label={trans.__('Copy the sha256')} trans={trans} />
        </span>
      </div>
      <div className="kfops-Row-more kfops-Facts-id">
        <code className="kfops-Ellipsis kfops-mod-start" title={model.location}>
          <bdi>{model.location}</bdi>
        </code>
        <CopyButton text={model.location} label={trans.__('Copy the location')} trans={trans} />
      </div>
    </li>
  );
}
