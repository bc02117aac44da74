"""config.yaml as typed data, with every problem named by its file, line and key.

The keys are those of the original Kfops, and ``connection``, ``local``, ``models`` and ``image_builder.builder`` beside
them.
"""

from __future__ import annotations

import difflib
import warnings
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import yaml
from pydantic import ValidationError

from kfops.choices import chosen
from kfops.config_schema import Config, section_keys
from kfops.errors import ConfigError

__all__ = ["Config", "find", "load"]

_NAMES = ("config.yaml", "config_files/config.yaml")

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: Lines of the keys, by the path of keys and indexes that leads to them.
_Lines = Dict[Tuple[Union[str, int], ...], int]


def load(path: Union[str, Path, None] = None, *, start: Union[str, Path, None] = None) -> Config:
    """Return the configuration; all defaults where there is no file. It knows which backend is chosen for the project.

    Parameters
    ----------
    path
        The file. Without it, ``config.yaml`` or ``config_files/config.yaml`` is looked for in ``start`` and above.
    start
        The folder to look from, the working folder by default.

    Raises
    ------
    ConfigError
        When the file cannot be used; ``details`` has ``path``, ``key`` and ``line``.

    Examples
    --------
    >>> load(start="/nowhere").pipeline.pipeline_execution_mode
    'V2_COMPATIBLE'
    """
    if path is None:
        found = find(start)
        if found is None:
            return Config().located(None, Path(start or Path.cwd()).absolute()).using(chosen(None))
        return _read(found)
    named = Path(path).expanduser().absolute()
    if not named.is_file():
        raise ConfigError(
            f"There is no {named}.",
            why="The configuration file that was named does not exist.",
            remedy="Correct the path, or leave it out to have config.yaml looked for.",
            path=str(named),
        )
    return _read(named)


def find(start: Union[str, Path, None] = None) -> Optional[Path]:
    """Return the configuration file that ``load`` would read, or None.

    A config.yaml with none of our sections belongs to another tool and is passed over.
    """
    folder = Path(start or Path.cwd()).absolute()
    for candidate in (above / name for above in (folder, *folder.parents) for name in _NAMES):
        if candidate.is_file() and _is_ours(candidate):
            return candidate
    return None


def _is_ours(path: Path) -> bool:
    sections = section_keys(())
    try:
        text = path.read_text(encoding="utf-8")
        if any(line.partition(":")[0] in sections for line in text.splitlines()):
            return True
        data = yaml.load(text, Loader=_LOADER)  # noqa: S506  (a safe one)
    except (OSError, ValueError, yaml.YAMLError):
        # Better to say what is wrong with it than to go on without it.
        return True
    keys = [str(key) for key in data] if isinstance(data, dict) else []
    return not data or any(difflib.get_close_matches(key, sections, 1, 0.7) for key in keys)


def _read(path: Path) -> Config:
    data, lines = _parse(path)
    for key in [key for key, value in data.items() if value is None]:
        # A section whose keys are all commented out.
        del data[key]
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise _problem(error, data, lines, path) from None
    _warn_of_plain_secrets(config, lines, path)
    root = path.parent.parent if path.parent.name == "config_files" else path.parent
    return config.located(path, root).using(chosen(path))


def _parse(path: Path) -> Tuple[Dict[str, Any], _Lines]:
    try:
        loader = _LOADER(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        lines: _Lines = {}
        data = None
        if node is not None:
            _walk(node, (), lines, path)
            data = loader.construct_document(node)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read.", why=f"{error.strerror}.", remedy="Check its permissions.", path=str(path)
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(
            f"{path} is not text.", why="It is not UTF-8.", remedy="Save it as UTF-8.", path=str(path)
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise ConfigError(
            f"{path}, line {line}: not valid YAML.",
            why=f"{getattr(error, 'problem', None) or 'The text cannot be parsed'}.",
            remedy="Check the indentation (spaces, no tabs), the colons and the quotes there.",
            path=str(path),
            line=line,
        ) from None
    if data is None:
        return {}, lines
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path} does not hold sections.",
            why=f"At its top there is {_kind(data)}; there must be keys.",
            remedy=f"Start with one of {', '.join(section_keys(()))}.",
            path=str(path),
            line=1,
        )
    return data, lines


