import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { CopyButton } from './copy';

/** Names with their values, which can be copied where they are long. */
export function Pairs(props: {
  pairs: [string, string][];
  title?: string;
  /** What tests call it. */
  name?: string;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { pairs, title, name, trans } = props;
  if (!pairs.length) {
    return null;
  }
  return (
    <>
      {title && <h4>{title}</h4>}
      <dl className="kfops-Pairs" {...(name && { 'data-kfops': name })}>
        {pairs.map(([key, value], index) => (
          <React.Fragment key={index}>
            <dt title={key}>{key}</dt>
            <dd title={value}>
              <span className="kfops-Pairs-value">{value}</span>
              {value.length > 12 && (
                <CopyButton text={value} label={trans.__('Copy %1', key)} trans={trans} />
              )}
            </dd>
          </React.Fragment>
        ))}
      </dl>
    </>
  );
}
