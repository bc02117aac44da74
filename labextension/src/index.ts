import { panelPlugin } from './plugins/panel';
import { shortcutsPlugin } from './plugins/shortcuts';

export * from './tokens';

export default [panelPlugin, shortcutsPlugin];
