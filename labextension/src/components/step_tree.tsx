import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useRef } from 'react';

import { durationOf } from '../format';
import type { Kfops } from '../tokens';
import { StateIcon } from './states';

/** The steps as a tree: the graph's content for a keyboard and a screen reader. */
export function StepTree(props: {
  graph: Kfops.IGraph;
  hasRun: boolean;
  selected: string;
  onSelect: (stepId: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const tree = useRef<HTMLUListElement>(null);
  const onKeyDown = (event: React.KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const move = moves[event.key];
    if (!move || !tree.current) {
      return;
    }
    event.preventDefault();
    const items = Array.from(tree.current.querySelectorAll<HTMLElement>('[role="treeitem"]'));
    const at = items.indexOf(document.activeElement as HTMLElement);
    items[Math.min(items.length - 1, Math.max(0, at + move))]?.focus();
  };
  const first = props.selected || props.graph.steps[0]?.id || '';
  return (
    <ul
      className="kfops-Tree"
      role="tree"
      aria-label={props.trans.__('Steps')}
      data-kfops="steps"
      ref={tree}
      onKeyDown={onKeyDown}
    >
      <Level {...props} parent="" level={1} focusable={first} />
    </ul>
  );
}

function Level(props: {
  graph: Kfops.IGraph;
  hasRun: boolean;
  parent: string;
  level: number;
  selected: string;
  /** The one item that Tab leads to; arrows lead on from there. */
  focusable: string;
  onSelect: (stepId: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { graph, parent, level, selected, focusable, onSelect, trans } = props;
  const steps = graph.steps.filter(step => step.parent === parent);
  return (
    <>
      {steps.map(step => (
        <React.Fragment key={step.id}>
          <li
            className={`kfops-Tree-item ${step.id === selected ? 'kfops-mod-selected' : ''}`}
            role="treeitem"
            aria-level={level}
            aria-selected={step.id === selected}
            tabIndex={step.id === focusable ? 0 : -1}
            data-kfops="step-row"
            data-step={step.id}
            data-name={step.name}
            data-state={step.state}
            style={{ paddingLeft: `${level * 16 - 8}px` }}
            onClick={() => onSelect(step.id)}
            onKeyDown={event => {
              if (event.key === 'Enter' || event.key === ' ') {
                event.preventDefault();
                onSelect(step.id);
              }
            }}
          >
            {props.hasRun && <StateIcon state={step.state} trans={trans} />}
            <span className="kfops-Ellipsis" title={step.name}>
              {step.name}
            </span>
            {step.kind !== 'step' && <span className="kfops-Quiet">{step.kind}</span>}
            <span className="kfops-Row-time">{props.hasRun && durationOf(step)}</span>
          </li>
          {step.kind !== 'step' && <Level {...props} parent={step.id} level={level + 1} />}
        </React.Fragment>
      ))}
    </>
  );
}
