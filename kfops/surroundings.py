"""What this process can tell about itself: the namespace it lives in, its user, what it is made of."""

from __future__ import annotations

import getpass
import os
import platform
from pathlib import Path
from typing import Dict

import kfops
from kfops.installed import version_of

_NAMESPACE_VARIABLE = "KF_PIPELINES_NAMESPACE"
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def versions() -> Dict[str, str]:
    """Return the versions of this side: ``kfops``, ``kfp`` and ``python``."""
    return {"kfops": kfops.__version__, "kfp": version_of("kfp"), "python": platform.python_version()}


def own_namespace() -> str:
    """Return the namespace that this process lives in, by the environment or by its pod; "" where none."""
    named = os.environ.get(_NAMESPACE_VARIABLE, "")
    if not named:
        try:
            named = _NAMESPACE_FILE.read_text(encoding="utf-8").strip()
        except OSError:
            # Kubeflow's notebook servers: /notebook/<namespace>/<name>
            parts = os.environ.get("NB_PREFIX", "").strip("/").split("/")
            named = parts[1] if len(parts) == 3 and parts[0] == "notebook" else ""
    return named


def own_user() -> str:
    """Return the name of the user that this process runs as, else the user's id."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        # A container's user id without a name.
        return str(os.getuid())
