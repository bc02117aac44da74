"""The `when` expressions of Argo: a small recursive-descent parser, nothing is ever evaluated as Python.

Strings are quoted, or bare words; numbers are floats without an exponent; the result has to be a boolean. A comparison
of a number with a string is false for ``==`` and an error for ``<`` and its kin, as in the evaluator that Argo uses.
"""

from __future__ import annotations

import math
import re
from typing import Any, Callable, Dict, List, Tuple

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>0x[0-9a-fA-F]+|[\d.]+)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<operator>==|!=|<=|>=|=~|!~|&&|\|\||[<>!()+\-*/%,]|in\b|IN\b)
      | (?P<word>[^\W\d_]\w*)
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_HINT = '(hint: try wrapping the affected expression in quotes ("))'


_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "=~", "!~", "in")


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
            found.append(("value", _number(text, expression)))
        elif kind == "string":
            found.append(("value", _ESCAPE.sub(r"\1", text[1:-1])))
        elif kind == "word":
            found.append(("value", {"true": True, "false": False}.get(text, text)))
        else:
            found.append(("operator", text.lower()))
        position = match.end()
    return found


def _number(text: str, expression: str) -> float:
    try:
        return float(int(text, 16)) if text.startswith("0x") else float(text)
    except ValueError:
        raise ExpressionError(f"Invalid 'when' expression '{expression}': {text!r} is not a number {_HINT}") from None


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
        operator = self._operator(*_COMPARISONS)
        while operator:
            if operator == "in":
                left = any(self._compare("==", left, item) for item in self._list())
            else:
                left = self._compare(operator, left, self._sum())
            operator = self._operator(*_COMPARISONS)
        return left

    def _list(self) -> List[Any]:
        if not self._operator("("):
            raise self._error("in needs a list in parentheses")
        values = [self._either()]
        while self._operator(","):
            values.append(self._either())
        if not self._operator(")"):
            raise self._error("a parenthesis is not closed")
        return values

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
            if operator == "+" and (isinstance(left, str) or isinstance(right, str)):
                left = _written(left) + _written(right)
            else:
                left = self._number(left) + (self._number(right) if operator == "+" else -self._number(right))
            operator = self._operator("+", "-")
        return left

    def _product(self) -> Any:
        left = self._prefixed()
        operator = self._operator("*", "/", "%")
        while operator:
            a, b = self._number(left), self._number(self._prefixed())
            left = a * b if operator == "*" else _divided(a, b) if operator == "/" else _rest(a, b)
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


def _divided(a: float, b: float) -> float:
    """Return what floats give by division: nothing is an error, not even by zero."""
    if b != 0:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)


def _rest(a: float, b: float) -> float:
    return math.nan if b == 0 or math.isinf(a) else math.fmod(a, b)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)
