import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect, useState } from 'react';

import { errorOf } from '../response_error';
import { formatSize } from '../format';
import type { Loaded } from '../models/resource';
import { FINAL_STATES } from '../tokens';
import type { Kfops } from '../tokens';
import { Mime } from './mime';
import { Problem } from './problem';
import { Skeleton } from './section';

/** Where artifacts come from, and what draws those that JupyterLab can draw itself. */
export interface IArtifactSource {
  previews: (stepId: string) => Promise<Kfops.IPreview[]>;
  rendermime: IRenderMimeRegistry | null;
}

/** The output artifacts of a step, looked at where they stand. */
export function Artifacts(props: {
  source: IArtifactSource;
  step: Kfops.IStep;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { source, step, trans } = props;
  const [state, setState] = useState<Loaded<Kfops.IPreview[]>>({ kind: 'loading' });
  const hasEnded = FINAL_STATES.has(step.state);
  useEffect(() => {
    let current = hasEnded;
    if (current) {
      source.previews(step.id).then(
        value => current && setState({ kind: 'ready', value, stale: null }),
        reason => current && setState({ kind: 'failed', error: errorOf(reason) })
      );
    }
    return () => {
      current = false;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- artifacts do not change any more
  }, [step.id, hasEnded]);
  if (!hasEnded) {
    return null;
  }
  return (
    <>
      <h4>{trans.__('Artifacts')}</h4>
      {state.kind === 'loading' && <Skeleton lines={2} label={trans.__('Loading')} />}
      {state.kind === 'failed' && <Problem error={state.error} trans={trans} />}
      {state.kind === 'ready' &&
        state.value.map((preview, index) => (
          <figure
            key={index}
            className="kfops-Preview"
            data-kfops="artifact"
            data-artifact={preview.artifact}
            data-kind={preview.kind}
          >
            <figcaption>
              <span className="kfops-Ellipsis" title={preview.artifact}>
                {preview.artifact}
                {preview.title && ` · ${preview.title}`}
              </span>
              {preview.size > 0 && (
                <span className="kfops-Row-time">{formatSize(preview.size)}</span>
              )}
            </figcaption>
            <Preview preview={preview} rendermime={source.rendermime} trans={trans} />
            {preview.truncated && (
              <p className="kfops-Quiet">{trans.__('This is only the beginning of it.')}</p>
            )}
          </figure>
        ))}
    </>
  );
}

function Preview(props: {
  preview: Kfops.IPreview;
  rendermime: IRenderMimeRegistry | null;
  trans: TranslationBundle;
}): JSX.Element {
  const { preview, rendermime, trans } = props;
  const { data } = preview;
  switch (preview.kind) {
    case 'image': {
      const [[type, content] = ['', '']] = Object.entries(data);
      const source = `data:${type};base64,${String(content)}`;
      return <img className="kfops-Preview-image" src={source} alt={preview.artifact} />;
    }
    case 'html':
      return (
        // no permission at all: nothing in it runs, and it reaches nothing
        <iframe
          className="kfops-Preview-html"
          sandbox=""
          srcDoc={LOCKED + String(data['text/html'] ?? '')}
          title={preview.artifact}
        />
      );
    case 'table':
      return <Table preview={preview} />;
    case 'roc':
    case 'confusion-matrix':
      return (
        <>
          {rendermime && <Mime data={data} rendermime={rendermime} />}
          <details>
            <summary>{trans.__('As a table')}</summary>
            <Table preview={preview} />
          </details>
        </>
      );
    case 'markdown':
      return rendermime ? (
        <Mime data={data} rendermime={rendermime} />
      ) : (
        <pre className="kfops-Preview-text">{String(data['text/markdown'])}</pre>
      );
    case 'json':
      return (
        <pre className="kfops-Preview-text" tabIndex={0}>
          {JSON.stringify(data['application/json'], null, 2)}
        </pre>
      );
    case 'text':
      return (
        <pre className="kfops-Preview-text" tabIndex={0}>
          {String(data['text/plain'] ?? '')}
        </pre>
      );
    default:
      return <p className="kfops-Quiet">{preview.message}</p>;
  }
}

/** What stands before foreign HTML: it may load nothing from anywhere, but for pictures that it holds itself. */
const LOCKED =
  '<meta http-equiv="Content-Security-Policy" ' +
  "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:\">";

function Table(props: { preview: Kfops.IPreview }): JSX.Element {
  const { columns, rows, artifact } = props.preview;
  return (
    <div className="kfops-Preview-table" tabIndex={0} role="group" aria-label={artifact}>
      <table className="kfops-Grid">
        {columns.length > 0 && (
          <thead>
            <tr>
              {columns.map((column, index) => (
                <th key={index} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
