import type { IRenderMime } from '@jupyterlab/rendermime';
import { Panel } from '@lumino/widgets';

import type { KfopsApp } from './app';
import { RUN_MIME } from './tokens';
import type { CellRun } from './widgets/cell_run';

/** Before the widgets (-10) that other front ends show, and before HTML (50). */
export const RUN_RANK = -20;

/** Makes what shows a run in a cell's output. */
export function runRenderer(load: () => Promise<KfopsApp>): IRenderMime.IRendererFactory {
  return {
    // also for a notebook that nobody trusts: what it says is checked, and shown as text
    safe: true,
    mimeTypes: [RUN_MIME],
    createRenderer: () => new LazyCellRun(load)
  };
}

/** A run in a cell's output, before the parts that draw it are fetched. */
class LazyCellRun extends Panel implements IRenderMime.IRenderer {
  constructor(private readonly _load: () => Promise<KfopsApp>) {
    super();
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._model = model;
    try {
      const view = await (this._view ??= this._load().then(app => app.createCellRun()));
      if (this.isDisposed) {
        view.dispose();
      } else {
        view.setOutput(this._model);
        this.addWidget(view);
      }
    } catch (reason) {
      // the server has gone, or has another version of the extension by now: the text of the output is there
      console.warn('kfops: the view of a run could not be fetched', reason);
      this._view = null;
      this.node.textContent = String(model.data['text/plain'] ?? '');
    }
  }

  private _model: IRenderMime.IMimeModel | null = null;
  private _view: Promise<CellRun> | null = null;
}
