/** The ids of the panel's commands. */
export namespace CommandIDs {
  /** Show the side panel. */
  export const openPanel = 'kfops:open-panel';
  /** Compile the current notebook or file. */
  export const compile = 'kfops:compile-source';
  /** Compile the current notebook or file and upload it as a pipeline version. */
  export const upload = 'kfops:upload-source';
  /** Run the current notebook's or file's version, or the one in `args.version_id`. */
  export const run = 'kfops:run-version';
  /** Build the images of the version in `args.version_id`, else of the current source's. */
  export const buildImages = 'kfops:build-images';
  /** Open the run in `args.run_id` in the main area. */
  export const openRun = 'kfops:open-run';
  /** Open the version in `args.version_id`, or the last package of `args.path`, in the main area. */
  export const openVersion = 'kfops:open-version';
  /** Open the view named in `args.view` anew, after a reload. */
  export const openView = 'kfops:open-view';
  /**
   * Open runs in the main area: all, or those of the `args.version_id`, `args.experiment_id` or `args.recurring_run_id`
   * that is called `args.of`.
   */
  export const openRuns = 'kfops:open-runs';
  /** Show the runs in `args.run_ids`, with commas between them, side by side. */
  export const compareRuns = 'kfops:compare-runs';
  /** Open the notebook or file in `args.path` that a version was made from. */
  export const openSource = 'kfops:open-source';
  /** Upload the notebook, Python file or package in `args.path`, and with `args.run` run it. */
  export const uploadPath = 'kfops:upload-path';
  /** Upload the file that is selected in the file browser. */
  export const uploadFile = 'kfops:upload-file';
  /** Upload and run the file that is selected in the file browser. */
  export const runFile = 'kfops:run-file';
  /** Have the version in `args.version_id` run again and again, after a question for when. */
  export const schedule = 'kfops:schedule-version';
  /** Stop the run in `args.run_id`. */
  export const stopRun = 'kfops:stop-run';
  /** Retry the failed run in `args.run_id`: what has succeeded is kept. */
  export const retryRun = 'kfops:retry-run';
  /** Start a new run with the parameters of the one in `args.run_id`, after a look at them. */
  export const cloneRun = 'kfops:clone-run';
  /** Use the backend in `args.use` from now on: `cluster`, `embedded`, or `auto` for what config.yaml says. */
  export const useBackend = 'kfops:use-backend';
  /** Ask the backend again for everything that is on screen. */
  export const refresh = 'kfops:refresh-panel';
}
