import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';
import { useEffect, useMemo, useState } from 'react';

import { errorOf } from '../response_error';
import type { KfopsApi } from '../api';
import { Changes } from '../components/changes';
import { PackageText } from '../components/package_text';
import { ParameterTable } from '../components/parameter_table';
import { Problem } from '../components/problem';
import { Empty, Skeleton } from '../components/section';
import { isVersion, nameOf, VersionHeader } from '../components/version_header';
import type { Shown } from '../components/version_header';
import { expectGraph, ViewLayout } from '../components/view_layout';
import type { Loaded } from '../models/resource';
import { formParameters } from '../parameters';

/** The graph of a package that has been compiled, or of a pipeline version. */
export class VersionView extends ReactWidget {
  constructor(options: VersionView.IOptions) {
    super();
    this._options = options;
    expectGraph();
    this.addClass('kfops-VersionView');
    this.node.dataset.kfops = 'version-view';
    this.title.label = options.trans.__('Pipeline %1', options.title.split('/').pop() ?? '');
  }

  protected override render(): JSX.Element {
    return (
      <Content
        {...this._options}
        onShown={shown => {
          this.title.label = nameOf(shown, this._options.trans);
        }}
        onDeleted={() => this.parent?.close()}
      />
    );
  }

  private _options: VersionView.IOptions;
}

export namespace VersionView {
  export interface IOptions {
    api: KfopsApi;
    load: () => Promise<Shown | null>;
    title: string;
    trans: TranslationBundle;
    execute: (command: string, args?: Record<string, string>) => Promise<unknown>;
    /** Emitted when there may be a newer package. */
    changed: ISignal<unknown, unknown>;
  }
}

function Content(
  props: VersionView.IOptions & { onShown: (shown: Shown) => void; onDeleted: () => void }
): JSX.Element {
  const { api, trans, load, onShown } = props;
  const shown = useShown(props);
  const [selected, setSelected] = useState('');
  const value = shown.kind === 'ready' ? shown.value : null;
  useEffect(() => {
    if (value) {
      onShown(value);
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only another value has another name
  }, [value, load]);
  const versionId = value && isVersion(value) ? value.id : '';
  const specs = useMemo(
    () =>
      versionId
        ? { spec: (stepId: string) => api.versionStepSpec(versionId, stepId), openRun: () => {} }
        : null,
    [api, versionId]
  );
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
      header={
        <VersionHeader
          shown={value}
          api={api}
          trans={trans}
          execute={props.execute}
          onDeleted={props.onDeleted}
        />
      }
      graph={value.graph}
      hasRun={false}
      selected={selected}
      step={value.graph.steps.find(step => step.id === selected) ?? null}
      log={null}
      artifacts={null}
      specs={specs}
      onSelect={setSelected}
      tabs={[
        {
          name: 'parameters',
          title: trans.__('Parameters'),
          content: <ParameterTable parameters={formParameters(value.parameters)} trans={trans} />
        },
        ...(isVersion(value)
          ? [
              {
                name: 'package',
                title: trans.__('YAML'),
                content: <PackageText key={value.id} api={api} versionId={value.id} trans={trans} />
              },
              {
                name: 'changes',
                title: trans.__('Changes'),
                content: <Changes key={value.id} api={api} version={value} trans={trans} />
              }
            ]
          : [])
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
