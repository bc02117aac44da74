"""A run that is followed while it happens: a progress bar, one row a step, each row's log inside it.

JupyterLab with the panel draws the run itself, from the data beside the widget, and goes on when the kernel is gone;
every other front end shows the widget.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional

import ipywidgets
from IPython.display import DisplayHandle, display

from kfops.types import FINAL_STATES, Run
from kfops_lab.display.bundle import card
from kfops_lab.display.run import heading, outcome, pre, row, steps_of, still

#: Rows like the still picture's: no boxes, no bold type, and the colours of JupyterLab.
STYLE = """<style>
.kfops-live-run .jupyter-widget-Collapse { margin: 0; }
.kfops-live-run .jupyter-widget-Collapse-header {
  padding: 2px 6px; border: none; background: none; font-weight: normal; color: var(--jp-ui-font-color1);
}
.kfops-live-run .jupyter-widget-Collapse-header:hover { background: var(--jp-layout-color2); }
.kfops-live-run .jupyter-widget-Collapse-contents { padding: 0 6px 0 24px; border: none; }
</style>"""

#: Characters of a log that the live view keeps; the whole log is `%kfops logs`.
LOG_TAIL = 20_000


class LiveRun:
    """The live view of one run.

    The rows are folds whose opening happens in the browser: a log can be read while the cell is busy waiting. When
    the watching ends, the widget gives way to a still picture with the same content.

    Parameters
    ----------
    read_log
        Returns the log of a step, given its id.
    """

    def __init__(self, read_log: Callable[[str], str]) -> None:
        self._read_log = read_log
        self._logs: Dict[str, str] = {}
        self._settled: Dict[str, bool] = {}
        self._ids: List[str] = []
        self._heading = ipywidgets.HTML()
        self._bar = ipywidgets.IntProgress(layout=ipywidgets.Layout(width="100%", height="14px"))
        self._steps = ipywidgets.Accordion(selected_index=None)
        self._outcome = ipywidgets.HTML()
        self._box = ipywidgets.VBox([self._heading, self._bar, self._steps, self._outcome])
        self._box.add_class("kfops-live-run")
        self._handle: Optional[DisplayHandle] = None

    def show(self, run: Run) -> None:
        """Put the view on the screen."""
        self.update(run)
        bundle = {**self._box._repr_mimebundle_(), **still(run, {})._repr_mimebundle_()}
        self._handle = display(bundle, raw=True, display_id=True)

    def update(self, run: Run) -> None:
        """Draw the run as it is now."""
        self._heading.value = STYLE + card(heading(run))
        self._bar.max, self._bar.value = max(run.total, 1), run.done
        self._bar.bar_style = {"succeeded": "success", "failed": "danger", "stopped": "warning"}.get(run.state, "info")
        self._outcome.value = card(outcome(run))
        steps = steps_of(run)
        self._arrange([step.id for step in steps])
        for index, step in enumerate(steps):
            self._steps.set_title(index, row(step))
            if step.started_at and not self._settled.get(step.id):
                self._logs[step.id] = self._read_log(step.id)[-LOG_TAIL:]
                self._settled[step.id] = step.state in FINAL_STATES
            content = pre(self._logs.get(step.id, ""))
            if self._steps.children[index].value != content:
                self._steps.children[index].value = content

    def finish(self, shown: Any) -> None:
        """Put a still picture in the place of the widget, which may not be on the screen yet."""
        if self._handle is None:
            display(shown)
        else:
            self._handle.update(shown)
        self._box.close()

    @property
    def logs(self) -> Dict[str, str]:
        """The logs read so far, by step id."""
        return dict(self._logs)

    def _arrange(self, ids: List[str]) -> None:
        """Keep one fold a step; an open one stays open when a step is added or the order changes."""
        if ids == self._ids:
            return
        chosen = self._steps.selected_index
        opened = self._ids[chosen] if chosen is not None and chosen < len(self._ids) else None
        known = dict(zip(self._ids, self._steps.children))
        self._steps.children = tuple(known.get(each) or ipywidgets.HTML() for each in ids)
        self._steps.selected_index = ids.index(opened) if opened in ids else None
        self._ids = list(ids)
