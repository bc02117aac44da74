import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { exactTime, shortId, timeAgo, versionTitle } from '../format';
import type { OperationsModel } from '../models/operations';
import type { PipelinesModel } from '../models/pipelines';
import type { Kfops } from '../tokens';
import { CopyButton } from './copy';
import { Images } from './images';
import { Problem } from './problem';
import { Progress } from './progress';
import { Empty, Name, Skeleton } from './section';

interface IActions {
  operations: OperationsModel;
  trans: TranslationBundle;
  onRun: (version: Kfops.IPipelineVersion) => void;
  onBuild: (version: Kfops.IPipelineVersion) => void;
  onOpen: (version: Kfops.IPipelineVersion) => void;
}

/** The pipelines; an unfolded one shows its versions, each ready to run. */
export function Pipelines(props: IActions & { model: PipelinesModel }): JSX.Element {
  const { model, trans } = props;
  const { state } = model;
  if (state.kind === 'loading') {
    return <Skeleton lines={2} label={trans.__('Loading')} />;
  }
  if (state.kind === 'failed') {
    return <Problem error={state.error} trans={trans} />;
  }
  if (!state.value.length) {
    return <Empty>{trans.__('No pipelines yet. “Upload” above makes the first.')}</Empty>;
  }
  return (
    <ul className="kfops-List" aria-label={trans.__('Pipelines')}>
      {state.value.map(pipeline => {
        const open = model.isOpen(pipeline.id);
        const Caret = open ? caretDownIcon : caretRightIcon;
        return (
          <li
            key={pipeline.id}
            className={`kfops-Row ${open ? 'kfops-mod-open' : ''}`}
            data-kfops="pipeline-row"
            data-pipeline={pipeline.id}
          >
            <button
              type="button"
              className="kfops-Row-open"
              data-kfops="pipeline-toggle"
              aria-expanded={open}
              onClick={() => void model.toggle(pipeline.id)}
            >
              <Caret.react tag="span" width="16px" />
              <Name text={pipeline.name} className="kfops-Row-name" />
              <span className="kfops-Row-time" title={exactTime(pipeline.created_at)}>
                {timeAgo(pipeline.created_at, trans)}
              </span>
            </button>
            {open && <Versions {...props} pipeline={pipeline} />}
          </li>
        );
      })}
    </ul>
  );
}

function Versions(
  props: IActions & { model: PipelinesModel; pipeline: Kfops.IPipeline }
): JSX.Element {
  const { model, pipeline, trans } = props;
  const versions = model.versions(pipeline.id);
  if (versions.kind === 'loading') {
    return <Skeleton lines={1} label={trans.__('Loading')} />;
  }
  if (versions.kind === 'failed') {
    return <Problem error={versions.error} trans={trans} />;
  }
  return (
    <ul className="kfops-List kfops-mod-nested" aria-label={trans.__('Versions')}>
      {versions.value.map(version => (
        <VersionRow key={version.id} {...props} version={version} />
      ))}
    </ul>
  );
}

function VersionRow(props: IActions & { version: Kfops.IPipelineVersion }): JSX.Element {
  const { version, trans } = props;
  const build = props.operations.latest(version.id, 'build');
  const isBuilding = build?.operation?.state === 'running';
  const failure = build?.operation?.state === 'failed' ? build.operation.error : null;
  const missing = version.images.some(image => image.state === 'missing');
  return (
    <li className="kfops-Row" data-kfops="version-row" data-version={version.id}>
      <button
        type="button"
        className="kfops-Row-open"
        data-kfops="version-open"
        title={trans.__('Show its graph')}
        onClick={() => props.onOpen(version)}
      >
        <span className="kfops-Row-name kfops-Ellipsis">{versionTitle(version, trans)}</span>
      </button>
      {missing && (
        <button
          type="button"
          className="kfops-Button kfops-mod-small"
          data-kfops="version-build"
          disabled={isBuilding}
          onClick={() => props.onBuild(version)}
        >
          {trans.__('Build')}
        </button>
      )}
      <button
        type="button"
        className="kfops-Button kfops-mod-small"
        data-kfops="version-run"
        onClick={() => props.onRun(version)}
      >
        {trans.__('Run…')}
      </button>
      <div className="kfops-Row-more">
        <span className="kfops-Facts-id">
          <code title={version.id}>{shortId(version.id)}</code>
          <CopyButton text={version.id} label={trans.__('Copy the version id')} trans={trans} />
        </span>
        <Images images={version.images} trans={trans} />
        <span title={exactTime(version.created_at)}>{timeAgo(version.created_at, trans)}</span>
      </div>
      {(isBuilding || failure) && (
        <div className="kfops-Row-wide">
          {build && isBuilding && (
            <Progress followed={build} trans={trans} onCancel={id => props.operations.cancel(id)} />
          )}
          {failure && <Problem error={failure} trans={trans} />}
        </div>
      )}
    </li>
  );
}
