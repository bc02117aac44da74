"""Workflow -> YAML that both PyYAML and the Go parser of Kubeflow read alike."""

from __future__ import annotations

import re
from typing import Any

#: Strings that PyYAML writes bare and Go's yaml.v2 reads as a number or a truth value.
_READ_DIFFERENTLY = re.compile(
    r"^(?:[yYnN]|[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+|[-+]?0[bBoOxX][0-9a-fA-F_]+)$"
)


def dump(workflow: dict[str, Any]) -> str:
    """Return ``workflow`` as YAML: keys in their own order, long texts as blocks."""
    import yaml

    base = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumper = _dumpers.get(base) or _dumpers.setdefault(base, _make(base))
    return str(
        yaml.dump(workflow, Dumper=dumper, default_flow_style=None, sort_keys=False, allow_unicode=True, width=120)
    )


_dumpers: dict[Any, Any] = {}


def _make(base: Any) -> Any:
    class WorkflowDumper(base):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True  # kfp shares objects; anchors would only puzzle the reader

    def text(dumper: Any, value: str) -> Any:
        if "\n" in value:
            return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|")
        style = "'" if _READ_DIFFERENTLY.match(value) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    def mapping(dumper: Any, value: Any) -> Any:
        return dumper.represent_mapping("tag:yaml.org,2002:map", value.items())

    WorkflowDumper.add_representer(str, text)
    WorkflowDumper.add_multi_representer(dict, mapping)
    WorkflowDumper.add_multi_representer(str, text)
    return WorkflowDumper
