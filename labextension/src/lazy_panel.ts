import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Panel } from '@lumino/widgets';

import type { KfopsApp } from './app';
import { panelIcon } from './icons';

/** The side panel before it is first opened: a tab with an icon, whose content is fetched when it is shown. */
export class LazyPanel extends Panel {
  constructor(options: LazyPanel.IOptions) {
    super();
    this._load = options.load;
    const { trans } = options;
    this.id = 'kfops-panel';
    this.addClass('kfops-Panel');
    this.title.icon = panelIcon;
    this.title.caption = trans.__('Kubeflow pipelines (KFOPS)');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('KFOPS'));
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    void this._show();
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    if (this._app) {
      this._app.model.isWatched = false;
    }
  }

  private async _show(): Promise<void> {
    const app = await this._load();
    if (this.isDisposed) {
      return;
    }
    if (!this._app) {
      this._app = app;
      this.addWidget(app.createPanel());
    }
    app.model.isWatched = this.isVisible;
  }

  private _load: () => Promise<KfopsApp>;
  private _app: KfopsApp | null = null;
}

export namespace LazyPanel {
  export interface IOptions {
    trans: TranslationBundle;
    load: () => Promise<KfopsApp>;
  }
}
