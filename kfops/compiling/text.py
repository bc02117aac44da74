"""Workflow -> YAML that PyYAML, the Go parser of Kubeflow and readers of YAML 1.2 read alike.

An emitter for plain data, since PyYAML's own is what compiling waits for where PyYAML has no C library. All is block
style; a text stands on one line or as a literal block, is never folded, and is quoted where any of these parsers could
take it for something else.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence

from kfops.errors import CompileError

#: Texts that begin like a word, a path, an option or a variable: none is a number, a version or a date to any parser.
_BARE = re.compile(r"(?:[A-Za-z_/$(]|--?[A-Za-z]).*")
#: What ends a bare text, or makes a comment of its rest.
_BREAKS_OFF = re.compile(r":(?: |$)| #| $")
#: Words that some parser reads as a truth value, as a number or as nothing, in one case or another.
_NO_TEXTS = frozenset(
    ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "infinity", "nan", "-inf", "-infinity", "-nan")
)
#: Longer keys need a question mark: parsers look for the colon no further than 1024 characters ahead.
_LONGEST_KEY = 1000
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def dump(workflow: Mapping[str, Any]) -> str:
    r"""Return ``workflow`` as YAML: keys in their own order, long texts as blocks.

    Raises
    ------
    CompileError
        Something in it is no plain data; ``why`` says where.

    Examples
    --------
    >>> print(dump({"command": ["sh", "-c", "echo 1\necho 2\n"], "enabled": "yes", "limit": 3}), end="")
    command:
    - sh
    - -c
    - |
      echo 1
      echo 2
    enabled: 'yes'
    limit: 3
    """
    writer = _Writer()
    try:
        writer.mapping(workflow, "\n")
    except _Unwritable as unwritable:
        raise CompileError(
            "The pipeline cannot be written as a package.",
            why=f"{_place_of(unwritable.value, workflow)} is {unwritable.problem}.",
            remedy="Pass text, numbers, truth values, lists and dictionaries only.",
        ) from None
    return "".join(writer.parts) + "\n" if workflow else "{}\n"


class _Unwritable(Exception):
    """A value that has no place in a package."""

    def __init__(self, value: Any, problem: str) -> None:
        super().__init__(problem)
        self.value = value
        self.problem = problem


class _Writer:
    """Collects the parts of the text. ``pad`` is a line break and the indentation of the collection at hand.

    What a scalar looks like is kept: a package repeats the same few hundred, whole programs among them.
    """

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._lines: dict[str, str] = {}
        self._blocks: dict[tuple[str, str], str] = {}

    def mapping(self, entries: Mapping[Any, Any], pad: str) -> None:
        """Write the entries, the first one where the last part ended."""
        write = self.parts.append
        deeper = pad + "  "
        start = ""
        for key, value in entries.items():
            line = self._scalar(key) + ":"
            write(start + (line if len(line) <= _LONGEST_KEY else f"? {line[:-1]}{pad}:"))
            start = pad
            if type(value) is str:  # most are
                write(" " + self._scalar(value, deeper))
            elif isinstance(value, dict) and value:
                write(deeper)
                self.mapping(value, deeper)
            elif isinstance(value, (list, tuple)) and value:
                write(pad)
                self._sequence(value, pad)
            else:
                write(" " + self._scalar(value, deeper))

    def _sequence(self, items: Sequence[Any], pad: str) -> None:
        write = self.parts.append
        deeper = pad + "  "
        start = "- "
        for item in items:
            write(start)
            start = pad + "- "
            if type(item) is str:
                write(self._scalar(item, deeper))
            elif isinstance(item, dict) and item:
                self.mapping(item, deeper)
            elif isinstance(item, (list, tuple)) and item:
                self._sequence(item, deeper)
            else:
                write(self._scalar(item, deeper))

    def _scalar(self, value: Any, pad: str = "") -> str:
        """Return a scalar, or an empty collection; a text becomes a block, indented by ``pad``, only with one."""
        if isinstance(value, str):
            if pad and "\n" in value and _may_be_block(value):
                block = self._blocks.get((value, pad))
                if block is None:
                    block = self._blocks[value, pad] = _block(value, pad)
                return block
            line = self._lines.get(value)
            if line is None:
                line = self._lines[value] = _line(value)
            return line
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return int.__repr__(value)
        if isinstance(value, float):
            return _number(value)
        if pad and isinstance(value, (dict, list, tuple)):
            return "{}" if isinstance(value, dict) else "[]"
        raise _Unwritable(value, f"a {type(value).__name__}")


def _line(text: str) -> str:
    if not text.isprintable():
        return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else _escaped(c, text)) for c in text) + '"'
    if _BARE.match(text) and not _BREAKS_OFF.search(text) and text.lower() not in _NO_TEXTS:
        return str.__str__(text)
    return "'" + text.replace("'", "''") + "'"


def _escaped(character: str, text: str) -> str:
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        raise _Unwritable(text, f"text with half a character in it ({character!a})")
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _may_be_block(text: str) -> bool:
    """Whether all of a text can be seen, and its last line too; of the rest no parser would keep everything."""
    last = text[text.rfind("\n") + 1 :]
    return not text.isspace() and not last.isspace() and text.replace("\n", "").replace("\t", "").isprintable()


def _block(text: str, pad: str) -> str:
    lines = text.split("\n")
    head = "|2" if text[0] in " \t\n" else "|"
    if lines[-1]:
        head += "-"
    else:
        del lines[-1]
        if not lines[-1]:
            head += "+"
    return head + "".join(pad + line if line else "\n" for line in lines)


def _number(value: float) -> str:
    text = float.__repr__(value)
    if value != value or value in (float("inf"), float("-inf")):
        return {"inf": ".inf", "-inf": "-.inf"}.get(text, ".nan")
    # 1e+20 is text to PyYAML, 1.0e+20 a number to everybody.
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _place_of(value: Any, within: Any) -> str:
    """Return where a value stands, such as ``spec.templates[0].name``."""
    if isinstance(within, dict):
        places = [(f".{key}", entry) for key, entry in within.items()] + [(f".{key}", key) for key in within]
    elif isinstance(within, (list, tuple)):
        places = [(f"[{number}]", entry) for number, entry in enumerate(within)]
    else:
        return ""
    for name, entry in places:
        if entry is value:
            return name.lstrip(".")
        deeper = _place_of(value, entry)
        if deeper:
            return f"{name}{'' if deeper.startswith('[') else '.'}{deeper}".lstrip(".")
    return ""
