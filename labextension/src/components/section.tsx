import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

/** A part of the panel that folds; whether it is folded is remembered by its name. */
export function Section(props: {
  name: string;
  title: string;
  /** How many things it holds; shown also when it is folded. */
  count?: number;
  /** What stands at the title's end. */
  aside?: React.ReactNode;
  folded: boolean;
  onToggle: (name: string) => void;
  children: React.ReactNode;
}): JSX.Element {
  const { name, title, count, folded } = props;
  const Caret = folded ? caretRightIcon : caretDownIcon;
  return (
    <section className="kfops-Section" data-kfops={`section-${name}`} aria-label={title}>
      <h2 className="kfops-Section-head">
        <button
          type="button"
          className="kfops-Section-toggle"
          aria-expanded={!folded}
          onClick={() => props.onToggle(name)}
        >
          <Caret.react tag="span" width="18px" />
          <span className="kfops-Section-title">{title}</span>
          {count !== undefined && <span className="kfops-Count">{count}</span>}
        </button>
        {props.aside}
      </h2>
      {!folded && <div className="kfops-Section-body">{props.children}</div>}
    </section>
  );
}

/** Grey lines where content will be; they show after 200 ms, so that a quick answer does not flicker. */
export function Skeleton(props: { lines: number; label: string }): JSX.Element {
  return (
    <div className="kfops-Skeleton" role="status" aria-label={props.label}>
      {Array.from({ length: props.lines }, (_, index) => (
        <div key={index} className="kfops-Skeleton-line" />
      ))}
    </div>
  );
}

/** What stands where there is nothing yet, with the next step. */
export function Empty(props: { children: React.ReactNode }): JSX.Element {
  return <div className="kfops-Empty">{props.children}</div>;
}

/** A text that may not fit: its whole is shown on hover and on focus. */
export function Name(props: { text: string; className?: string }): JSX.Element {
  const head = props.text.length > 24 ? props.text.slice(0, -9) : props.text;
  const tail = props.text.slice(head.length);
  return (
    <span className={`kfops-Name ${props.className ?? ''}`} title={props.text}>
      <span className="kfops-Name-head">{head}</span>
      {tail && <span className="kfops-Name-tail">{tail}</span>}
    </span>
  );
}
