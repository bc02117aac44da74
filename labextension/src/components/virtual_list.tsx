import * as React from 'react';
import { useCallback, useEffect, useRef, useState } from 'react';

/** Rows above and below those in sight that are there too, for a quick scroll and for the Tab key. */
const OVERSCAN = 6;

/**
 * A long list of rows of one height, of which only those in sight are in the page.
 *
 * Home, End, Page Up, Page Down and the arrows move the focus, also to rows that were not in sight.
 */
export function VirtualList<T>(props: {
  items: readonly T[];
  /** Pixels. */
  rowHeight: number;
  keyOf: (item: T) => string;
  render: (item: T, index: number) => JSX.Element;
  /** Called when the last row comes into sight. */
  onEnd?: () => void;
  className?: string;
  /** The roles of the list and of a row, and what a reader is told of the list. */
  role?: 'list' | 'tree' | 'grid';
  label: string;
  name?: string;
}): JSX.Element {
  const { items, rowHeight, onEnd } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ first: 0, count: 20 });
  const measure = useCallback(() => {
    const { current } = scroller;
    if (!current) {
      return;
    }
    const first = Math.max(0, Math.floor(current.scrollTop / rowHeight) - OVERSCAN);
    const count = Math.ceil(current.clientHeight / rowHeight) + 2 * OVERSCAN;
    setRange(old => (old.first === first && old.count === count ? old : { first, count }));
  }, [rowHeight]);
  useEffect(() => {
    const { current } = scroller;
    if (!current || typeof ResizeObserver === 'undefined') {
      return;
    }
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, [measure]);
  const last = Math.min(items.length, range.first + range.count);
  useEffect(() => {
    if (items.length && last >= items.length) {
      onEnd?.();
    }
  }, [items.length, last, onEnd]);

  const focusRow = (index: number) => {
    const { current } = scroller;
    const at = Math.min(items.length - 1, Math.max(0, index));
    if (!current || at < 0) {
      return;
    }
    const top = at * rowHeight;
    if (top < current.scrollTop) {
      current.scrollTop = top;
    } else if (top + rowHeight > current.scrollTop + current.clientHeight) {
      current.scrollTop = top + rowHeight - current.clientHeight;
    }
    measure();
    // the row may have to come into the page first
    requestAnimationFrame(() => {
      const row = current.querySelector<HTMLElement>(`[data-index="${at}"]`);
      (row?.querySelector<HTMLElement>('[data-row-focus]') ?? row)?.focus({ preventScroll: true });
    });
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const row = (event.target as Element).closest<HTMLElement>('[data-index]');
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 1);
    const index = Number(row?.dataset.index);
    const moves: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: items.length - 1
    };
    const to = moves[event.key];
    if (row && to !== undefined) {
      event.preventDefault();
      focusRow(to);
    }
  };
  const rowRole = { list: 'listitem', tree: 'none', grid: 'none' }[props.role ?? 'list'];
  return (
    <div
      className={`kfops-Virtual ${props.className ?? ''}`}
      ref={scroller}
      onScroll={measure}
      onKeyDown={onKeyDown}
      {...(props.name && { 'data-kfops': props.name })}
    >
      <div
        role={props.role ?? 'list'}
        aria-label={props.label}
        style={{ height: items.length * rowHeight, position: 'relative' }}
      >
        {items.slice(range.first, last).map((item, offset) => {
          const index = range.first + offset;
          return (
            <div
              key={props.keyOf(item)}
              role={rowRole}
              aria-setsize={rowRole === 'listitem' ? items.length : undefined}
              aria-posinset={rowRole === 'listitem' ? index + 1 : undefined}
              data-index={index}
              className="kfops-Virtual-row"
              style={{ top: index * rowHeight, height: rowHeight }}
            >
              {props.render(item, index)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