def _walk(node: yaml.Node, place: Tuple[Union[str, int], ...], lines: _Lines, path: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            line = key.start_mark.line + 1
            if inner in lines:
                raise ConfigError(
                    f"{path}, line {line}: {_dotted(inner)} stands there twice.",
                    why=f"It is on line {lines[inner]} already, and only one of the two could count.",
                    remedy="Remove one of them.",
                    path=str(path),
                    key=_dotted(inner),
                    line=line,
                )
            lines[inner] = line
            _walk(value, inner, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            item = (*place, index)
            lines[item] = value.start_mark.line + 1
            _walk(value, item, lines, path)


def _problem(error: ValidationError, data: Any, lines: _Lines, path: Path) -> ConfigError:
    """Turn pydantic's first problem, in order of the file, into ours."""
    problems = sorted(error.errors(include_url=False), key=lambda p: _line(p["loc"], lines))
    first = problems[0]
    place: Tuple[Union[str, int], ...] = tuple(first["loc"])
    key, line = _dotted(place), _line(place, lines)
    kind = first["type"]
    if kind == "extra_forbidden":
        message = f"unknown key {key}"
        why, remedy = _unknown(place)
    elif kind == "missing":
        message = f"{key} is missing"
        why = f"{_dotted(place[:-1]) or 'The file'} needs it."
        remedy = f"Add a line `{place[-1]}: ...` to {_dotted(place[:-1]) or 'it'}."
    elif kind == "literal_error":
        message = f"{key} cannot be {first['input']!r}"
        why = f"It can be {first['ctx']['expected']}."
        remedy = "Take one of these."
    elif kind in ("not_supported", "not_possible"):
        message = f"{key} cannot be used so"
        why, remedy = first["ctx"]["why"], first["ctx"]["remedy"]
    else:
        message = f"{key} is of the wrong type"
        why = f"It must be {_WANTED.get(kind, first['msg'])}, and is {_kind(first['input'])}."
        remedy = "Put it in quotes." if kind == "string_type" and not _is_group(first["input"]) else "Correct it there."
    more = f" ({len(problems) - 1} more problems follow.)" if len(problems) > 1 else ""
    return ConfigError(
        f"{path}, line {line}: {message}.", why=why + more, remedy=remedy, path=str(path), key=key, line=line
    )


def _unknown(place: Tuple[Union[str, int], ...]) -> Tuple[str, str]:
    """Return why and remedy for a key that is not in the schema."""
    keys = section_keys(tuple(part for part in place[:-1] if isinstance(part, str)))
    name, section = str(place[-1]), _dotted(place[:-1])
    near = difflib.get_close_matches(name, keys, 1, 0.6)
    known = f"The keys of {section or 'config.yaml'} are {', '.join(keys)}."
    if near:
        return known, f"Did you mean {near[0]}?"
    elsewhere = [top for top in section_keys(()) if top != section and name in section_keys((top,))]
    if elsewhere:
        return known, f"Move it below {elsewhere[0]}:"
    return known, "Remove it."


def _warn_of_plain_secrets(config: Config, lines: _Lines, path: Path) -> None:
    if config.image_builder.minio.credentials is not None:
        line = lines.get(("image_builder", "minio", "credentials"), 0)
        warnings.warn(
            f"{path}, line {line}: image_builder.minio.credentials holds keys in plain text. "
            "Name environment variables instead (access_key_env, secret_key_env) or a Secret (secret).",
            UserWarning,
            stacklevel=4,
        )


def _line(place: Tuple[Union[str, int], ...], lines: _Lines) -> int:
    while place:
        if place in lines:
            return lines[place]
        place = place[:-1]
    return 1


def _dotted(place: Tuple[Union[str, int], ...]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


_WANTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a group of keys",
    "model_type": "a group of keys",
    "model_attributes_type": "a group of keys",
}

_KINDS: List[Tuple[type, str]] = [
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a group of keys"),
]


def _is_group(value: Any) -> bool:
    return value is None or isinstance(value, (list, dict))


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "something else")
