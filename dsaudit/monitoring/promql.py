"""Which metrics a PromQL expression asks for, and beyond which numbers they count; it is read, and not run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from promql_parser import BinaryExpr, Expr, VectorSelector

from dsaudit.observability import promql
from dsaudit.observability.promql import NotPromql

__all__ = ["NotPromql", "Selector", "selectors"]
ABSENT = {"absent", "absent_over_time"}


@dataclass(frozen=True)
class Selector:
    """The series that an expression asks for: a metric, its labels' conditions, and whether only for being gone."""

    metric: str
    labels: tuple[tuple[str, str, str], ...] = ()  # label, sign, value
    is_absent: bool = False
    above: float | None = None  # the number beyond which it counts; NaN if it is no plain number, None if there is none

    def takes(self, labels: Mapping[str, str]) -> bool:
        """Return whether it takes a series with these labels; of others it may ask what it likes."""
        return all(_holds(labels[label], sign, value) for label, sign, value in self.labels if label in labels)


def selectors(expression: str) -> list[Selector]:
    """Return what an expression asks for, in its order.

    Raises
    ------
    NotPromql
        It is none, or takes metrics by a pattern of their names.
    """
    return list(_asked(promql.parsed(expression), None, False))


def _asked(node: Expr, above: float | None, is_absent: bool) -> Iterator[Selector]:
    """Yield what a part asks for, which is held to be greater than `above`."""
    if isinstance(node, VectorSelector):
        yield from _selector(node, above, is_absent)
    elif isinstance(node, BinaryExpr):
        left, right = _limits(node, above)
        yield from _asked(node.lhs, left, is_absent)
        yield from _asked(node.rhs, right, is_absent)
    else:
        for child in promql.children(node):
            yield from _asked(child, above, is_absent or promql.function(node) in ABSENT)


def _selector(node: VectorSelector, above: float | None, is_absent: bool) -> Iterator[Selector]:
    name = promql.metric(node)
    told = promql.conditions(node)
    if not name and (pattern := promql.pattern(node)):
        raise NotPromql(f"which metrics {pattern} takes is not followed")
    if name:
        yield Selector(name, tuple((one.label, one.sign, one.value) for one in told), is_absent, above)


def _limits(node: BinaryExpr, above: float | None) -> tuple[float | None, float | None]:
    """Return beyond which numbers the two sides of an expression count."""
    sign = promql.operator(node)
    if sign in (">", ">="):
        return _limit(node.rhs), None
    if sign in ("<", "<="):
        return None, _limit(node.lhs)
    if sign in promql.COMPARING:
        return None, None
    if sign in promql.SETS:
        return above, above if sign == "or" else None
    # What is reckoned with no longer has the number itself as its limit.
    reckoned = above if above is None or above == math.inf else math.nan
    return reckoned, reckoned


def _limit(node: Expr) -> float:
    number = promql.number(node)
    return math.nan if number is None else number


def _holds(given: str, sign: str, value: str) -> bool:
    try:
        same = given == value if sign in ("=", "!=") else re.fullmatch(value, given) is not None
    except re.error:
        return True  # Go's expressions are others in places; what we cannot tell is no reproach
    return same is not sign.startswith("!")
