/** What opens in the main area: one chunk, fetched when the first view is opened. */
import '../../style/views.css';
import '../../style/step.css';

export { CellRun } from './cell_run';
export { CompareView } from './compare_view';
export { RunView } from './run_view';
export { RunsView } from './runs_view';
export { VersionView } from './version_view';
