"""The YAML of a package: whatever reads it gets the same data, and a person can read the programs in it."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kfops.compiling.text import dump
from kfops.errors import CompileError

#: Texts that PyYAML, Go's yaml.v2 and yaml.v3, or a reader of YAML 1.2 take for something else when they stand bare.
_LISTED = """
    y Y n N yes Yes YES no No NO on On ON off OFF true True TRUE false null Null NULL ~
    0 1 -1 +1 00 08 012 0o7 0O7 0x1F 0b1 1_000 1,000 1.5 1. .5 1e3 1E3 1e+3 1.e5 -1e3 ._ .inf -.inf +.INF .nan NaN inf
    Infinity -inf -Infinity 1:30 190:20:30 2001-01-01 2001-12-14t21:59:43.10-05:00 1.7.0 10.0.0.1
    = << < > | |x >x - -- --- ... ? : ?a :a ! !!str & &a * *a % %a @ @a ` # #a , [ ] { } {a} [b] ' " 'a "a a: #x {{$}}
"""
NO_TEXTS = _LISTED.split()

_words = st.sampled_from(
    [*NO_TEXTS, "", " ", "\t", "\n", "a", " a", "a ", "a b", "a: b", "a #b", "a:b", "a#b", "--x", "é", "😀"]
)
_hostile = st.text(alphabet=" \n\t\r:#-'\"\\ab1{}|>~\x00\x1b\x7f\x85\xa0\u2028\ufeffé😀", max_size=12)
_lines = st.lists(st.sampled_from(["", " ", "\t", "a", "  a", "\ta", "a  ", "# a", "---", "- a", "a: b"]), max_size=6)
_texts = _words | _hostile | _lines.map("\n".join) | _lines.map(lambda lines: "\n".join(lines) + "\n") | st.text()
_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _texts
_data = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4), max_leaves=20
)


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(_texts, _data, max_size=4))
@example({"a": 1e20, "b": -2.5e-7, "c": 1e-9, "d": float("inf"), "e": float("-inf"), "f": -0.0})
@example({"k" * 2000: ["v"], "m" * 2000: {"a": 1}, "line\nbreak": "x", "": None, 1: "int", None: {}, 1.5: []})
def test_what_is_written_is_read_again(data: dict[Any, Any]) -> None:
    text = dump(data)

    assert yaml.safe_load(text) == data
    assert text.replace("\n", "").replace("\t", "").isprintable()


def test_a_number_that_is_none_is_written_as_one() -> None:
    assert dump({"a": float("nan")}) == "a: .nan\n"


@pytest.mark.parametrize("text", NO_TEXTS)
def test_what_some_parser_takes_for_something_else_is_quoted(text: str) -> None:
    written = dump({"value": text})

    assert written[7] in "'\""
    assert yaml.safe_load(written) == {"value": text}
    assert yaml.safe_load(dump({text: 1})) == {text: 1}


@pytest.mark.parametrize(
    "text",
    [
        "python:3.9",
        "sh",
        "-c",
        "--rate",
        "/tmp/outputs/a/data",
        "$(KFP_POD_NAME)",
        "rate={{inputs.parameters.rate}}",
        "a b",
    ],
)
def test_words_paths_options_and_variables_stand_bare(text: str) -> None:
    assert dump({"args": [text]}) == f"args:\n- {text}\n"


def test_a_program_is_a_block_that_looks_as_it_did() -> None:
    program = "import sys\n\n\ndef main():\n\tprint('über #1: 100 %')\n\nmain()\n"
    workflow = {
        "spec": {"templates": [{"name": "a", "container": {"args": ["-c", program, "x"], "command": [[], {}]}}]}
    }

    assert dump(workflow) == textwrap.dedent(
        """\
        spec:
          templates:
          - name: a
            container:
              args:
              - -c
              - |
                import sys


                def main():
                \tprint('über #1: 100 %')

                main()
              - x
              command:
              - []
              - {}
        """
    )


def test_texts_of_other_classes_and_tuples_are_written_as_the_plain_ones() -> None:
    class Name(str):
        def __str__(self) -> str:
            return "another"

    class Number(int):
        def __repr__(self) -> str:
            return "another"

    assert yaml.safe_load(dump({"a": Name("x"), "b": Number(3), "c": (1, Name("yes"))})) == {
        "a": "x",
        "b": 3,
        "c": [1, "yes"],
    }


def test_data_shared_by_two_places_is_written_twice() -> None:
    shared = {"a": ["b"]}

    assert "&" not in dump({"one": shared, "two": shared})


def test_what_is_no_plain_data_is_refused_and_named() -> None:
    with pytest.raises(CompileError) as caught:
        dump({"spec": {"templates": [{"name": "a"}, {"container": {"env": [{"value": object()}]}}]}})
    assert caught.value.why == "spec.templates[1].container.env[0].value is a object."

    with pytest.raises(CompileError, match=r"spec\.name is text with half a character in it"):
        dump({"spec": {"name": "a\ud800b"}})
