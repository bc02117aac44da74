"""For the length of a compile: kfp and the kubernetes client without the work that changes nothing about the result.

Without it half of kfp's time goes into client configurations that no model reads, signatures of the same few
constructors, names that are searched in ever longer lists, and the collector. What stands in for a function gives the
same answer, or asks the original where it is given anything unusual; a function that is not where kfp 1.7.0 has it is
left alone.
tests/unit/test_compile_equality.py holds the workflows against those of kfp's own compiler.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import re
from typing import Any, Callable, Iterator, List, Tuple

#: An object, the name of one of its attributes, and what stands there meanwhile.
Replacement = Tuple[Any, str, Any]

_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
_PLACEHOLDER = "{{pipelineparam:"
#: A serialized parameter, which kfp uses as a regular expression, and which means just itself.
_LITERAL = re.compile(r"\{\{pipelineparam:op=[\w\s-]*;name=[\w\s-]+\}\}")


@contextlib.contextmanager
def lean() -> Iterator[None]:
    """Compile with less work inside; one thread at a time. Everything is put back at the end, however that comes."""
    collecting = gc.isenabled()
    gc.disable()
    replaced: List[Tuple[Any, str, Any, Any]] = []
    try:
        for replacements in REPLACEMENTS:
            try:
                wanted = [(owner, name, vars(owner)[name], new) for owner, name, new in replacements()]
            except (ImportError, AttributeError, KeyError):
                continue
            for owner, name, _, new in wanted:
                setattr(owner, name, new)
            replaced += wanted
        yield
    finally:
        for owner, name, old, new in reversed(replaced):
            if vars(owner).get(name) is new:  # else the pipeline's own code has put something there
                setattr(owner, name, old)
        if collecting:
            gc.enable()


class _Overlay:
    """A module as another one sees it, with some of its functions replaced."""

    def __init__(self, module: Any, **replaced: Any) -> None:
        self._module = module
        vars(self).update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _configurations() -> List[Replacement]:
    """Give each kubernetes model a copy of one configuration: making one sets log levels, and each model makes one."""
    from kubernetes.client.configuration import Configuration

    original: Callable[..., None] = vars(Configuration)["__init__"]
    state = dict(vars(Configuration()))
    own = [name for name, value in state.items() if isinstance(value, dict)]

    def initialize(self: Any, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            original(self, *args, **kwargs)
            return
        attributes = vars(self)
        attributes.update(state)
        for name in own:
            attributes[name] = dict(state[name])

    return [(Configuration, "__init__", initialize)]


def _signatures() -> List[Replacement]:
    """Look at the constructor of each kind of specification once."""
    from kfp.components import modelbase

    signatures: dict[Any, inspect.Signature] = {}
    hints: dict[Any, Any] = {}
    hints_of = modelbase.get_type_hints

    def signature(function: Any) -> inspect.Signature:
        known = signatures.get(getattr(function, "__func__", None))
        if known is None:
            known = inspect.signature(function)
            if inspect.ismethod(function):
                signatures[function.__func__] = known
        return known

    def get_type_hints(function: Any) -> Any:
        if function not in hints:
            hints[function] = hints_of(function)
        return hints[function]

    overlay = _Overlay(modelbase.inspect, signature=signature)
    return [(modelbase, "inspect", overlay), (modelbase, "get_type_hints", get_type_hints)]


def _names() -> List[Replacement]:
    """Make a step's name unique without trying, for each step anew, all the numbers that are taken."""
    from kfp.dsl import _pipeline

    original = _pipeline._naming._make_name_unique_by_adding_index
    taken: set[str] = set()
    last = ""
    numbers: dict[Tuple[str, str], int] = {}

    def unique(name: str, collection: Any, delimiter: str) -> str:
        # The collection is the list of all names so far: each time the one before and, mostly, one more.
        nonlocal last
        if not isinstance(collection, list):
            return str(original(name, collection, delimiter))
        known = len(taken)
        if known > len(collection) or (known and collection[known - 1] != last):
            taken.clear()
            numbers.clear()
            known = 0
        for new in collection[known:]:
            taken.add(new)
            last = new
        if name not in taken:
            return name
        number = numbers.get((name, delimiter), 2)
        while f"{name}{delimiter}{number}" in taken:
            number += 1
        numbers[name, delimiter] = number
        return f"{name}{delimiter}{number}"

    return [(_pipeline, "_naming", _Overlay(_pipeline._naming, _make_name_unique_by_adding_index=unique))]


def _conversions() -> List[Replacement]:
    """Convert kubernetes models to plain data without importing the names of the plain types for every value."""
    from kfp import dsl
    from kfp.compiler import _k8s_helper, _op_to_template, compiler

    original = _k8s_helper.convert_k8s_obj_to_json
    others = (dict, list, tuple, str, int, float, bytes, dsl.PipelineParam)

    def convert(value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is dict:
            return {key: convert(item) for key, item in value.items()}
        if kind is list:
            return [convert(item) for item in value]
        names = getattr(kind, "attribute_map", None)
        if not isinstance(names, dict) or isinstance(value, others):
            return original(value)
        found = {key: getattr(value, name) for name, key in names.items()}
        return {key: convert(item) for key, item in found.items() if item is not None}

    return [(module, "convert_k8s_obj_to_json", convert) for module in (_k8s_helper, _op_to_template, compiler)]


def _placeholders() -> List[Replacement]:
    """Search texts for parameters, and put values there, without regular expressions where plain search will do."""
    from kfp import dsl
    from kfp.compiler import _op_to_template
    from kfp.dsl import _pipeline_param

    original = _pipeline_param.match_serialized_pipelineparam

    def match(payload: Any) -> Any:
        return original(payload) if not isinstance(payload, str) or _PLACEHOLDER in payload else []

    def sub(pattern: Any, replacement: Any, text: Any, **others: Any) -> Any:
        if others or "\\" in replacement or not _LITERAL.fullmatch(pattern):
            return re.sub(pattern, replacement, text, **others)
        return text.replace(pattern, replacement)

    return [
        (_pipeline_param, "match_serialized_pipelineparam", match),
        (dsl, "match_serialized_pipelineparam", match),
        (_op_to_template, "re", _Overlay(_op_to_template.re, sub=sub)),
    ]


#: What is replaced, each by itself: where one cannot be, the others are.
REPLACEMENTS = [_configurations, _signatures, _names, _conversions, _placeholders]
