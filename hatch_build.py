"""Put the built panel into the wheel, and refuse to make a wheel without it.

An editable install leaves the panel out: there `scripts/setup.py` links to the folder that `npm run build` fills.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PANEL = "kfops_lab/labextension"
INSTALLED = "share/jupyter/labextensions/kfops-lab"


class PanelBuildHook(BuildHookInterface):
    """Add the prebuilt JupyterLab extension to the wheel's shared data."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the panel to `build_data`.

        Raises
        ------
        RuntimeError
            When the panel has not been built.
        """
        if version == "editable":
            return
        if not (Path(self.root) / PANEL / "package.json").is_file():
            raise RuntimeError(
                f"the panel is not built: {PANEL}/package.json is missing. A wheel without it would install a "
                "JupyterLab extension that shows nothing. Run `make panel` (or `npm ci && npm run build`) first."
            )
        if self.target_name == "wheel":
            build_data["shared_data"][PANEL] = INSTALLED
