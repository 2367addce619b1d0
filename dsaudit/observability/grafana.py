"""Grafana's own words in an expression, ``$__rate_interval`` and the like, stand-ins for them, and the way back."""

from __future__ import annotations

import re

from promql_parser import Expr

from dsaudit.observability import promql

STAND_IN = "grafana_"  # how the names begin that stand for variables
VARIABLE = re.compile(r"\$\{\w+(?::\w+)?\}|\$\w+|\[\[\w+\]\]")
TEXT = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`')
OF_TIME = re.compile(r"(?:[\[:]|offset)\s*$")


def parsed(expression: str) -> tuple[Expr, dict[str, str]]:
    """Return the tree of a panel's expression, and what stands in it for which variable.

    Raises
    ------
    NotPromql
        It is none, whatever its variables are.
    """
    for number_like in (False, True):
        given, stand_ins = _replaced(expression, number_like)
        try:
            return promql.parsed(given), stand_ins
        except promql.NotPromql as error:
            problem = error
    raise problem


def text(expression: str, stand_ins: dict[str, str]) -> str:
    """Return an expression with Grafana's words in it again."""
    for stand_in, variable in stand_ins.items():
        shown = variable.replace("\\", r"\\")
        expression = re.sub(rf"(?<!\w){re.escape(stand_in)}(?!\w)", shown, expression)
    return expression


def _replaced(expression: str, number_like: bool) -> tuple[str, dict[str, str]]:
    texts = [match.span() for match in TEXT.finditer(expression)]
    stand_ins: dict[str, str] = {}

    def replaced(match: re.Match[str]) -> str:
        if any(start < match.start() < end for start, end in texts):
            return match[0]  # a value may be what it likes
        is_time = OF_TIME.search(expression[: match.start()])
        number = len(stand_ins) + 1
        stand_in = f"{number}ms" if is_time else f"9{number:05}9" if number_like else f"{STAND_IN}{number}"
        stand_ins[stand_in] = match[0]
        return stand_in

    return VARIABLE.sub(replaced, expression), stand_ins
