"""`when` means what it means to Argo."""

from __future__ import annotations

import pytest

from kfops.local.workflow.expressions import ExpressionError, evaluate


@pytest.mark.parametrize(
    ("expression", "truth"),
    [
        ('"heads" == "heads"', True),
        ('"heads" == "tails"', False),
        ('"heads" != "tails"', True),
        ("heads == heads", True),
        ("'a b' == \"a b\"", True),
        ("7 > 5", True),
        ("7 > 7", False),
        ("7 >= 7", True),
        ("-3 < 2", True),
        ("2 <= 1.5", False),
        ("10 > 9", True),
        ('"10" > "9"', False),
        ("1.0 == 1", True),
        ('"1" == 1', False),
        ('"" == ""', True),
        ('"true" == "true"', True),
        ("true", True),
        ("!false", True),
        ("true == true", True),
        ("1 > 2 || 3 > 2", True),
        ("1 < 2 && 3 < 2", False),
        ("1 > 2 && 3 > 2 || 1 == 1", True),
        ("1 == 1 || 2 == 2 && 1 > 2", True),
        ("!(1 > 2) && (tails == heads || 4 == 4)", True),
        ('"say \\"hi\\"" == "say \\"hi\\""', True),
        ("2 + 3 * 2 == 8", True),
        ('"abc" =~ "^a.c$"', True),
        ("5 % 2 == 1", True),
        ("-5 % 3 == -2", True),
        ("1 / 0 > 5", True),
        ("007 == 7.", True),
        ("0x1F == 31", True),
        ('"a" in ("b", "a")', True),
        ("a IN (b, c)", False),
        ('"a" + 1 == "a1"', True),
        ("inside == inside", True),
    ],
)
def test_it_is_true_or_false(expression: str, truth: bool) -> None:
    assert evaluate(expression) is truth


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "heads",
        "7",
        "== 3",
        "3 ==",
        "(1 == 1",
        "1 == 1)",
        "abc > 5",
        "true > false",
        "1 && 2",
        "!5",
        "a b == c",
        "{{tasks.a.outputs.parameters.b}} == 1",
        "__import__('os').system('true') == 0",
        "1e5 > 3",
        "1.2.3 == 1",
        "a.b == a.b",
        "_a == _a",
        "a-b == a-b",
        '"a" in "abc"',
        '"unclosed == 1',
    ],
)
def test_what_is_no_comparison_is_an_error_and_never_false(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression)
