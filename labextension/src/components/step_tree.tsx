import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useMemo, useState } from 'react';

import { durationOf } from '../format';
import { groupCounts } from '../graph/groups';
import type { Kfops } from '../tokens';
import { kindWord, StateIcon } from './states';
import { VirtualList } from './virtual_list';

const ROW = 26;
/** A group with more steps than this is folded at first. */
const MOST_UNFOLDED = 30;

interface IRow {
  step: Kfops.IStep;
  level: number;
  isGroup: boolean;
  isOpen: boolean;
}

/** The steps as a tree: the graph's content for a keyboard and a screen reader. */
export function StepTree(props: {
  graph: Kfops.IGraph;
  hasRun: boolean;
  selected: string;
  onSelect: (stepId: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { graph, hasRun, selected, onSelect, trans } = props;
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const counts = useMemo(() => groupCounts(graph), [graph]);
  const rows = useMemo(() => {
    const isOpen = (id: string) =>
      (counts.get(id)?.total ?? 0) > MOST_UNFOLDED ? toggled.has(id) : !toggled.has(id);
    return rowsOf(graph, isOpen);
  }, [graph, counts, toggled]);
  const toggle = (id: string) => {
    const next = new Set(toggled);
    if (!next.delete(id)) {
      next.add(id);
    }
    setToggled(next);
  };
  const focusable = rows.some(row => row.step.id === selected)
    ? selected
    : (rows[0]?.step.id ?? '');
  const onKeyDown = (event: React.KeyboardEvent, row: IRow) => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onSelect(row.step.id);
    } else if (
      row.isGroup &&
      ((event.key === 'ArrowRight' && !row.isOpen) || (event.key === 'ArrowLeft' && row.isOpen))
    ) {
      event.preventDefault();
      toggle(row.step.id);
    }
  };
  return (
    <VirtualList
      items={rows}
      rowHeight={ROW}
      keyOf={row => row.step.id}
      role="tree"
      label={trans.__('Steps')}
      name="steps"
      className="kfops-Tree"
      render={row => {
        const { step, level, isGroup, isOpen } = row;
        const count = counts.get(step.id);
        return (
          <div
            className={`kfops-Tree-item ${step.id === selected ? 'kfops-mod-selected' : ''}`}
            role="treeitem"
            aria-level={level}
            aria-selected={step.id === selected}
            aria-expanded={isGroup ? isOpen : undefined}
            tabIndex={step.id === focusable ? 0 : -1}
            data-row-focus
            data-kfops="step-row"
            data-step={step.id}
            data-name={step.name}
            data-state={step.state}
            style={{ paddingLeft: `${level * 16 - 8}px` }}
            onClick={() => onSelect(step.id)}
            onKeyDown={event => onKeyDown(event, row)}
          >
            <span
              className="kfops-Tree-caret"
              aria-hidden="true"
              onClick={event => {
                if (isGroup) {
                  event.stopPropagation();
                  toggle(step.id);
                }
              }}
            >
              {isGroup ? (isOpen ? '▾' : '▸') : ''}
            </span>
            {hasRun && <StateIcon state={step.state} trans={trans} />}
            <span className="kfops-Ellipsis" title={step.name}>
              {step.name}
            </span>
            {isGroup && (
              <span className="kfops-Quiet">
                {kindWord(step.kind, trans)}
                {count &&
                  hasRun &&
                  step.kind !== 'retry' &&
                  ` ${trans.__('%1 of %2', count.done, count.total)}`}
              </span>
            )}
            <span className="kfops-Row-time">{hasRun && durationOf(step)}</span>
          </div>
        );
      }}
    />
  );
}

/** The steps that are not in a folded group, each below its group. */
function rowsOf(graph: Kfops.IGraph, isOpen: (id: string) => boolean): IRow[] {
  const children = new Map<string, Kfops.IStep[]>();
  for (const step of graph.steps) {
    const siblings = children.get(step.parent);
    if (siblings) {
      siblings.push(step);
    } else {
      children.set(step.parent, [step]);
    }
  }
  const rows: IRow[] = [];
  const add = (parent: string, level: number) => {
    for (const step of children.get(parent) ?? []) {
      const isGroup = children.has(step.id);
      const row = { step, level, isGroup, isOpen: isGroup && isOpen(step.id) };
      rows.push(row);
      if (row.isOpen) {
        add(step.id, level + 1);
      }
    }
  };
  add('', 1);
  return rows;
}
