"""Checking what a person gives for a pipeline's parameters, and writing it as its steps will read it."""

from __future__ import annotations

import difflib
import json
from typing import Any, Dict, Mapping, Sequence

from kfops.errors import InvalidInput
from kfops.types import Parameter


def arguments_for(declared: Sequence[Parameter], given: Mapping[str, Any]) -> Dict[str, str]:
    """Return the arguments of a run as text.

    Values may have the parameter's type or be text that reads as one. Booleans become ``True`` and ``False``, lists
    and dicts JSON: what the components of kfp 1.7.0 parse in both execution modes.

    Raises
    ------
    InvalidInput
        A name is not declared, a value is not of its type, or a required parameter is missing.

    Examples
    --------
    >>> arguments_for([Parameter("rate", "float"), Parameter("deep", "boolean")], {"rate": 0.1, "deep": "false"})
    {'rate': '0.1', 'deep': 'False'}
    """
    by_name = {parameter.name: parameter for parameter in declared}
    written: Dict[str, str] = {}
    for name, value in given.items():
        if name not in by_name:
            raise _unknown(name, list(by_name))
        if value is not None:
            written[name] = _write(by_name[name], value)
    missing = [parameter.name for parameter in declared if parameter.required and parameter.name not in written]
    if missing:
        raise InvalidInput(
            f"The run needs a value for {', '.join(missing)}.",
            why="The pipeline declares no default.",
            remedy="Give it: " + " ".join(f"{name}=…" for name in missing),
            parameters=missing,
        )
    return written


def _write(parameter: Parameter, value: Any) -> str:
    if parameter.type == "string":
        return value if isinstance(value, str) else json.dumps(value)
    read = _read_text(parameter, value.strip()) if isinstance(value, str) else value
    if parameter.type == "boolean" and isinstance(read, bool):
        return str(read)
    if parameter.type in ("integer", "float") and isinstance(read, (int, float)) and not isinstance(read, bool):
        if parameter.type == "float":
            return str(read)
        if isinstance(read, int) or read.is_integer():
            return str(int(read))
    if isinstance(read, (list, tuple) if parameter.type == "list" else dict) and parameter.type in ("list", "dict"):
        try:
            return json.dumps(read)
        except (TypeError, ValueError):
            # Something in it is not JSON; the message below says what is wanted.
            pass
    raise InvalidInput(
        f"{parameter.name} cannot be {_short(value)}.",
        why=f"It must be {_WANTED[parameter.type]}.",
        remedy=f"For example {parameter.name}={_example(parameter)}",
        parameter=parameter.name,
    )


def _read_text(parameter: Parameter, text: str) -> Any:
    """Return what text stands for, or the text itself where it stands for nothing of the type."""
    try:
        if parameter.type == "integer":
            return int(text)
        if parameter.type == "float":
            return int(text) if text.lstrip("+-").isdigit() else float(text)
        if parameter.type == "boolean":
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        return json.loads(text)
    except (KeyError, ValueError):
        return text


def _unknown(name: str, names: Sequence[str]) -> InvalidInput:
    near = difflib.get_close_matches(name, names, 1, 0.5)
    return InvalidInput(
        f"The pipeline has no parameter {name!r}.",
        why=f"Its parameters are {', '.join(names)}." if names else "It has no parameters.",
        remedy=f"Did you mean {near[0]}?" if near else "Leave it out.",
        parameter=name,
    )


def _example(parameter: Parameter) -> str:
    if parameter.default is not None:
        return json.dumps(parameter.default)
    return {"integer": "3", "float": "0.5", "boolean": "true", "list": "'[1, 2]'"}.get(parameter.type, "'{\"a\": 1}'")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


_WANTED = {
    "integer": "a whole number",
    "float": "a number",
    "boolean": "true or false",
    "list": "a list",
    "dict": "a dict",
}
