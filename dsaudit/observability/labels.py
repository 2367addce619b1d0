"""Which labels the series of an expression have, as far as its form tells."""

from __future__ import annotations

from promql_parser import AggregateExpr, BinaryExpr, Call, Expr

from dsaudit.observability import promql

Labels = frozenset[str] | None  # None: those of the metric, which the form does not tell


def kept(node: Expr) -> Labels:
    """Return the labels that an expression leaves, or None where all that its series have may be there."""
    inner = promql.bare(node)
    if isinstance(inner, AggregateExpr):
        if promql.operator(inner) in ("topk", "bottomk", "limitk", "limit_ratio"):
            return kept(inner.expr)
        keeps, names = promql.grouping(inner)
        below = kept(inner.expr)
        added = {str(inner.param.val)} if promql.operator(inner) == "count_values" and inner.param else set[str]()
        if keeps:
            return frozenset({*names, *added}) if below is None else below & {*names} | added
        return None if below is None else below - {*names} | added
    if isinstance(inner, BinaryExpr):
        return _combined(inner)
    if isinstance(inner, Call):
        return _called(inner)
    inside = promql.children(inner)
    return kept(inside[0]) if inside else frozenset() if promql.is_scalar(inner) else None


def _called(node: Call) -> Labels:
    name = promql.function(node)
    if name in ("absent", "absent_over_time"):
        asked = [one for selector in promql.selectors(node) for one in promql.conditions(selector)]
        return frozenset(one.label for one in asked if one.sign == "=")
    if name in ("vector", "scalar", "time", "pi"):
        return frozenset()
    if name in ("label_replace", "label_join", "info"):
        return None
    vectors = [one for one in node.args if not promql.is_scalar(one)]
    below = kept(vectors[0]) if vectors else frozenset()
    return below - {"le"} if below is not None and name == "histogram_quantile" else below


def _combined(node: BinaryExpr) -> Labels:
    left, right, sign = kept(node.lhs), kept(node.rhs), promql.operator(node)
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
