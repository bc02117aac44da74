/** What opens in the main area: one chunk, fetched when the first view is opened. */
import '../../style/views.css';

export { RunView } from './run_view';
export { VersionView } from './version_view';
