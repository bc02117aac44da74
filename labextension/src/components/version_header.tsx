import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useState } from 'react';

import { errorOf } from '../response_error';
import type { KfopsApi } from '../api';
import { baseName, formatSize, shortId, versionTitle } from '../format';
import { CommandIDs } from '../tokens';
import type { Kfops } from '../tokens';
import { CopyButton } from './copy';
import { useAction } from './hooks';
import { Images } from './images';
import { Problem } from './problem';
import { countSteps } from './source';

export type Shown = Kfops.IPackage | Kfops.IPipelineVersion;

export function isVersion(shown: Shown): shown is Kfops.IPipelineVersion {
  return 'pipeline_id' in shown;
}

export function nameOf(shown: Shown, trans: TranslationBundle): string {
  return isVersion(shown) ? `${shown.pipeline_name} · ${versionTitle(shown, trans)}` : shown.name;
}

/** What a version, or a package, is, and what can be done with it. */
export function VersionHeader(props: {
  shown: Shown;
  api: KfopsApi;
  trans: TranslationBundle;
  execute: (command: string, args?: Record<string, string>) => Promise<unknown>;
  onDeleted: () => void;
}): JSX.Element {
  const { shown, api, trans, execute } = props;
  const { busy, failure, start } = useAction();
  const [isDefault, setIsDefault] = useState(false);
  const remove = async (version: Kfops.IPipelineVersion) => {
    const title = trans.__('Delete %1?', nameOf(version, trans));
    const body = trans.__('Its runs, and images that were built for it, stay.');
    const buttons = [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: trans.__('Delete') })
    ];
    if ((await showDialog({ title, body, buttons })).button.accept) {
      start(async () => {
        await api.deleteVersion(version.id);
        void execute(CommandIDs.refresh);
        props.onDeleted();
      });
    }
  };
  const steps = shown.graph ? countSteps(shown.graph) : 0;
  return (
    <div className="kfops-Header" data-kfops="version-header">
      <div className="kfops-Header-line">
        <h2 className="kfops-Ellipsis">{nameOf(shown, trans)}</h2>
        <span className="kfops-Buttons kfops-mod-end">
          {isVersion(shown) && (
            <>
              <button
                type="button"
                className="kfops-Button kfops-mod-accept"
                data-kfops="version-run"
                onClick={() => void execute(CommandIDs.run, { version_id: shown.id })}
              >
                {trans.__('Run…')}
              </button>
              <button
                type="button"
                className="kfops-Button"
                data-kfops="version-schedule"
                onClick={() => void execute(CommandIDs.schedule, { version_id: shown.id })}
              >
                {trans.__('Schedule…')}
              </button>
              <button
                type="button"
                className="kfops-Button"
                data-kfops="version-runs"
                onClick={() =>
                  void execute(CommandIDs.openRuns, {
                    version_id: shown.id,
                    of: nameOf(shown, trans)
                  })
                }
              >
                {trans.__('Its runs')}
              </button>
              <button
                type="button"
                className="kfops-Button"
                data-kfops="version-default"
                title={trans.__('What the pipeline is run with unless another version is named')}
                disabled={busy || isDefault}
                onClick={() =>
                  start(async () => {
                    await api.setDefaultVersion(shown.pipeline_id, shown.id);
                    setIsDefault(true);
                    void execute(CommandIDs.refresh);
                  })
                }
              >
                {isDefault ? trans.__('Default version') : trans.__('Make it the default')}
              </button>
              <button
                type="button"
                className="kfops-Button"
                data-kfops="version-delete"
                disabled={busy}
                onClick={() => void remove(shown)}
              >
                {trans.__('Delete…')}
              </button>
            </>
          )}
        </span>
      </div>
      <div className="kfops-Header-line kfops-Quiet">
        <span>{trans._n('%1 step', '%1 steps', steps, steps)}</span>
        {!isVersion(shown) && <span>{formatSize(shown.size)}</span>}
        {shown.sha256 && (
          <span className="kfops-Facts-id">
            {trans.__('sha')} <code title={shown.sha256}>{shortId(shown.sha256)}</code>
            <CopyButton text={shown.sha256} label={trans.__('Copy the sha256')} trans={trans} />
          </span>
        )}
        {isVersion(shown) && (
          <span className="kfops-Facts-id">
            {trans.__('version')} <code title={shown.id}>{shortId(shown.id)}</code>
            <CopyButton text={shown.id} label={trans.__('Copy the version id')} trans={trans} />
          </span>
        )}
        {shown.source?.path && (
          <button
            type="button"
            className="kfops-Link"
            data-kfops="version-source"
            title={trans.__('Open %1', shown.source.path)}
            onClick={() => void execute(CommandIDs.openSource, { path: shown.source?.path ?? '' })}
          >
            {baseName(shown.source.path)}
          </button>
        )}
        {shown.source?.git_commit && (
          <span>
            {trans.__('commit')}{' '}
            <code title={shown.source.git_commit}>{shortId(shown.source.git_commit)}</code>
          </span>
        )}
        {isVersion(shown) && <Images images={shown.images} trans={trans} />}
      </div>
      {Boolean(failure) && <Problem error={errorOf(failure)} trans={trans} />}
    </div>
  );
}
