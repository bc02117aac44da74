import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { errorOf } from '../response_error';
import { exactTime, formatSize, shortId, versionTitle } from '../format';
import type { ISourceDocument } from '../models/source';
import type { ISourceState } from '../models/source_state';
import { formParameters, spacedJson } from '../parameters';
import type { Kfops } from '../tokens';
import { CopyButton } from './copy';
import { useAction } from './hooks';
import { Images } from './images';
import { Problem } from './problem';
import { Progress } from './progress';
import { Empty, Name } from './section';

export interface ISourceActions {
  compile: () => Promise<unknown>;
  upload: () => Promise<unknown>;
  buildImages: () => Promise<unknown>;
  run: () => Promise<unknown>;
  openGraph: () => Promise<unknown>;
  cancel: (id: string) => Promise<unknown>;
  openQuickstart: (() => Promise<unknown>) | null;
}

/** The notebook or file at hand: compile it, upload it, build its images, run it. */
export function Source(props: {
  source: ISourceDocument | null;
  state: ISourceState | null;
  actions: ISourceActions;
  /** Whether there is a backend to upload to. */
  hasBackend: boolean;
  trans: TranslationBundle;
}): JSX.Element {
  const { source, state, actions, hasBackend, trans } = props;
  const { busy, failure, start } = useAction();
  if (!source || !state) {
    return (
      <Empty>
        <p>{trans.__('Open a notebook or a .py file that defines a pipeline.')}</p>
        {actions.openQuickstart && (
          <button
            type="button"
            className="kfops-Button"
            data-kfops="open-quickstart"
            onClick={() => start(actions.openQuickstart!)}
          >
            {trans.__('Open the quickstart')}
          </button>
        )}
      </Empty>
    );
  }
  const waiting = busy || state.running !== null;
  const hasImages = Boolean(state.version?.images.length);
  const button = (name: string, label: string, title: string, action: () => Promise<unknown>) => (
    <button
      type="button"
      className={`kfops-Button ${name === 'run' ? 'kfops-mod-accept' : ''}`}
      data-kfops={name}
      title={title}
      disabled={waiting || (name !== 'compile' && !hasBackend)}
      onClick={() => start(action)}
    >
      {label}
    </button>
  );
  return (
    <div className="kfops-Source" data-kfops="source" data-path={source.path}>
      <div className="kfops-Source-name">
        <Name text={pipelineName(state) ?? source.name} />
      </div>
      <div className="kfops-Buttons">
        {button(
          'compile',
          trans.__('Compile'),
          trans.__('Compile %1 as it stands in the editor', source.name),
          actions.compile
        )}
        {button(
          'upload',
          trans.__('Upload'),
          trans.__('Compile it and upload it as a new pipeline version'),
          actions.upload
        )}
        {hasImages &&
          button(
            'build-images',
            trans.__('Build images'),
            trans.__('Build the images of this version'),
            actions.buildImages
          )}
        {button(
          'run',
          trans.__('Run…'),
          !state.version || state.versionOutdated
            ? trans.__('Upload it as a new version, then run that')
            : trans.__('Run this version'),
          actions.run
        )}
      </div>
      {state.running && (
        <Progress followed={state.running} trans={trans} onCancel={actions.cancel} />
      )}
      {Boolean(failure) && <Problem error={errorOf(failure)} trans={trans} />}
      {state.error && !state.running && (
        <Problem error={state.error} trans={trans} onReveal={source.reveal} />
      )}
      <PackageFacts state={state} trans={trans} onOpenGraph={() => start(actions.openGraph)} />
      <VersionFacts state={state} trans={trans} />
    </div>
  );
}

function pipelineName(state: ISourceState): string | null {
  return state.pkg?.name ?? state.version?.pipeline_name ?? null;
}

function PackageFacts(props: {
  state: ISourceState;
  trans: TranslationBundle;
  onOpenGraph: () => void;
}): JSX.Element | null {
  const { state, trans } = props;
  const { pkg, version } = state;
  const graph = pkg?.graph ?? version?.graph ?? null;
  const parameters = pkg?.parameters ?? version?.parameters ?? [];
  const sha256 = pkg?.sha256 ?? version?.sha256 ?? '';
  if (!pkg && !version) {
    return <p className="kfops-Quiet">{trans.__('Not compiled in this panel yet.')}</p>;
  }
  return (
    <div className="kfops-Facts" data-kfops="package">
      <div className="kfops-Facts-line">
        {pkg && (
          <span title={exactTime(pkg.compiled_at)}>
            {trans.__('compiled %1', new Date(pkg.compiled_at).toLocaleTimeString())}
          </span>
        )}
        {graph && (
          <span data-kfops="package-steps">
            {trans._n('%1 step', '%1 steps', countSteps(graph), countSteps(graph))}
          </span>
        )}
        {pkg && <span data-kfops="package-size">{formatSize(pkg.size)}</span>}
        {sha256 && (
          <span className="kfops-Facts-id">
            {trans.__('sha')} <code title={sha256}>{shortId(sha256)}</code>
            <CopyButton text={sha256} label={trans.__('Copy the sha256')} trans={trans} />
          </span>
        )}
        {graph && (
          <button
            type="button"
            className="kfops-Link"
            data-kfops="open-graph"
            onClick={props.onOpenGraph}
          >
            {trans.__('Show graph')}
          </button>
        )}
      </div>
      {state.packageOutdated && (
        <p className="kfops-Warning" data-kfops="outdated">
          {state.error
            ? trans.__('This is the package that compiled before.')
            : trans.__('The code has changed since; compile it again.')}
        </p>
      )}
      <Parameters parameters={parameters} trans={trans} />
      {pkg?.output && (
        <details className="kfops-Output" data-kfops="package-output">
          <summary>{trans.__('Output of the code')}</summary>
          <pre>{pkg.output}</pre>
        </details>
      )}
    </div>
  );
}

/** Steps alone: a group is not one. */
export function countSteps(graph: Kfops.IGraph): number {
  return graph.total || graph.steps.filter(step => step.kind === 'step').length;
}

function Parameters(props: {
  parameters: Kfops.IParameter[];
  trans: TranslationBundle;
}): JSX.Element | null {
  const shown = formParameters(props.parameters);
  if (!shown.length) {
    return null;
  }
  return (
    <dl className="kfops-Pairs" aria-label={props.trans.__('Parameters')}>
      {shown.map(parameter => (
        <React.Fragment key={parameter.name}>
          <dt title={parameter.description || parameter.type}>{parameter.name}</dt>
          <dd>
            {parameter.required
              ? props.trans.__('%1, required', parameter.type)
              : spacedJson(parameter.default)}
          </dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

function VersionFacts(props: { state: ISourceState; trans: TranslationBundle }): JSX.Element {
  const { state, trans } = props;
  const { version } = state;
  if (!version) {
    return <p className="kfops-Quiet">{trans.__('Not uploaded from this panel yet.')}</p>;
  }
  return (
    <div className="kfops-Facts" data-kfops="version" data-version={version.id}>
      <div className="kfops-Facts-line">
        <span>{versionTitle(version, trans)}</span>
        <span className="kfops-Facts-id">
          <code title={version.id}>{shortId(version.id)}</code>
          <CopyButton text={version.id} label={trans.__('Copy the version id')} trans={trans} />
        </span>
        <Images images={version.images} trans={trans} />
      </div>
      {state.versionOutdated && (
        <p className="kfops-Quiet">
          {trans.__('The code has changed since; “Run…” uploads it as a new version.')}
        </p>
      )}
    </div>
  );
}
