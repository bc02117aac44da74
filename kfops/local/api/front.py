# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""The page at the addresses that kfp.Client links to, where Kubeflow's own pages would be.

It is the same for everybody and says where a run is shown instead, so it needs no token. A link's path stands behind
``#``, which no browser sends; the page reads a run's id there.
"""

from __future__ import annotations

import base64
import hashlib

from .base import Handler

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:38em;margin:4em auto;padding:0 1em}"
    "h1{font-size:1.2em}code{font:14px ui-monospace,monospace;user-select:all}dt{margin-top:.6em}dd{margin-left:1.5em}"
)
_SCRIPT = (
    "const run=/^#\\/runs\\/details\\/([0-9a-f-]{36})$/.exec(location.hash);"
    "if(run){for(const place of document.querySelectorAll('[data-run]')){"
    "place.textContent=place.dataset.run+' '+run[1]}}"
)
_PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>kfops-lab: embedded backend</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>This is the embedded backend of kfops-lab</h1>
<p>Kubeflow Pipelines has its own pages at this address. Here runs, pipelines and experiments are shown
elsewhere:</p>
<dl>
<dt>In JupyterLab's side panel</dt><dd>Runs, Pipelines and Experiments</dd>
<dt>In a notebook</dt><dd><code data-run="%kfops watch">%kfops runs</code></dd>
<dt>In a terminal</dt><dd><code data-run="kfops runs">kfops runs</code></dd>
</dl>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _source(text: str) -> str:
    """Return what a content security policy calls an inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY = (
    f"default-src 'none'; style-src {_source(_STYLE)}; script-src {_source(_SCRIPT)}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Front(Handler):
    """The page; the only answer that needs no token."""

    def prepare(self) -> None:
        """Refuse only names that are not this machine's."""
        self.check_host()

    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", _POLICY)
        self.finish(_PAGE)
