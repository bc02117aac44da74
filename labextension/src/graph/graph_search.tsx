import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useState } from 'react';

import type { ILayout, IPlaced } from './layout';

/** Finds steps by a part of their names; Enter leads from one to the next. */
export function GraphSearch(props: {
  placed: ILayout;
  onFound: (ids: ReadonlySet<string>) => void;
  onShow: (node: IPlaced) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { placed, onFound, onShow, trans } = props;
  const [text, setText] = useState('');
  const [at, setAt] = useState(-1);
  const wanted = text.trim().toLowerCase();
  const nodes = wanted
    ? placed.nodes.filter(node => node.step.name.toLowerCase().includes(wanted))
    : [];
  const change = (value: string) => {
    setText(value);
    setAt(-1);
    const part = value.trim().toLowerCase();
    onFound(
      new Set(
        placed.nodes
          .filter(node => part && node.step.name.toLowerCase().includes(part))
          .map(node => node.step.id)
      )
    );
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'Enter' && nodes.length) {
      const next = (at + (event.shiftKey ? -1 : 1) + nodes.length) % nodes.length;
      setAt(next);
      onShow(nodes[next]!);
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      change('');
    }
  };
  return (
    <div className="kfops-Graph-search" role="search">
      <input
        type="search"
        className="kfops-Input"
        data-kfops="graph-search"
        value={text}
        placeholder={trans.__('Find a step')}
        aria-label={trans.__('Find a step')}
        onChange={event => change(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <span className="kfops-Quiet" role="status">
        {wanted &&
          (at >= 0
            ? trans.__('%1 of %2', at + 1, nodes.length)
            : trans._n('%1 found', '%1 found', nodes.length, nodes.length))}
      </span>
    </div>
  );
}
