import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { useEffect, useRef } from 'react';

import { useDarkTheme } from './hooks';

/** What JupyterLab's own renderers make of a MIME bundle, as of one that nobody trusts; once more in another theme. */
export function Mime(props: {
  data: Record<string, unknown>;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { data, rendermime } = props;
  const host = useRef<HTMLDivElement>(null);
  const dark = useDarkTheme();
  useEffect(() => {
    const bundle = data as ReadonlyPartialJSONObject;
    const type = rendermime.preferredMimeType(bundle, 'any');
    if (!type || !host.current) {
      return;
    }
    const renderer = rendermime.createRenderer(type);
    Widget.attach(renderer, host.current);
    void renderer
      .renderModel(rendermime.createModel({ data: bundle, trusted: false }))
      .then(() => name(renderer.node))
      .catch((reason: unknown) => {
        if (host.current) {
          host.current.textContent = String(reason);
        }
      });
    return () => {
      // React may have taken the host away already
      if (renderer.isAttached && renderer.node.isConnected) {
        Widget.detach(renderer);
      }
      renderer.dispose();
    };
  }, [data, rendermime, dark]);
  return <div className="kfops-Mime" ref={host} />;
}

/**
 * What screen readers make of it: the headings of a document come below that of the artifacts it is one of, and the
 * button of a plot is called what Vega says of what it unfolds.
 */
function name(node: HTMLElement): void {
  for (let level = 1; level <= 6; level++) {
    node
      .querySelectorAll(`h${level}`)
      .forEach(heading => heading.setAttribute('aria-level', String(level + 4)));
  }
  node
    .querySelectorAll<HTMLElement>('details[title] > summary')
    .forEach(button => button.setAttribute('aria-label', button.parentElement!.title));
}
