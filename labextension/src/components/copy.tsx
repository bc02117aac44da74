import { copyIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useEffect, useState } from 'react';

/** A small button that copies a text, and says that it has. */
export function CopyButton(props: {
  text: string;
  /** What is copied, for the button's name: "Copy id". */
  label: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { text, label, trans } = props;
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = window.setTimeout(() => setCopied(false), 1500);
    return () => window.clearTimeout(timer);
  }, [copied]);
  const copy = (event: React.MouseEvent) => {
    event.stopPropagation();
    void writeClipboard(text).then(() => setCopied(true));
  };
  return (
    <button
      type="button"
      className="kfops-IconButton"
      data-kfops="copy"
      title={copied ? trans.__('Copied') : label}
      aria-label={copied ? trans.__('Copied') : label}
      onClick={copy}
    >
      {copied ? <span aria-hidden="true">✔</span> : <copyIcon.react tag="span" width="14px" />}
    </button>
  );
}

/** A command to type in a terminal, with its copy button. */
export function Command(props: { command: string; trans: TranslationBundle }): JSX.Element {
  return (
    <div className="kfops-Command">
      <code>{props.command}</code>
      <CopyButton
        text={props.command}
        label={props.trans.__('Copy the command')}
        trans={props.trans}
      />
    </div>
  );
}

/** `navigator.clipboard` is absent on pages that are not served securely, such as a plain http host. */
async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement('textarea');
  area.value = text;
  document.body.appendChild(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
