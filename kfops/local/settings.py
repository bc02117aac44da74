"""How the steps of a project are executed: the ``local:`` section of its config.yaml, as the embedded backend knows it.

One backend serves every project that uses its data folder. kfops says with each request which settings the project
has (``HEADER``). A ``kfp.Client`` that somebody else has made says nothing: it gets the settings of the project that
was connected last, which the data folder keeps. A run keeps the settings it was accepted with, in an annotation of its
workflow, whatever is changed while it runs and however often the backend is started again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from ..errors import InvalidInput
from .folder import read_json, write_private

HEADER = "Kfops-Local-Settings"
ANNOTATION = "kfops/local-settings"
EXECUTORS = ("process", "warm", "container")
ENGINES = ("auto", "podman", "docker")
_FILE = "settings.json"


@dataclass(frozen=True)
class Settings:
    """The settings of one project.

    Parameters
    ----------
    executor
        How its steps become processes: ``process``, ``warm`` or ``container``.
    engine
        What runs containers: ``podman``, ``docker``, or ``auto`` for the first of them that works here.
    secrets
        The file with its secrets and config maps, "" for ``secrets.yaml`` in the data folder. It is read when a step
        needs it and copied nowhere.
    parallelism
        How many steps are executed at a time, 0 for as many as the machine has processors, four at least.
    """

    executor: str = "process"
    engine: str = "auto"
    secrets: str = ""
    parallelism: int = 0

    def to_text(self) -> str:
        """Return the settings as one line of ASCII text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Settings:
        """Return the settings that ``to_text`` has written; what is left out has its default.

        Raises
        ------
        InvalidInput
            The text is something else.

        Examples
        --------
        >>> Settings.from_text('{"executor": "warm"}').engine
        'auto'
        """
        try:
            values = json.loads(text)
        except ValueError:
            values = None
        problem = _problem(values)
        if problem:
            raise InvalidInput(
                f"The settings {text[:200]!r} are not those of a project.",
                why=problem,
                remedy=f"Send them as kfops does, or leave out the header {HEADER}.",
            )
        return cls(**values)


def asked_for(header: Optional[str], data_dir: Path) -> Settings:
    """Return the settings for what a request asks for; raises InvalidInput for a header that is not ours."""
    return Settings.from_text(header) if header else last_connected(data_dir)


def last_connected(data_dir: Path) -> Settings:
    """Return the settings of the project that was connected last; the defaults when there has been none."""
    values = read_json(data_dir / _FILE)
    return Settings() if _problem(values) else Settings(**values)


def connected(settings: Settings, data_dir: Path) -> None:
    """Keep a project's settings for clients that do not tell any."""
    if last_connected(data_dir) != settings:
        write_private(data_dir / _FILE, settings.to_text())


def stamp(workflow: Dict[str, Any], settings: Settings) -> None:
    """Put settings into a Workflow that is accepted; those of the run it may have been copied from do not count."""
    annotations = workflow["metadata"].setdefault("annotations", {})
    annotations.pop(ANNOTATION, None)
    if settings != Settings():
        annotations[ANNOTATION] = settings.to_text()


def of_workflow(workflow: Mapping[str, Any]) -> Settings:
    """Return the settings that a Workflow was accepted with."""
    text = ((workflow.get("metadata") or {}).get("annotations") or {}).get(ANNOTATION)
    return Settings.from_text(text) if text else Settings()


def _problem(values: Any) -> str:
    """Return why these are no settings, "" when they are."""
    if not isinstance(values, dict):
        return "They are not a JSON object."
    unknown = sorted(set(values) - {field.name for field in fields(Settings)})
    if unknown:
        return f"There is no setting {unknown[0]!r}."
    for name, choice in (("executor", EXECUTORS), ("engine", ENGINES)):
        if values.get(name, choice[0]) not in choice:
            return f"{name} must be one of {', '.join(choice)}."
    parallelism = values.get("parallelism", 0)
    if not isinstance(parallelism, int) or isinstance(parallelism, bool) or parallelism < 0:
        return "parallelism must be a whole number."
    return "" if isinstance(values.get("secrets", ""), str) else "secrets must be a path."
