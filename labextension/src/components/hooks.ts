import type { ISignal } from '@lumino/signaling';
import { useCallback, useEffect, useRef, useState } from 'react';

/** Draw the component again whenever a signal is emitted. */
export function useChanges(signal: ISignal<unknown, unknown>): void {
  const [, setCount] = useState(0);
  useEffect(() => {
    const onChanged = () => setCount(count => count + 1);
    signal.connect(onChanged);
    return () => {
      signal.disconnect(onChanged);
    };
  }, [signal]);
}

/** Whether JupyterLab's theme is a dark one, as of now. */
export function useDarkTheme(): boolean {
  const [dark, setDark] = useState(isDark);
  useEffect(() => {
    const observer = new MutationObserver(() => setDark(isDark()));
    observer.observe(document.body, { attributeFilter: ['data-jp-theme-light'] });
    return () => observer.disconnect();
  }, []);
  return dark;
}

function isDark(): boolean {
  return document.body.dataset.jpThemeLight === 'false';
}

/** Something a button does that takes a while: whether it is under way, and how it failed. */
export function useAction(): {
  busy: boolean;
  failure: unknown;
  start: (action: () => Promise<unknown>) => void;
} {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const mounted = useRef(true);
  useEffect(() => {
    mounted.current = true;
    return () => {
      mounted.current = false;
    };
  }, []);
  const start = useCallback((action: () => Promise<unknown>) => {
    setBusy(true);
    setFailure(null);
    action()
      .catch(reason => mounted.current && setFailure(reason))
      .finally(() => mounted.current && setBusy(false));
  }, []);
  return { busy, failure, start };
}
