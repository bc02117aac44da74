"""Recognising the command of a lightweight kfp v2 component, as kfp 1.7.0 writes it and nobody else does.

It is read, not guessed: the shell text must be kfp's own, word for word. Whatever is different is another command, and
is executed as such.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import Optional

from .base import Job

_PROGRAM = re.compile(
    r"program_path=\$\(mktemp -d\)\n"
    r'printf "%s" "\$0" > "\$program_path/ephemeral_component\.py"\n'
    r"python3 -m kfp\.components\.executor_main +"
    r'--component_module_path +"\$program_path/ephemeral_component\.py" +"\$@"\n?'
)
#: What is left of the line that installs kfp when kfp is there.
_INSTALLED = ["sh", "-c", '"$0" "$@"']


def component_source(job: Job, python: str) -> Optional[int]:
    """Return which word of a job's command is the source of a kfp v2 component, or None for any other command.

    Parameters
    ----------
    python
        The interpreter that is to be the job's ``python3``; a job that would find another one is another command.

    Examples
    --------
    >>> component_source(Job(id="r/n", argv=["true"], env={}, root="", folder="", cwd="/"), "/usr/bin/python3") is None
    True
    """
    first = len(_INSTALLED) if job.argv[: len(_INSTALLED)] == _INSTALLED else 0
    head = job.argv[first : first + 4]
    if len(head) < 4 or head[:2] != ["sh", "-ec"] or _PROGRAM.fullmatch(head[2]) is None:
        return None
    if "KFOPS_PACKAGES" in job.env:  # which may be other versions of what the warm process has imported
        return None
    found = shutil.which("python3", path=job.env.get("PATH", os.defpath))
    if found is None or os.path.dirname(found) != os.path.dirname(python):
        return None
    return first + 3
