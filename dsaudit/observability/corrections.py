"""Corrected expressions: what is wrong in one is put right, and the rest is left as it stands."""

from __future__ import annotations

from datetime import timedelta

import promql_parser
from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, VectorSelector

from dsaudit.observability import promql
from dsaudit.observability.kinds import OF_TARGETS

WINDOW = "5m"


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
    """Return buckets of which those that are asked for as they stand are asked for by their rate."""
    if any(promql.function(one) in promql.RATES for one in promql.within(node)):
        return promql.text(node)

    def replaced(one: Expr) -> str | None:
        if not isinstance(one, VectorSelector):
            return None
        name, told = promql.metric(one), _over(one)
        is_whole = name.endswith("_bucket") or not told.startswith(name)
        return f"rate({told})" if is_whole else f"rate({name}_bucket{told.removeprefix(name)})"

    return promql.text(promql.changed(node, replaced))


def increase(selector: VectorSelector) -> str:
    """Return by how much a counter grows."""
    return f"increase({_over(selector)})"


def _over(selector: VectorSelector) -> str:
    bare, offset, later = promql.text(selector).partition(" offset ")
    return f"{bare}[{WINDOW}]{offset}{later}"


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
