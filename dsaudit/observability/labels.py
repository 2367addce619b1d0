"""Which labels the series of an expression have, as far as its form tells."""

from __future__ import annotations

from collections.abc import Callable

from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, VectorSelector

from dsaudit.observability import promql
from dsaudit.observability.grafana import STAND_IN
from dsaudit.observability.kinds import Kinds

Labels = frozenset[str] | None  # None: those of the metric, which the form does not tell


def kept(node: Expr, kinds: Kinds | None = None) -> Labels:
    """Return the labels that an expression leaves, or None where all that its series have may be there.

    With `kinds` those of a metric are the ones that are known of it, and what Prometheus may add.
    """
    inner = promql.bare(node)
    if isinstance(inner, AggregateExpr):
        if promql.operator(inner) in ("topk", "bottomk", "limitk", "limit_ratio"):
            return kept(inner.expr, kinds)
        keeps, names = promql.grouping(inner)
        below = kept(inner.expr, kinds)
        if any(name.startswith(STAND_IN) for name in names):
            return below  # which label it is, whoever looks at the dashboard says
        added = {str(inner.param.val)} if promql.operator(inner) == "count_values" and inner.param else set[str]()
        if keeps:
            return frozenset({*names, *added}) if below is None else below & {*names} | added
        return None if below is None else below - {*names} | added
    if isinstance(inner, BinaryExpr):
        return _combined(inner, kinds)
    if isinstance(inner, Call):
        return _called(inner, kinds)
    if kinds and isinstance(inner, VectorSelector):
        known = kinds.labels.get(promql.metric(inner))
        return None if known is None else known | kinds.added
    inside = promql.children(inner)
    return kept(inside[0], kinds) if inside else frozenset() if promql.is_scalar(inner) else None


def _called(node: Call, kinds: Kinds | None) -> Labels:
    name = promql.function(node)
    if name in ("absent", "absent_over_time"):
        asked = [one for selector in promql.selectors(node) for one in promql.conditions(selector)]
        return frozenset(one.label for one in asked if one.sign == "=")
    if name in ("vector", "scalar", "time", "pi"):
        return frozenset()
    if name in ("label_replace", "label_join", "info"):
        return None
    vectors = [one for one in node.args if not promql.is_scalar(one)]
    below = kept(vectors[0], kinds) if vectors else frozenset()
    return below - {"le"} if below is not None and name == "histogram_quantile" else below


def _combined(node: BinaryExpr, kinds: Kinds | None) -> Labels:
    left, right, sign = kept(node.lhs, kinds), kept(node.rhs, kinds), promql.operator(node)
    if sign == "or":
        return None if left is None or right is None else left | right
    if sign in promql.SETS or promql.is_scalar(node.rhs):
        return left
    if promql.is_scalar(node.lhs):
        return right
    group, matched = promql.grouped(node), promql.matching(node)
    if group:
        many = right if group == "group_right" else left
        return None if many is None else many | {*(node.modifier.group_labels or [] if node.modifier else [])}
    if matched is None or promql.compares(node):
        return left if left is not None else right
    is_on, names = matched
    if is_on:
        return frozenset(names)
    return None if left is None else left - {*names}


Sure = dict[str, str | None]  # a label, and the value that it has where that is known
MAKING = {"label_replace", "label_join", "info", "vector", "scalar", "absent", "absent_over_time"}


def surely(node: Expr, kinds: Kinds) -> Sure:
    """Return the labels that each series of an expression has, with their values where they are given."""
    inner = promql.bare(node)
    if isinstance(inner, VectorSelector):
        fixed = [one for one in promql.conditions(inner) if one.sign == "=" and one.value and "$" not in one.value]
        known: Sure = dict.fromkeys(kinds.labels.get(promql.metric(inner), ()))
        return known | {one.label: one.value for one in fixed}
    if isinstance(inner, AggregateExpr):
        below = surely(inner.expr, kinds)
        if promql.operator(inner) in ("topk", "bottomk", "limitk", "limit_ratio"):
            return below
        keeps, names = promql.grouping(inner)
        return {label: value for label, value in below.items() if (label in names) is keeps}
    if isinstance(inner, BinaryExpr):
        return _surely_combined(inner, kinds)
    if isinstance(inner, Call):
        vectors = [one for one in inner.args if not promql.is_scalar(one)]
        below = surely(vectors[0], kinds) if vectors and promql.function(inner) not in MAKING else {}
        return {label: value for label, value in below.items() if label != "le"}
    inside = promql.children(inner)
    return surely(inside[0], kinds) if inside else {}


def _surely_combined(node: BinaryExpr, kinds: Kinds) -> Sure:
    left, right, sign = surely(node.lhs, kinds), surely(node.rhs, kinds), promql.operator(node)
    if sign == "or":
        return {label: left[label] if left[label] == right[label] else None for label in left.keys() & right.keys()}
    if sign in promql.SETS or promql.is_scalar(node.rhs):
        return left
    if promql.is_scalar(node.lhs):
        return right
    matches = _matches(node)
    return {} if promql.grouped(node) else {label: value for label, value in left.items() if matches(label)}


def _matches(node: BinaryExpr) -> Callable[[str], bool]:
    """Return what says whether two sides are matched by a label."""
    is_on, names = promql.matching(node) or (False, [])
    return lambda label: (label in names) is is_on


def apart(node: BinaryExpr, kinds: Kinds) -> str:
    """Return by which label the two sides never match, in words, or '' where they may."""
    is_of_two = not (promql.is_scalar(node.lhs) or promql.is_scalar(node.rhs))
    if not is_of_two or promql.grouped(node) or promql.operator(node) in ("or", "unless"):
        return ""
    matches, told = _matches(node), "all their labels" if promql.matching(node) is None else "labels"
    left, right = ((surely(side, kinds), kept(side, kinds)) for side in (node.lhs, node.rhs))
    for label in sorted(filter(matches, left[0] | right[0])):
        one, other = left[0].get(label), right[0].get(label)
        if one and other and one != other:
            return f"both sides are matched by {told}, {label} too, which they never have in common"
        for (known, _), (_, possible) in ((left, right), (right, left)):
            if label in known and possible is not None and label not in possible:
                return f"both sides are matched by {told}, and only one has {label}: nothing is ever left"
    return ""
