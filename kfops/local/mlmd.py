"""Parameters and artifacts as KFP's launcher reads and writes them: the JSON of its messages, and numbers as text.

The launcher is a Go program that uses protocol buffers. What a component sees of a value that went through it is
decided by their JSON form and by Go's conversions, not by Python's: a list in an artifact's metadata comes back as
``{"list": [...]}``, a truth value as 1, a small number without an exponent.
"""

from __future__ import annotations

import hashlib
import math
import re
from decimal import Decimal
from typing import Any, Dict, Mapping

_INTEGER = re.compile(r"[+-]?[0-9]+")
_LARGEST = 2**63
#: From here on JSON has an exponent, with which Python takes a number for a float.
_EXPONENT = 1e21


def parameter_value(kind: Any, text: str) -> Dict[str, Any]:
    """Return the message of a parameter.

    Raises
    ------
    ValueError
        The text is not of that type, or there is no such type.

    Examples
    --------
    >>> parameter_value("INT", "+007")
    {'intValue': '7'}
    """
    if kind == "STRING":
        return {"stringValue": text}
    if kind == "INT":
        if _INTEGER.fullmatch(text) is None or not -_LARGEST <= int(text) < _LARGEST:
            raise ValueError(f"{text!r} is not of type INT")
        return {"intValue": str(int(text))}
    if kind == "DOUBLE":
        return {"doubleValue": _number(_double(text))}
    raise ValueError(f"{kind!r} is not a type; there are STRING, INT and DOUBLE")


def parameter_text(value: Mapping[str, Any]) -> str:
    """Return the text of a parameter's message.

    Raises
    ------
    ValueError
        It is no such message.

    Examples
    --------
    >>> parameter_text({"doubleValue": 1e-7}), parameter_text({"doubleValue": 2.0})
    ('0.0000001', '2')
    """
    try:
        if "intValue" in value:
            return str(int(value["intValue"]))
        if "doubleValue" in value:
            return _decimal(float(value["doubleValue"]))
        return str(value["stringValue"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{value!r} is not the value of a parameter") from error


def artifact_record(name: str, title: str, uri: str, metadata: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the message that tells the steps to come about an artifact.

    Raises
    ------
    ValueError
        Its metadata have a value that cannot be recorded.
    """
    properties = {"display_name": {"stringValue": name}}
    properties.update({key: _property(key, value) for key, value in metadata.items()})
    number = int.from_bytes(hashlib.sha256(uri.encode("utf-8", "replace")).digest()[:6], "big")
    return {"id": str(number), "type": title, "uri": uri, "customProperties": properties, "state": "LIVE"}


def runtime_artifact(record: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a step is told about an artifact with this record; its name is the record's number."""
    metadata = {key: _plain(value) for key, value in (record.get("customProperties") or {}).items()}
    return {"name": str(record.get("id", "0")), "uri": str(record["uri"]), "metadata": metadata}


def _property(key: str, value: Any) -> Dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"intValue": str(int(value))}
    if isinstance(value, (int, float)):
        return {"doubleValue": _number(float(value))}
    if isinstance(value, list):
        return {"structValue": {"list": value}}
    if isinstance(value, dict):
        return {"structValue": {"struct": value}}
    raise ValueError(f"the metadata {key!r} are null")


def _plain(value: Mapping[str, Any]) -> Any:
    if "intValue" in value:
        return int(value["intValue"])
    return next((value[key] for key in ("stringValue", "doubleValue", "structValue") if key in value), None)


def _double(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    too_large = math.isinf(number) and "inf" not in text.lower()
    wrong = math.isnan(number) and text.lower().lstrip("+-") != "nan"
    if too_large or wrong or "_" in text or text != text.strip():
        raise ValueError(f"{text!r} is not of type DOUBLE")
    return number


def _number(value: float) -> Any:
    """Return a number as JSON has it: without a point where there is nothing behind it."""
    return int(value) if value.is_integer() and abs(value) < _EXPONENT else value


def _decimal(value: float) -> str:
    """Return a number's shortest text without an exponent."""
    if not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    text = format(Decimal(repr(value)), "f")
    return text[:-2] if text.endswith(".0") else text
