import type { JupyterFrontEnd } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import type { IEditorTracker } from '@jupyterlab/fileeditor';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';

import type { KfopsApp } from './app';
import { panelIcon, runPipelineIcon } from './icons';
import { toNarrowed } from './narrowed';
import { CommandIDs } from './tokens';
import type { Kfops } from './tokens';

type Args = Record<string, unknown>;

/** Register the commands; each fetches what it needs when it is first executed. */
export function addCommands(options: {
  app: JupyterFrontEnd;
  panel: Widget;
  load: () => Promise<KfopsApp>;
  trans: TranslationBundle;
  notebooks: INotebookTracker | null;
  editors: IEditorTracker | null;
}): void {
  const { app, panel, load, trans, notebooks, editors } = options;
  const show = () => app.shell.activateById(panel.id);
  const hasSource = () =>
    Boolean(notebooks?.currentWidget || editors?.currentWidget?.context.path.endsWith('.py'));
  const text = (args: Args, name: string) => {
    const value = args[name];
    return typeof value === 'string' && value ? value : undefined;
  };

  /** The panel says itself how what it began has failed; for everyone else there is a dialog. */
  const add = (
    id: string,
    label: string | ((args: Args) => string),
    execute: (kfops: KfopsApp, args: Args) => Promise<unknown> | unknown,
    isEnabled: (args: Args) => boolean = () => true,
    icon?: LabIcon
  ) => {
    app.commands.addCommand(id, {
      label,
      ...(icon && { icon, caption: label }),
      isEnabled,
      execute: async args => {
        try {
          return await execute(await load(), args);
        } catch (reason) {
          if (args.quiet) {
            throw reason;
          }
          const title = typeof label === 'string' ? label : label(args);
          return showErrorMessage(title, reason instanceof Error ? reason : String(reason));
        }
      }
    });
  };

  app.commands.addCommand(CommandIDs.openPanel, {
    label: args =>
      args.isLauncher ? trans.__('Kubeflow pipelines') : trans.__('Open the KFOPS panel'),
    caption: trans.__('Compile, upload, run and follow Kubeflow pipelines'),
    icon: panelIcon,
    execute: show
  });
  add(
    CommandIDs.compile,
    trans.__('Compile the pipeline of this notebook or file'),
    kfops => (show(), kfops.source.compile()),
    hasSource,
    panelIcon
  );
  add(
    CommandIDs.upload,
    trans.__('Upload the pipeline of this notebook or file'),
    kfops => (show(), kfops.source.upload()),
    hasSource
  );
  add(
    CommandIDs.buildImages,
    trans.__('Build the images of this pipeline version'),
    (kfops, args) => (show(), kfops.source.buildImages(text(args, 'version_id'))),
    args => Boolean(text(args, 'version_id')) || hasSource()
  );
  add(
    CommandIDs.run,
    trans.__('Run the pipeline of this notebook or file…'),
    (kfops, args) => (show(), kfops.run(text(args, 'version_id'))),
    args => Boolean(text(args, 'version_id')) || hasSource(),
    runPipelineIcon
  );
  add(CommandIDs.refresh, trans.__('Refresh the KFOPS panel'), kfops => kfops.model.refresh());
  add(
    CommandIDs.useBackend,
    args =>
      args.use === 'embedded'
        ? trans.__('Use the embedded backend')
        : args.use === 'cluster'
          ? trans.__('Use the cluster')
          : trans.__('Use the backend that config.yaml and the environment name'),
    (kfops, args) => kfops.model.useBackend(args.use as Kfops.BackendKind)
  );
  add(CommandIDs.openRun, trans.__('Open run'), (kfops, args) =>
    kfops.openView(`run:${String(args.run_id)}`)
  );
  add(CommandIDs.openRuns, trans.__('Show all runs'), (kfops, args) =>
    kfops.openView(`runs:${toNarrowed(args)}`)
  );
  add(CommandIDs.compareRuns, trans.__('Compare runs'), (kfops, args) =>
    kfops.openView(`compare:${String(args.run_ids)}`)
  );
  add(CommandIDs.openVersion, trans.__('Show pipeline graph'), (kfops, args) =>
    kfops.openView(
      args.version_id ? `version:${String(args.version_id)}` : `source:${String(args.path)}`
    )
  );
  add(CommandIDs.openSource, trans.__('Open the source'), (_, args) =>
    app.commands.execute('docmanager:open', { path: String(args.path) })
  );
  add(
    CommandIDs.uploadPath,
    trans.__('Upload as a pipeline version'),
    (kfops, args) => (show(), kfops.uploadFile(String(args.path), Boolean(args.run)))
  );
  add(CommandIDs.schedule, trans.__('Schedule pipeline…'), (kfops, args) =>
    kfops.schedule(String(args.version_id))
  );
  add(CommandIDs.openView, trans.__('Open KFOPS view'), (kfops, args) =>
    kfops.openView(String(args.view).replace(/^kfops-/, ''))
  );
  add(CommandIDs.stopRun, trans.__('Stop run'), (kfops, args) =>
    kfops.stopRun(String(args.run_id))
  );
  add(CommandIDs.retryRun, trans.__('Retry run'), (kfops, args) =>
    kfops.retryRun(String(args.run_id))
  );
  add(CommandIDs.cloneRun, trans.__('Clone run…'), (kfops, args) =>
    kfops.cloneRun(String(args.run_id))
  );
}
