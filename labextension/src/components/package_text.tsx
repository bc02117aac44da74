import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect, useState } from 'react';

import { errorOf } from '../response_error';
import type { KfopsApi } from '../api';
import type { Loaded } from '../models/resource';
import { CopyButton } from './copy';
import { Problem } from './problem';
import { Skeleton } from './section';

/** The package of a version, as it was uploaded. */
export function PackageText(props: {
  api: KfopsApi;
  versionId: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { api, versionId, trans } = props;
  const [state, setState] = useState<Loaded<string>>({ kind: 'loading' });
  useEffect(() => {
    let current = true;
    api.versionPackage(versionId).then(
      value => current && setState({ kind: 'ready', value, stale: null }),
      reason => current && setState({ kind: 'failed', error: errorOf(reason) })
    );
    return () => {
      current = false;
    };
  }, [api, versionId]);
  if (state.kind === 'loading') {
    return <Skeleton lines={8} label={trans.__('Loading')} />;
  }
  if (state.kind === 'failed') {
    return <Problem error={state.error} trans={trans} />;
  }
  return (
    <div className="kfops-Sheet">
      <CopyButton text={state.value} label={trans.__('Copy the package')} trans={trans} />
      <pre
        className="kfops-Code"
        data-kfops="package-text"
        tabIndex={0}
        aria-label={trans.__('Package')}
      >
        {state.value}
      </pre>
    </div>
  );
}
