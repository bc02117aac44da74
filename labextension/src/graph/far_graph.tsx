import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Kfops } from '../tokens';
import { smoothPath } from './layout';
import type { ILayout } from './layout';

/** A large graph from afar: boxes in the colours of their states, without words, in one drawing. */
export const FarGraph = React.memo(function FarGraph(props: {
  placed: ILayout;
  steps: Map<string, Kfops.IStep>;
  hasRun: boolean;
  found: ReadonlySet<string>;
  selected: string;
  onSelect: (stepId: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { placed, steps, found, selected, trans } = props;
  const onClick = (event: React.MouseEvent) => {
    const id = (event.target as Element).getAttribute('data-far');
    if (id) {
      props.onSelect(id);
    }
  };
  return (
    <svg
      className="kfops-Far"
      data-kfops="graph-far"
      width={placed.width}
      height={placed.height}
      role="img"
      aria-label={trans.__('The whole graph; zoom in, or see the tab “Steps”, to read it')}
      onClick={onClick}
    >
      <path
        className="kfops-Far-edges"
        d={placed.edges.map(edge => smoothPath(edge.points)).join('')}
      />
      {placed.nodes.map(({ step, x, y, width, height, isFrame }) => {
        const state = props.hasRun ? (steps.get(step.id) ?? step).state : 'pending';
        const classes = [
          isFrame ? 'kfops-Far-frame' : 'kfops-Far-step',
          `kfops-mod-${state}`,
          found.has(step.id) ? 'kfops-mod-found' : '',
          step.id === selected ? 'kfops-mod-selected' : ''
        ];
        return (
          <rect
            key={step.id}
            className={classes.join(' ')}
            data-far={step.id}
            x={x}
            y={y}
            width={width}
            height={height}
            rx="8"
          />
        );
      })}
    </svg>
  );
});
