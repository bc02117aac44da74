import { LabIcon } from '@jupyterlab/ui-components';

/** The panel's icon: three steps, the last two after the first. */
export const panelIcon = new LabIcon({
  name: 'kfops-lab:panel',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <circle cx="12" cy="5" r="3"/><circle cx="6" cy="19" r="3"/><circle cx="18" cy="19" r="3"/>
    <path d="M11.2 7h1.6v4.2l5.3 4.6-1 1.2-5.1-4.4-5.1 4.4-1-1.2 5.3-4.6z"/>
  </g>
</svg>`
});

/** The same with an arrow: run it. */
export const runPipelineIcon = new LabIcon({
  name: 'kfops-lab:run-pipeline',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <circle cx="9" cy="5" r="3"/><circle cx="4" cy="19" r="3"/>
    <path d="M8.2 7h1.6v4.2l1.8 1.6-1 1.2-1.6-1.4-4 3.6-1-1.2 4.2-3.8z"/>
    <path d="M13 12.5v10l8.500-5z"/>
  </g>
</svg>`
});
