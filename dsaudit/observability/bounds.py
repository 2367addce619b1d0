"""Between which numbers the values of an expression lie, as far as its form tells; so a comparison may be vain."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, UnaryExpr, VectorSelector

from dsaudit.observability import promql
from dsaudit.observability.kinds import Kinds

INFINITE = math.inf


@dataclass(frozen=True)
class Bounds:
    """The least and the greatest value that a series may have."""

    least: float = -INFINITE
    most: float = INFINITE

    def __or__(self, other: Bounds) -> Bounds:
        return Bounds(min(self.least, other.least), max(self.most, other.most))


ANY, NOT_NEGATIVE, ONE, SHARE = Bounds(), Bounds(0), Bounds(1, 1), Bounds(0, 1)
OF_CALLS = {
    **dict.fromkeys(["rate", "irate", "increase", "changes", "resets", "abs", "time", "exp", "sqrt"], NOT_NEGATIVE),
    **dict.fromkeys(["stddev_over_time", "stdvar_over_time", "day_of_week", "hour", "minute"], NOT_NEGATIVE),
    **dict.fromkeys(["absent", "absent_over_time", "present_over_time"], ONE),
    "count_over_time": Bounds(1),
}
AS_BEFORE = {"sum", "min", "max", "avg", "topk", "bottomk", "quantile", "limitk", "limit_ratio"}
KEEPING = {
    *("sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "label_replace", "label_join", "scalar", "vector"),
    *("min_over_time", "max_over_time", "avg_over_time", "last_over_time", "first_over_time", "sum_over_time"),
}
CALCULATED: dict[str, Callable[[Bounds, Bounds], Bounds]] = {
    "+": lambda one, other: Bounds(one.least + other.least, one.most + other.most),
    "-": lambda one, other: Bounds(one.least - other.most, one.most - other.least),
    "*": lambda one, other: _product(one, other),
    "/": lambda one, other: _quotient(one, other),
}


def bounds(node: Expr, kinds: Kinds) -> Bounds:
    """Return between which numbers the values of an expression lie."""
    inner = promql.bare(node)
    known = promql.number(inner)
    if known is not None:
        return Bounds(known, known)
    if isinstance(inner, UnaryExpr):
        below = bounds(inner.expr, kinds)
        return Bounds(-below.most, -below.least)
    if isinstance(inner, MatrixSelector):
        return bounds(inner.vector_selector, kinds)
    if isinstance(inner, VectorSelector):
        name = promql.metric(inner)
        return SHARE if name == "up" else NOT_NEGATIVE if kinds.kind(name) in ("counter", "bucket") else ANY
    if isinstance(inner, AggregateExpr):
        return _aggregated(inner, kinds)
    if isinstance(inner, Call):
        return _called(inner, kinds)
    return _combined(inner, kinds) if isinstance(inner, BinaryExpr) else ANY


def _aggregated(node: AggregateExpr, kinds: Kinds) -> Bounds:
    name, inner = promql.operator(node), bounds(node.expr, kinds)
    if name == "sum":  # of one series or of many
        return Bounds(inner.least if inner.least >= 0 else -INFINITE, inner.most if inner.most <= 0 else INFINITE)
    if name in AS_BEFORE:
        return inner
    return {"count": Bounds(1), "group": ONE, "stddev": NOT_NEGATIVE, "stdvar": NOT_NEGATIVE}.get(name, ANY)


def _called(node: Call, kinds: Kinds) -> Bounds:
    name = promql.function(node)
    if name == "histogram_quantile":
        return Bounds(most=last_bucket(node, kinds))
    if name in OF_CALLS:
        return OF_CALLS[name]
    if name not in KEEPING or not node.args:
        return ANY
    inner = bounds(node.args[0], kinds)
    return inner if name != "sum_over_time" else Bounds(inner.least if inner.least >= 0 else -INFINITE)


def last_bucket(node: Call, kinds: Kinds) -> float:
    """Return where the last bucket of a quantile ends, beyond which it is never found; infinite where not known."""
    level, inside = promql.number(node.args[0]), node.args[1]
    changes = {promql.function(one) for one in promql.within(inside)} & {"label_replace", "label_join"}
    if level is None or not 0 <= level <= 1 or changes:
        return INFINITE
    names = {promql.metric(one) for one in promql.selectors(inside)}
    return max((kinds.last_buckets.get(name, INFINITE) for name in names), default=INFINITE)


def _combined(node: BinaryExpr, kinds: Kinds) -> Bounds:
    sign = promql.operator(node)
    left, right = bounds(node.lhs, kinds), bounds(node.rhs, kinds)
    if sign in promql.COMPARING:
        if not promql.compares(node):
            return SHARE  # with `bool` it is 0 or 1
        return _narrowed(right, INVERSE[sign], left) if promql.is_scalar(node.lhs) else _narrowed(left, sign, right)
    if sign in promql.SETS:
        return left | right if sign == "or" else left
    if is_share(node) and left.least >= 0:
        return SHARE
    return CALCULATED[sign](left, right) if sign in CALCULATED else ANY


INVERSE = {"==": "==", "!=": "!=", ">": "<", "<": ">", ">=": "<=", "<=": ">="}


def _narrowed(values: Bounds, sign: str, limit: Bounds) -> Bounds:
    """Return between which numbers lie those that a comparison lets through."""
    least = limit.least if sign in (">", ">=", "==") else -INFINITE
    most = limit.most if sign in ("<", "<=", "==") else INFINITE
    return Bounds(max(values.least, least), min(values.most, most))


def is_none(comparisons: list[BinaryExpr]) -> bool:
    """Return whether no value is let through by all of these comparisons of it with numbers."""
    left, strict = ANY, set[float]()
    for one in comparisons:
        sign, limit = promql.operator(one), promql.number(one.rhs)
        assert limit is not None
        left = _narrowed(left, sign, Bounds(limit, limit))
        strict |= {limit} if sign in ("<", ">", "!=") else set()
    return left.least > left.most or (left.least == left.most and left.least in strict)


def _product(one: Bounds, other: Bounds) -> Bounds:
    for number, values in ((one, other), (other, one)):
        if number.least == number.most and 0 < number.least < INFINITE:
            return Bounds(values.least * number.least, values.most * number.least)
    if one.least >= 0 and other.least >= 0:
        most = 0.0 if 0 in (one.most, other.most) else one.most * other.most
        return Bounds(one.least * other.least if INFINITE not in (one.least, other.least) else 0, most)
    return ANY


def _quotient(one: Bounds, other: Bounds) -> Bounds:
    if other.least == other.most and other.least > 0 and other.least != INFINITE:
        return Bounds(one.least / other.least, one.most / other.least)
    return NOT_NEGATIVE if one.least >= 0 and other.least >= 0 else ANY


def is_share(node: Expr) -> bool:
    """Return whether it divides some series by these and others: the same expression with fewer conditions."""
    if promql.operator(node) != "/" or not isinstance(node, BinaryExpr):
        return False
    above, below = promql.bare(node.lhs), promql.bare(node.rhs)
    above_asks = promql.selectors(above)
    below_asks = promql.selectors(below)
    if len(above_asks) != 1 or len(below_asks) != 1 or above_asks[0].offset != below_asks[0].offset:
        return False
    if {promql.operator(one) for one in (above, below)} - {"", "sum", "count"}:
        return False
    if not set(promql.conditions(above_asks[0])) >= set(promql.conditions(below_asks[0])):
        return False
    return without_conditions(above) == without_conditions(below)


def without_conditions(node: Expr) -> str:
    """Return an expression without what it asks of labels, to be compared with another."""

    def emptied(one: Expr) -> str | None:
        return promql.metric(one) or None if isinstance(one, VectorSelector) else None

    return promql.text(promql.changed(node, emptied))


def vain(node: BinaryExpr, kinds: Kinds) -> str | None:
    """Return ``never`` or ``always`` where the bounds of both sides decide a comparison, else None."""
    left, right, sign = bounds(node.lhs, kinds), bounds(node.rhs, kinds), promql.operator(node)
    if sign in ("<", "<="):
        left, right, sign = right, left, ">" if sign == "<" else ">="
    apart = left.most < right.least or left.least > right.most
    if sign in ("==", "!="):
        same = left.least == left.most == right.least == right.most
        decided = {"==": (apart, same), "!=": (same, apart)}[sign]
    elif sign == ">":
        decided = left.most <= right.least, left.least > right.most
    else:
        decided = left.most < right.least, left.least >= right.most
    return "never" if decided[0] else "always" if decided[1] else None
