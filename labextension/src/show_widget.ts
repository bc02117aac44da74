import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MessageLoop } from '@lumino/messaging';
import { SplitPanel, TabPanel } from '@lumino/widgets';
import type { Widget } from '@lumino/widgets';

/** Pixels of height in which a view cannot be used. */
const TOO_LOW = 200;

/**
 * Show a widget in the main area.
 *
 * Notebook 7 has room for one widget there, and leaves out a second without a word: such a one is shown in the area below,
 * as wide as the page, while the notebook stays in sight.
 */
export function showWidget(shell: JupyterFrontEnd.IShell, widget: Widget): void {
  if (!widget.isAttached) {
    shell.add(widget, 'main');
    if (!widget.isAttached) {
      shell.add(widget, 'down');
    }
  }
  shell.activateById(widget.id);
  // Notebook 7 shows the area below at the height that it had, at first none, and not which of its tabs is meant
  const tabs = widget.parent?.parent;
  if (tabs instanceof TabPanel) {
    tabs.currentWidget = widget;
    // a layout that is still to be fitted would forget the sizes again
    MessageLoop.flush();
    const split = tabs.parent;
    if (split instanceof SplitPanel && tabs.node.clientHeight < TOO_LOW) {
      split.setRelativeSizes(split.widgets.map(() => 1));
    }
  }
}
