"""The command line of Kubeflow's v2 launcher, as kfp writes it in front of the command of every step."""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass
from typing import Any, Dict, List

from ..errors import InvalidInput
from .artifacts import split_uri

#: Where a step's volume has the launcher's program; a step that needs no program needs no volume for it.
FOLDER = "/kfp-launcher"
_COMMAND = f"{FOLDER}/launch"
_RUNTIME = ("inputParameters", "inputArtifacts", "outputParameters", "outputArtifacts")


class LauncherError(Exception):
    """The launcher would have ended with an error before or after the step's command."""


@dataclass(frozen=True)
class Launch:
    """The launcher's command line, taken apart."""

    options: Dict[str, str]
    parameters: Dict[str, str]
    command: List[str]
    runtime: Dict[str, Dict[str, Any]]

    def root(self, default: str) -> str:
        """Return the URI below which the pipeline's artifacts are, without what a URI may have after a question mark.

        Raises
        ------
        LauncherError
            It is none that the launcher knows.
        """
        text = self.options.get("pipeline_root") or default
        try:
            scheme, rest = split_uri(text)
        except InvalidInput as error:
            raise LauncherError(f"{error.message} {error.why}") from error
        bucket, _, prefix = rest.partition("?")[0].partition("/")
        if not bucket:
            raise LauncherError(f"{text!r} names no bucket")
        return f"{scheme}://" + posixpath.normpath(f"{bucket}/{prefix}")

    def uri(self, root: str, output: str) -> str:
        """Return the URI of an output artifact."""
        scheme, rest = split_uri(root)
        parts = (self.options.get(key, "") for key in ("pipeline_name", "run_id", "task_name"))
        return f"{scheme}://" + posixpath.normpath("/".join([rest, *parts, output]))


def is_launched(argv: List[str]) -> bool:
    """Tell whether a command is one that the launcher stands in front of."""
    return bool(argv) and argv[0] == _COMMAND


def parse(argv: List[str]) -> Launch | None:
    """Return the launcher's command line, or None when the command is not the launcher.

    Raises
    ------
    LauncherError
        It is the launcher, but its arguments cannot be read.
    """
    if not is_launched(argv):
        return None
    options: Dict[str, str] = {}
    rest = argv[1:]
    while rest and rest[0] != "--":
        name, separator, value = rest.pop(0).lstrip("-").partition("=")
        if not separator:
            if not rest:
                raise LauncherError(f"flag needs an argument: --{name}")
            value = rest.pop(0)
        options[name] = value
    rest = rest[1:]
    if "--" not in rest:
        raise LauncherError("the launcher's command line has no second --")
    given, command = rest[: rest.index("--")], rest[rest.index("--") + 1 :]
    parameters = dict(item.partition("=")[::2] for item in given)
    try:
        runtime = dict(json.loads(options.get("runtime_info_json") or "{}"))
    except (ValueError, TypeError) as error:
        raise LauncherError(f"the runtime info is not JSON: {error}") from error
    if not command:
        raise LauncherError("the launcher was given no command")
    return Launch(options, parameters, command, {kind: runtime.get(kind) or {} for kind in _RUNTIME})
