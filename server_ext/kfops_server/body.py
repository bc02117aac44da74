"""Read a JSON request body into known, typed fields, or say what is wrong with it."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import Any, Dict, Sequence, Tuple

from kfops.errors import InvalidInput

_NAMES = {str: "a string", bool: "true or false", dict: "an object", int: "an integer"}


@dataclass(frozen=True)
class Field:
    """A field of a request body; absent or null, it is not in what `read` returns."""

    name: str
    types: Tuple[type, ...] = (str,)
    required: bool = False
    choices: Tuple[str, ...] = ()


def read(body: bytes, fields: Sequence[Field]) -> Dict[str, Any]:
    """Return the fields that a JSON body has.

    Raises
    ------
    InvalidInput
        The body is not a JSON object, lacks a field, has one that is not known or one of another type;
        ``details["field"]`` names it.
    """
    try:
        value = json.loads(body.decode("utf-8")) if body.strip() else {}
    except ValueError as error:
        raise InvalidInput("The request body is not JSON.", why=str(error)) from None
    if not isinstance(value, dict):
        raise InvalidInput("The request body is not a JSON object.", why=f"It is a {type(value).__name__}.")
    known = {field.name: field for field in fields}
    for name in value:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known) or 'none'}."
            raise InvalidInput(f"There is no field {name}.", remedy=hint, field=name)
    found = {name: _checked(field, value.get(name)) for name, field in known.items()}
    return {name: item for name, item in found.items() if item is not None}


def _checked(field: Field, value: Any) -> Any:
    if value is None or (value == "" and field.types == (str,)):
        if field.required:
            raise InvalidInput(f"The field {field.name} is missing.", field=field.name)
        return None
    # bool is an int to isinstance, not to the reader of an API.
    if not isinstance(value, field.types) or (isinstance(value, bool) and bool not in field.types):
        wanted = " or ".join(_NAMES[kind] for kind in field.types)
        raise InvalidInput(
            f"The field {field.name} cannot be {json.dumps(value)[:80]}.", why=f"It must be {wanted}.", field=field.name
        )
    if field.choices and value not in field.choices:
        raise InvalidInput(
            f"The field {field.name} cannot be {value}.",
            why=f"It is one of {', '.join(field.choices)}.",
            field=field.name,
        )
    return value
