"""The `when` expressions of Argo: a small recursive-descent parser, nothing is ever evaluated as Python.

Strings are quoted, or bare words; numbers are floats; the result has to be a boolean. A comparison of a number with a
string is false for ``==`` and an error for ``<`` and its kin, as in the evaluator that Argo uses.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Tuple

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<operator>==|!=|<=|>=|=~|!~|&&|\|\||[<>!()+\-*/%])
      | (?P<word>[^\W\d]\w*)
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_HINT = '(hint: try wrapping the affected expression in quotes ("))'


class ExpressionError(ValueError):
    """A `when` expression that cannot be read, or that does not give a boolean."""


def evaluate(expression: str) -> bool:
    """Return the truth of a `when` expression whose placeholders are already replaced.

    Raises
    ------
    ExpressionError
        The expression cannot be parsed, compares what cannot be compared, or is not boolean.

    Examples
    --------
    >>> evaluate('"heads" == "heads"'), evaluate("7 > 5 && tails != heads")
    (True, True)
    """
    parser = _Parser(expression, _tokens(expression))
    value = parser.parse()
    if not isinstance(value, bool):
        raise ExpressionError(f"Expected boolean evaluation for '{expression}'. Got {value}")
    return value


def _tokens(expression: str) -> List[Tuple[str, Any]]:
    found: List[Tuple[str, Any]] = []
    position, end = 0, len(expression.rstrip())
    while position < end:
        match = _TOKEN.match(expression, position)
        if match is None:
            raise ExpressionError(f"Invalid 'when' expression '{expression}': at {expression[position:]!r} {_HINT}")
        kind, text = str(match.lastgroup), match.group(str(match.lastgroup))
        if kind == "number":
            found.append(("value", float(int(text, 16)) if text.startswith("0x") else float(text)))
        elif kind == "string":
            found.append(("value", _ESCAPE.sub(r"\1", text[1:-1])))
        elif kind == "word":
            found.append(("value", {"true": True, "false": False}.get(text, text)))
        else:
            found.append(("operator", text))
        position = match.end()
    return found


class _Parser:
    """Precedence, weakest first: ``||``, ``&&``, comparison, ``+ -``, ``* / %``, prefix ``! -``."""

    def __init__(self, expression: str, tokens: List[Tuple[str, Any]]) -> None:
        self._expression = expression
        self._tokens = tokens
        self._position = 0

    def parse(self) -> Any:
        value = self._either()
        if self._position < len(self._tokens):
            raise self._error(f"unexpected {self._tokens[self._position][1]!r}")
        return value

    def _error(self, what: str) -> ExpressionError:
        return ExpressionError(f"Invalid 'when' expression '{self._expression}': {what} {_HINT}")

    def _operator(self, *wanted: str) -> str:
        if self._position < len(self._tokens):
            kind, text = self._tokens[self._position]
            if kind == "operator" and text in wanted:
                self._position += 1
                return str(text)
        return ""

    def _either(self) -> Any:
        left = self._both()
        while self._operator("||"):
            right = self._both()
            left = self._boolean(left, "||") or self._boolean(right, "||")
        return left

    def _both(self) -> Any:
        left = self._comparison()
        while self._operator("&&"):
            right = self._comparison()
            left = self._boolean(left, "&&") and self._boolean(right, "&&")
        return left

    def _comparison(self) -> Any:
        left = self._sum()
        operator = self._operator("==", "!=", "<=", ">=", "<", ">", "=~", "!~")
        while operator:
            left = self._compare(operator, left, self._sum())
            operator = self._operator("==", "!=", "<=", ">=", "<", ">", "=~", "!~")
        return left

    def _compare(self, operator: str, left: Any, right: Any) -> bool:
        same = type(left) is type(right)
        if operator in ("==", "!="):
            return (same and left == right) == (operator == "==")
        if operator in ("=~", "!~"):
            if not (isinstance(left, str) and isinstance(right, str)):
                raise self._error(f"{operator} needs two strings")
            try:
                return (re.search(right, left) is not None) == (operator == "=~")
            except re.error as error:
                raise self._error(f"{right!r} is not a regular expression: {error}") from error
        if not same or isinstance(left, bool):
            raise self._error(f"cannot compare {left!r} with {right!r} by {operator}")
        order: Dict[str, Callable[[Any, Any], bool]] = {
            "<": lambda a, b: a < b,
            "<=": lambda a, b: a <= b,
            ">": lambda a, b: a > b,
            ">=": lambda a, b: a >= b,
        }
        return order[operator](left, right)

    def _sum(self) -> Any:
        left = self._product()
        operator = self._operator("+", "-")
        while operator:
            right = self._product()
            if operator == "+" and isinstance(left, str) and isinstance(right, str):
                left = left + right
            else:
                left = self._number(left) + (self._number(right) if operator == "+" else -self._number(right))
            operator = self._operator("+", "-")
        return left

    def _product(self) -> Any:
        left = self._prefixed()
        operator = self._operator("*", "/", "%")
        while operator:
            a, b = self._number(left), self._number(self._prefixed())
            if operator != "*" and b == 0:
                raise self._error("division by zero")
            left = a * b if operator == "*" else a / b if operator == "/" else a % b
            operator = self._operator("*", "/", "%")
        return left

    def _prefixed(self) -> Any:
        if self._operator("!"):
            return not self._boolean(self._prefixed(), "!")
        if self._operator("-"):
            return -self._number(self._prefixed())
        if self._operator("("):
            value = self._either()
            if not self._operator(")"):
                raise self._error("a parenthesis is not closed")
            return value
        if self._position >= len(self._tokens) or self._tokens[self._position][0] != "value":
            raise self._error("a value is missing")
        self._position += 1
        return self._tokens[self._position - 1][1]

    def _boolean(self, value: Any, operator: str) -> bool:
        if not isinstance(value, bool):
            raise self._error(f"{operator} needs booleans, not {value!r}")
        return value

    def _number(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, float):
            raise self._error(f"{value!r} is not a number")
        return value
