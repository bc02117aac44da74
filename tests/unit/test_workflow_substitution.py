"""Placeholders that are known are replaced, everything else is left as it is."""

from __future__ import annotations

import pytest

from kfops.local.workflow.substitution import chain, input_values, sole_placeholder, substitute


def test_placeholders_are_replaced_in_every_string_of_a_template() -> None:
    values = input_values({"x": "1", "y": 'a "quoted"\nline'})
    template = {
        "args": ["{{inputs.parameters.x}}-{{ inputs.parameters.y }}"],
        "n": 3,
        "l": [{"{{inputs.parameters.x}}": 1}],
    }
    assert substitute(template, values) == {"args": ['1-a "quoted"\nline'], "n": 3, "l": [{"1": 1}]}


@pytest.mark.parametrize("text", ["{{$}}", "{{$.inputs.parameters['x']}}", "{{ jinja | filter }}", "{{", "{{}}", "{a}"])
def test_what_is_no_placeholder_of_ours_stays(text: str) -> None:
    assert substitute(text, input_values({"x": "1"})) == text


def test_a_value_that_looks_like_a_placeholder_is_not_replaced_again() -> None:
    assert (
        substitute("{{inputs.parameters.x}}", input_values({"x": "{{inputs.parameters.x}}"}))
        == "{{inputs.parameters.x}}"
    )


def test_the_first_lookup_that_knows_a_name_wins() -> None:
    assert substitute("{{a}}{{b}}", chain({"a": "1"}.get, {"a": "2", "b": "3"}.get)) == "13"


def test_all_inputs_are_a_json_list() -> None:
    assert substitute("{{inputs.parameters}}", input_values({"x": "1"})) == '[{"name":"x","value":"1"}]'


def test_a_reference_is_one_placeholder_and_nothing_else() -> None:
    assert sole_placeholder(" {{inputs.artifacts.a}} ") == "inputs.artifacts.a"
    assert sole_placeholder("x{{inputs.artifacts.a}}") == ""
