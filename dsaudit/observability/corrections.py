"""Corrected expressions: what is wrong in one is put right, and the rest is left as it stands."""

from __future__ import annotations

from datetime import timedelta

import promql_parser
from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, VectorSelector

from dsaudit.observability import promql

WINDOW = "5m"
OF_TARGETS = {"job", "instance", "namespace", "cluster", "environment", "env"}  # whose series they are


def quotient(node: BinaryExpr) -> str:
    """Return a division of series as one of sums."""
    sign = promql.operator(node)
    return f"sum({promql.text(promql.bare(node.lhs))}) {sign} sum({promql.text(promql.bare(node.rhs))})"


def quantile(node: Call) -> str:
    """Return a quantile as one of the rate of the buckets, by ``le`` and whatever else it is grouped by."""
    level, buckets = promql.text(node.args[0]), promql.bare(node.args[1])
    names: list[str] = []
    if isinstance(buckets, AggregateExpr):
        keeps, told = promql.grouping(buckets)
        names = told if keeps else []
        if not keeps:
            dropped = ", ".join(one for one in told if one != "le")
            return f"histogram_quantile({level}, sum without ({dropped}) ({rated(buckets.expr)}))"
        buckets = buckets.expr
    by = ", ".join(dict.fromkeys(["le", *names]))
    return f"histogram_quantile({level}, sum by ({by}) ({rated(buckets)}))"


def rated(node: Expr) -> str:
    """Return an expression in which every series that is asked for as it stands is asked for by its rate."""
    if any(promql.function(one) in promql.RATES for one in promql.within(node)):
        return promql.text(node)

    def replaced(one: Expr) -> str | None:
        return rate(one) if isinstance(one, VectorSelector) else None

    return promql.text(promql.changed(node, replaced))


def rate(selector: VectorSelector, function: str = "rate", window: str = WINDOW) -> str:
    """Return the rate of a counter."""
    return f"{function}({_over(selector, window)})"


def _over(selector: VectorSelector, window: str) -> str:
    told = promql.text(selector)
    bare, offset, later = told.partition(" offset ")
    return f"{bare}[{window}]{offset}{later}"


def average(histogram: str, window: timedelta | None = None) -> str:
    """Return the average of what a histogram or summary counts."""
    told = promql_parser.display_duration(window) if window else WINDOW
    return f"sum(rate({histogram}_sum[{told}])) / sum(rate({histogram}_count[{told}]))"


def share(node: Expr) -> str | None:
    """Return what part the series of an expression are of all of their metric, or None where it asks for all."""
    asked = promql.selectors(node)
    told = promql.conditions(asked[0]) if len(asked) == 1 else []
    picking = [one.label for one in told if one.sign in ("=", "=~") and "$" not in one.value]
    picking = [one for one in picking if one not in OF_TARGETS]
    if not picking:
        return None
    last = picking[-1]  # what is written last picks the part, as a rule

    def wider(one: Expr) -> str | None:
        if not isinstance(one, VectorSelector):
            return None
        rest = [one for one in told if one.label != last]
        shown = ", ".join(f"{one.label}{one.sign}{promql.quoted(one.value)}" for one in rest)
        return promql.metric(asked[0]) + (f"{{{shown}}}" if shown else "")

    above = promql.bare(node)
    above = above.expr if isinstance(above, AggregateExpr) and promql.operator(above) == "sum" else above
    return f"sum({promql.text(above)}) / sum({promql.text(promql.changed(above, wider))})"
