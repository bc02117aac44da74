"""An item of a loop is written into a task as Argo writes it: as the JSON that it came as."""

from __future__ import annotations

import pytest

from kfops.local.workflow.items import Item, items_in, items_of
from kfops.local.workflow.loops import LoopError, expand
from kfops.local.workflow.substitution import substitute


@pytest.mark.parametrize(
    ("item", "text", "result"),
    [
        ("a", "{{item}}", "a"),
        (7, "{{item}}", "7"),
        (True, "{{item}}", "true"),
        (1.0, "{{item}}", "1"),
        (0.25, "{{item}}", "0.25"),
        (1e-7, "{{item}}", "1e-7"),
        (1e16, "{{item}}", "10000000000000000"),
        (1.5e21, "{{item}}", "1.5e+21"),
        ({"b": 1, "a": [2]}, "{{item}}", '{"a":[2],"b":1}'),
        ({"b": 1, "a": "x"}, "{{item.a}}{{item.b}}{{item.c}}", "x1{{item.c}}"),
        ({"rate": 1.0, "deep": {"n": 2.5}}, "{{item.rate}} {{item.deep}}", '1 {"n":2.5}'),
        ([1, 2], "{{item}}", "[1,2]"),
        ("two\nlines", "{{item}}", "two\\nlines"),
        ('{"lr": 0.1}', "{{item}}", '{\\"lr\\": 0.1}'),
        ({"path": "a\\b"}, "{{item.path}}", "a\\\\b"),
        ("é < 3 & more", "{{item}}", "é < 3 & more"),
        ({"a": "x < y"}, "{{item.a}} {{item}}", 'x < y {"a":"x \\u003c y"}'),
    ],
)
def test_an_item_of_the_pipeline_is_written_as_text(item: object, text: str, result: str) -> None:
    assert substitute(text, items_of([item])[0].lookup) == result


@pytest.mark.parametrize(
    ("listed", "texts"),
    [
        ('["x", "y"]', ["x", "y"]),
        ("[1.50, 1e3, -0, 12345678901234567890]", ["1.50", "1e3", "-0", "12345678901234567890"]),
        ('["\\u00e9\\n", "\\u003ctag>"]', ["\\u00e9\\n", "<tag>"]),
        (' [ {"b" : [1, 2] ,"a": "x, }y"} , [ ] ]', ['{"a":"x, }y","b":[1,2]}', "[]"]),
        ("[]", []),
        ("null", []),
        ("[null, true]", ["null", "true"]),
    ],
)
def test_an_item_that_a_step_has_made_is_written_as_the_step_wrote_it(listed: str, texts: list[str]) -> None:
    assert [item.lookup("item") for item in items_in(listed)] == texts


@pytest.mark.parametrize("text", ["{}", "['a']", "[1,]", "[NaN]", "x", ""])
def test_what_is_no_list_has_no_items(text: str) -> None:
    with pytest.raises(LoopError, match="withParam value could not be parsed as a JSON list"):
        expand({"name": "t", "template": "t", "withParam": text})


@pytest.mark.parametrize(
    ("json", "label"),
    [
        ('"f(x)"', "fx"),
        ("1.0", "1.0"),
        ('{"b": 2, "a": "x"}', "a:x,b:2"),
        ('["a", [1, 2], {"k": "v"}]', '[a [1,2] {"k":"v"}]'),
        ("null", "[]"),
    ],
)
def test_a_node_is_named_by_its_item(json: str, label: str) -> None:
    assert Item(json).label == label
