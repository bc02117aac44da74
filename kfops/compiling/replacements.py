"""What stands in for functions of kfp and the kubernetes client while a pipeline compiles (see ``lean.py``).

Without it half of kfp's time goes into client configurations that no model reads, signatures of the same few
constructors, names that are searched in ever longer lists, and the collector. What stands in for a function gives the
same answer, or asks the original where it is given anything unusual; a function that is not where kfp 1.7.0 has it is
left alone. What has been found out about kfp's own classes is kept for the next compile.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, Callable, Dict, List, Tuple

from kfops.compiling.overlay import PLAIN, Overlay, Replacement
from kfops.compiling.rewriting import copies, searches

_PLACEHOLDER = "{{pipelineparam:"
#: A serialized parameter, which kfp uses as a regular expression, and which means just itself.
_LITERAL = re.compile(r"\{\{pipelineparam:op=[\w\s-]*;name=[\w\s-]+\}\}")


_signatures_of: Dict[Any, inspect.Signature] = {}
_hints_of: Dict[Any, Any] = {}
#: By class, the names and defaults of its constructor's parameters.
_fields_of: Dict[type, List[Tuple[str, Any]]] = {}


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


def _specifications() -> List[Replacement]:
    """Look at the constructor of each kind of specification once."""
    from kfp.components import modelbase

    hints_of = modelbase.get_type_hints

    def signature(function: Any) -> inspect.Signature:
        known = _signatures_of.get(getattr(function, "__func__", None))
        if known is None:
            known = inspect.signature(function)
            if inspect.ismethod(function):
                _signatures_of[function.__func__] = known
        return known

    def get_type_hints(function: Any) -> Any:
        if function not in _hints_of:
            _hints_of[function] = hints_of(function)
        return _hints_of[function]

    def fields(kind: type) -> List[Tuple[str, Any]]:
        parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]  # type: ignore[misc]
        return [(parameter.name, parameter.default) for parameter in parameters]

    def convert(value: Any, serialized_names: Any = {}) -> Dict[str, Any]:  # noqa: B006  (as kfp declares it)
        kind = type(value)
        known = _fields_of.get(kind)
        if known is None:
            known = _fields_of[kind] = fields(kind)
        found = {}
        for name, default in known:
            item = getattr(value, name)
            if name.startswith("_"):
                continue
            if type(item) in PLAIN:
                if default is not inspect.Parameter.empty and item == default:
                    continue
            elif hasattr(item, "to_dict"):
                item = item.to_dict()
            elif isinstance(item, list):
                item = [one.to_dict() if hasattr(one, "to_dict") else one for one in item]
            elif isinstance(item, dict):
                item = {key: one.to_dict() if hasattr(one, "to_dict") else one for key, one in item.items()}
            elif default is not inspect.Parameter.empty and item == default:
                continue
            found[serialized_names.get(name, name)] = item
        return found

    overlay = Overlay(modelbase.inspect, signature=signature)
    return [
        (modelbase, "inspect", overlay),
        (modelbase, "get_type_hints", get_type_hints),
        (modelbase, "convert_object_to_struct", convert),
    ]


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

    return [(_pipeline, "_naming", Overlay(_pipeline._naming, _make_name_unique_by_adding_index=unique))]


def _conversions() -> List[Replacement]:
    """Convert kubernetes models to plain data once, and look for parameters only in texts and what may hold texts."""
    from kfp import dsl
    from kfp.compiler import _k8s_helper, _op_to_template, compiler

    original = _k8s_helper.convert_k8s_obj_to_json
    original_process = _op_to_template._process_obj
    others = (dict, list, tuple, str, int, float, bytes, dsl.PipelineParam)

    known: Dict[type, Any] = {}

    def fields_of(kind: type) -> Any:
        """Return what a model's attributes are called in it and as data, or None when it is no model."""
        if kind not in known:
            names = getattr(kind, "attribute_map", None)
            known[kind] = None
            if isinstance(names, dict) and not issubclass(kind, others):
                known[kind] = [(_attribute(kind, name), key) for name, key in names.items()]
        return known[kind]

    def convert(value: Any) -> Any:
        kind = type(value)
        if kind in PLAIN:
            return value
        if kind is dict:
            return {key: convert(item) for key, item in value.items()}
        if kind is list:
            return [convert(item) for item in value]
        fields = fields_of(kind)
        if fields is None:
            return original(value)
        found = {key: getattr(value, name) for name, key in fields}
        return {key: convert(item) for key, item in found.items() if item is not None}

    def process(value: Any, variables: Any) -> Any:
        kind = type(value)
        if kind is str:
            return original_process(value, variables) if _PLACEHOLDER in value else value
        if kind in PLAIN:
            return value
        if kind is list:
            return [process(item, variables) for item in value]
        if kind is dict:
            return {process(key, variables): process(item, variables) for key, item in value.items()}
        if fields_of(kind) is None:
            return original_process(value, variables)
        return convert(processed(value, variables))

    def processed(value: Any, variables: Any) -> Any:
        """Process a model in its place; return its plain data, which still shares lists with it."""
        kind = type(value)
        if kind is list:
            return [processed(item, variables) for item in value]
        fields = fields_of(kind)
        if fields is None:
            return process(value, variables)
        found = {}
        for name, key in fields:
            item = getattr(value, name)
            if item is None:
                continue
            done = processed(item, variables)
            if done is not item:
                setattr(value, name, done)
            found[key] = done
        return found

    modules = (_k8s_helper, _op_to_template, compiler)
    return [(module, "convert_k8s_obj_to_json", convert) for module in modules] + [
        (module, "_process_obj", process) for module in modules[1:]
    ]


def _attribute(kind: type, name: str) -> str:
    """Return where an object of ``kind`` keeps what its property ``name`` returns, where that does nothing else."""
    code = getattr(getattr(getattr(kind, name, None), "fget", None), "__code__", None)
    return f"_{name}" if code is not None and code.co_names == (f"_{name}",) else name


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
        (_op_to_template, "re", Overlay(_op_to_template.re, sub=sub)),
    ]


def _equality() -> List[Replacement]:
    """Know a container for itself: kfp asks after each of an operation's methods, and the answer takes both apart."""
    from kubernetes.client import V1Container

    original = vars(V1Container)["__eq__"]

    def equal(self: Any, other: Any) -> Any:
        return self is other or original(self, other)

    return [(V1Container, "__eq__", equal)]


#: What is replaced, each by itself: where one cannot be, the others are.
REPLACEMENTS = [_configurations, _specifications, _names, _conversions, _placeholders, _equality, copies, searches]
