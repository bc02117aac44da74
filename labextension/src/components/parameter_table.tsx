import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { spacedJson } from '../parameters';
import type { Kfops } from '../tokens';
import { Empty } from './section';

/** What a pipeline takes. */
export function ParameterTable(props: {
  parameters: Kfops.IParameter[];
  trans: TranslationBundle;
}): JSX.Element {
  const { parameters, trans } = props;
  if (!parameters.length) {
    return <Empty>{trans.__('This pipeline takes no parameters.')}</Empty>;
  }
  return (
    <div className="kfops-Sheet">
      <table className="kfops-Grid">
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
