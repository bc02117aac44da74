import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs, TEXT_DOMAIN } from '../tokens';

/** The ways to the panel's commands from outside the panel: command palette and launcher. */
export const shortcutsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'kfops-lab:shortcuts',
  description: 'Puts the kfops commands into the command palette and the launcher.',
  autoStart: true,
  optional: [ICommandPalette, ILauncher, ITranslator],
  activate: (
    _: JupyterFrontEnd,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(TEXT_DOMAIN);
    const category = trans.__('Kubeflow pipelines');
    const offered = [
      CommandIDs.openPanel,
      CommandIDs.compile,
      CommandIDs.upload,
      CommandIDs.buildImages,
      CommandIDs.run,
      CommandIDs.openRuns,
      CommandIDs.refresh
    ];
    for (const command of offered) {
      palette?.addItem({ command, category });
    }
    for (const use of ['cluster', 'embedded', 'auto']) {
      palette?.addItem({ command: CommandIDs.useBackend, category, args: { use } });
    }
    launcher?.add({ command: CommandIDs.openPanel, category: trans.__('Other'), rank: 20 });
  }
};
