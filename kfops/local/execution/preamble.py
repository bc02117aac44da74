"""Installing what a step lacks, and only that, for this step alone.

Every Python component of kfp 1.7.0 with ``packages_to_install``, and every v2 component (for kfp itself), begins with
a shell line that runs pip, with ``--user`` as a second try. What the line wants is read from it, and the line is
replaced by what follows it: what the interpreter has already needs no pip, and what it lacks goes into a layer
(``packages``), once for all steps. What pip installs in any other way goes into a folder of the step's own. The
pipeline environment, which the user's kernel runs in, stays as it is.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
import re
import shlex
import subprocess
import sys
from typing import Callable, List, Optional, Tuple

from .packages import cacheable

#: Answers the version of a distribution that the steps' interpreter has, or None.
Installed = Callable[[str], Optional[str]]

_WORDS = r"""(?:'[^']*'|"[^"$`\\]*"|[^'"|&;()<>`$])+?"""
_PIP = r"(?:PIP_DISABLE_PIP_VERSION_CHECK=1\s+)?python3\s+-m\s+pip\s+install\s+"
_PREAMBLE = re.compile(
    rf"\s*\(\s*{_PIP}(?P<words>{_WORDS})\s*\|\|\s*{_PIP}(?P<again>{_WORDS})\s+--user\s*\)\s*&&\s*(?P<rest>.*)",
    re.DOTALL,
)
#: Where the packages go that a step installs, and the file that keeps them from breaking kfp; in the step's view.
PACKAGES, CONSTRAINTS = "/tmp/.kfops-packages", "/tmp/.kfops-constraints.txt"  # noqa: S108 - the step's own /tmp
_QUIET = {"--quiet", "-q", "--no-warn-script-location", "--disable-pip-version-check"}


def split(argv: List[str], installed: Installed) -> Tuple[List[str], List[str]]:
    """Return a command line without kfp's lines of pip, and what of their packages is missing.

    A line that wants what may be another thing tomorrow, such as a branch or a file, is left to pip.
    """
    left, missing = [], []
    for word in argv:
        text, lacking = _split(word, installed) if "pip install" in word else (word, [])
        left.append(text)
        missing += lacking
    return left, missing


def installs(argv: List[str]) -> bool:
    """Tell whether a command line still runs pip."""
    return any("pip install" in word for word in argv)


def _split(text: str, installed: Installed) -> Tuple[str, List[str]]:
    wanted = _wanted(text)
    if wanted is None:
        return text, []
    requirements, rest = wanted
    missing = [word for word in requirements if not _satisfied(word, installed)]
    if all(map(cacheable, missing)):
        return rest, missing
    packages = " ".join(shlex.quote(word) for word in missing)
    return f"python3 -m pip install --quiet --disable-pip-version-check {packages} && {rest}", []


@functools.lru_cache(maxsize=64)
def _wanted(text: str) -> Optional[Tuple[Tuple[str, ...], str]]:
    """Return what one of kfp's lines of pip wants, and what follows it; None of any other text."""
    match = _PREAMBLE.fullmatch(text)
    if match is None:
        return None
    try:
        words, again = shlex.split(match.group("words")), shlex.split(match.group("again"))
    except ValueError:
        return None
    requirements = tuple(word for word in words if word not in _QUIET)
    if requirements != tuple(word for word in again if word not in _QUIET):
        return None
    if any(word.startswith("-") for word in requirements):
        return None
    return requirements, match.group("rest")


def _satisfied(requirement: str, installed: Installed) -> bool:
    pinned = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:==([A-Za-z0-9.!+_-]+))?", requirement.strip())
    if pinned is not None:
        version = installed(pinned.group(1))
        return version is not None and pinned.group(2) in (None, version)
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:  # then pip decides
        return False
    try:
        wanted = Requirement(requirement)
    except InvalidRequirement:
        return False
    if wanted.url or wanted.extras:
        return False
    if wanted.marker is not None and not wanted.marker.evaluate():
        return True
    version = installed(wanted.name)
    return version is not None and wanted.specifier.contains(version, prereleases=True)


def installed_in(python: str) -> Installed:
    """Return the look-up of what an interpreter has installed."""
    return _here if python == sys.executable else functools.partial(_there, python)


def _here(name: str) -> Optional[str]:
    return _looked_up(name, tuple(_changed_at(folder) for folder in sys.path))


@functools.lru_cache(maxsize=512)
def _looked_up(name: str, _changed: Tuple[int, ...]) -> Optional[str]:
    """Return the installed version; read from a file that is the same until something is installed or removed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _changed_at(folder: str) -> int:
    try:
        return os.stat(folder or os.curdir).st_mtime_ns
    except OSError:
        return 0


def _there(python: str, name: str) -> Optional[str]:
    program = "import importlib.metadata as m, json, sys; print(json.dumps(m.version(sys.argv[1])))"
    asked = subprocess.run(
        [python, "-c", program, name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    return json.loads(asked.stdout) if asked.returncode == 0 else None
