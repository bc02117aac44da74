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
        "1 / 0 == 1",
        '"unclosed == 1',
    ],
)
def test_what_is_no_comparison_is_an_error_and_never_false(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression)
