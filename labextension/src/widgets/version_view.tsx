import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';
import { useEffect, useState } from 'react';

import { errorOf } from '../api';
import { CopyButton } from '../components/copy';
import { Images } from '../components/images';
import { Problem } from '../components/problem';
import { Empty, Skeleton } from '../components/section';
import { countSteps } from '../components/source';
import { ViewLayout } from '../components/view_layout';
import { formatSize, shortId } from '../format';
import type { Loaded } from '../models/resource';
import { formParameters, spacedJson } from '../parameters';
import { CommandIDs } from '../tokens';
import type { Kfops } from '../tokens';

type Shown = Kfops.IPackage | Kfops.IPipelineVersion;

/** The graph of a package that has been compiled, or of a pipeline version. */
export class VersionView extends ReactWidget {
  constructor(options: VersionView.IOptions) {
    super();
    this._options = options;
    this.addClass('kfops-VersionView');
    this.node.dataset.kfops = 'version-view';
    this.title.label = options.trans.__('Pipeline %1', options.title.split('/').pop() ?? '');
  }

  protected override render(): JSX.Element {
    return (
      <Content
        {...this._options}
        onShown={shown => {
          this.title.label = nameOf(shown);
        }}
      />
    );
  }

  private _options: VersionView.IOptions;
}

export namespace VersionView {
  export interface IOptions {
    load: () => Promise<Shown | null>;
    title: string;
    trans: TranslationBundle;
    execute: (command: string, args?: Record<string, string>) => Promise<unknown>;
    /** Emitted when there may be a newer package. */
    changed: ISignal<unknown, unknown>;
  }
}

function isVersion(shown: Shown): shown is Kfops.IPipelineVersion {
  return 'pipeline_id' in shown;
}

function nameOf(shown: Shown): string {
  return isVersion(shown) ? `${shown.pipeline_name} · ${shown.name}` : shown.name;
}

function Content(props: VersionView.IOptions & { onShown: (shown: Shown) => void }): JSX.Element {
  const { trans, load, onShown } = props;
  const shown = useShown(props);
  const [selected, setSelected] = useState('');
  const value = shown.kind === 'ready' ? shown.value : null;
  useEffect(() => {
    if (value) {
      onShown(value);
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only another value has another name
  }, [value, load]);
  if (shown.kind === 'loading') {
    return <Skeleton lines={6} label={trans.__('Loading')} />;
  }
  if (shown.kind === 'failed') {
    return <Problem error={shown.error} trans={trans} />;
  }
  if (!value?.graph) {
    return <Empty>{trans.__('Not compiled yet. Choose “Compile” in the KFOPS panel.')}</Empty>;
  }
  return (
    <ViewLayout
      header={<Header shown={value} trans={trans} execute={props.execute} />}
      graph={value.graph}
      hasRun={false}
      selected={selected}
      step={value.graph.steps.find(step => step.id === selected) ?? null}
      log={null}
      artifacts={null}
      onSelect={setSelected}
      tabs={[
        {
          name: 'parameters',
          title: trans.__('Parameters'),
          content: <ParameterTable parameters={formParameters(value.parameters)} trans={trans} />
        }
      ]}
      trans={trans}
    />
  );
}

/** A version is asked for once; the package of a document anew with each compile. */
function useShown(options: VersionView.IOptions): Loaded<Shown | null> {
  const { load, changed } = options;
  const [state, setState] = useState<Loaded<Shown | null>>({ kind: 'loading' });
  useEffect(() => {
    let current = true;
    let last: Shown | null | undefined;
    const update = (fresh: boolean) =>
      void load().then(
        value => {
          if (current && (fresh || value !== last)) {
            last = value;
            setState({ kind: 'ready', value, stale: null });
          }
        },
        reason => current && setState({ kind: 'failed', error: errorOf(reason) })
      );
    update(true);
    const onChanged = () => {
      if (last === undefined || last === null || !isVersion(last)) {
        update(false);
      }
    };
    changed.connect(onChanged);
    return () => {
      current = false;
      changed.disconnect(onChanged);
    };
  }, [load, changed]);
  return state;
}

function Header(props: {
  shown: Shown;
  trans: TranslationBundle;
  execute: VersionView.IOptions['execute'];
}): JSX.Element {
  const { shown, trans, execute } = props;
  const steps = shown.graph ? countSteps(shown.graph) : 0;
  return (
    <header className="kfops-Header" data-kfops="version-header">
      <div className="kfops-Header-line">
        <h2 className="kfops-Ellipsis">{nameOf(shown)}</h2>
        <span className="kfops-Buttons kfops-mod-end">
          {isVersion(shown) && (
            <button
              type="button"
              className="kfops-Button kfops-mod-accept"
              data-kfops="version-run"
              onClick={() => void execute(CommandIDs.run, { version_id: shown.id })}
            >
              {trans.__('Run…')}
            </button>
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
        {shown.source?.path && <span title={shown.source.sha256}>{shown.source.path}</span>}
        {isVersion(shown) && <Images images={shown.images} trans={trans} />}
      </div>
    </header>
  );
}

function ParameterTable(props: {
  parameters: Kfops.IParameter[];
  trans: TranslationBundle;
}): JSX.Element {
  const { parameters, trans } = props;
  if (!parameters.length) {
    return <Empty>{trans.__('This pipeline takes no parameters.')}</Empty>;
  }
  return (
    <div className="kfops-Sheet">
      <table className="kfops-Table">
        <thead>
          <tr>
            <th scope="col">{trans.__('Parameter')}</th>
            <th scope="col">{trans.__('Type')}</th>
            <th scope="col">{trans.__('Default')}</th>
            <th scope="col">{trans.__('Description')}</th>
          </tr>
        </thead>
        <tbody>
          {parameters.map(parameter => (
            <tr key={parameter.name}>
              <th scope="row">{parameter.name}</th>
              <td>{parameter.type}</td>
              <td>{parameter.required ? trans.__('required') : spacedJson(parameter.default)}</td>
              <td>{parameter.description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
