import { checkIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { errorOf } from '../response_error';
import type { Kfops } from '../tokens';
import { Command } from './copy';
import { useAction } from './hooks';
import { Problem } from './problem';

/** What is written to config.yaml for a cluster that can be chosen. */
const EXAMPLE = 'connection: {host: "https://kubeflow.example.com/pipeline"}';

/** The backends that can be used in this project, and which one is chosen; for one that cannot, why, and what to do. */
export function BackendChoice(props: {
  connection: Kfops.IConnectionStatus;
  trans: TranslationBundle;
  onUse: (kind: Kfops.BackendKind) => Promise<unknown>;
  /** Called when another one is used. */
  onDone: () => void;
}): JSX.Element {
  const { connection, trans, onUse, onDone } = props;
  const { busy, failure, start } = useAction();
  const [wanted, setWanted] = React.useState<Kfops.BackendKind | null>(null);
  const options: { kind: Kfops.BackendKind; label: string; note: string; isPossible: boolean }[] = [
    {
      kind: 'auto',
      label: trans.__('Automatic'),
      note: trans.__('What config.yaml and the environment say'),
      isPossible: true
    },
    {
      kind: 'cluster',
      label: trans.__('Cluster'),
      note: connection.cluster || trans.__('No cluster is named here'),
      isPossible: Boolean(connection.cluster)
    },
    {
      kind: 'embedded',
      label: trans.__('Embedded backend'),
      note: trans.__('On this machine, started when it is needed'),
      isPossible: true
    }
  ];
  const use = (kind: Kfops.BackendKind) => {
    setWanted(kind);
    start(() => onUse(kind).then(onDone));
  };
  return (
    <div
      className="kfops-BackendChoice"
      data-kfops="backend-choice"
      role="group"
      aria-label={trans.__('Backend of this project')}
      aria-busy={busy}
    >
      {options.map(({ kind, label, note, isPossible }) => {
        const isChosen = connection.use === kind;
        return (
          <button
            key={kind}
            type="button"
            className="kfops-BackendChoice-option"
            data-kfops={`use-${kind}`}
            aria-pressed={isChosen}
            disabled={busy || !isPossible}
            onClick={() => (isChosen ? onDone() : use(kind))}
          >
            <span className="kfops-BackendChoice-mark" aria-hidden="true">
              {busy && wanted === kind ? (
                <span className="kfops-State kfops-mod-running">
                  <span className="kfops-State-icon">◐</span>
                </span>
              ) : (
                isChosen && <checkIcon.react tag="span" width="16px" />
              )}
            </span>
            <span className="kfops-BackendChoice-text">
              <span>{label}</span>
              <span className="kfops-BackendChoice-note kfops-Quiet">{note}</span>
            </span>
          </button>
        );
      })}
      {!connection.cluster && (
        <div className="kfops-BackendChoice-remedy" data-kfops="no-cluster">
          <p>{trans.__('To be able to choose a cluster, write its address to config.yaml:')}</p>
          <Command command={EXAMPLE} trans={trans} />
        </div>
      )}
      {failure !== null && <Problem error={errorOf(failure)} trans={trans} />}
    </div>
  );
}
