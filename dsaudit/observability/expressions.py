"""What is wrong with an expression whatever it is used for, each time with what should stand there instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import promql_parser
from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, SubqueryExpr, VectorSelector

from dsaudit.observability import corrections, promql
from dsaudit.observability.kinds import Kinds
from dsaudit.observability.labels import apart, kept


@dataclass(frozen=True)
class Problem:
    """What is wrong in an expression; `instead` replaces the part `of`, both as text, '' where nothing is proposed."""

    words: str
    of: str = ""
    instead: str = ""


PART, PASSES = "dsaudit_part_", 5
MEANT_AS_PATTERN = re.compile(r"\.[*+]|^[1-5]\.\.$|^[\w./-]+(\|[\w./-]+)+$|\\d|\[0-9\]")


def problems(tree: Expr, kinds: Kinds) -> list[Problem]:
    """Return what is wrong with an expression, the same thing once."""
    found = [one for judge in JUDGES for one in judge(tree, kinds)]
    return list(dict.fromkeys(found))


def corrected(tree: Expr, find: Callable[[Expr], list[Problem]]) -> str | None:
    """Return an expression with all that is proposed instead of what `find` finds, or None where nothing is."""
    right = tree
    for _ in range(PASSES):  # a part may be wrong in two ways, or hold another that is
        found = {one.of: one.instead for one in find(right) if one.instead}
        if not found:
            break
        right = _replaced(right, found)
    return promql.text(right) if right is not tree else None


def _replaced(tree: Expr, instead: dict[str, str]) -> Expr:
    parts: list[str] = []

    def placed(node: Expr) -> Expr | None:
        told = instead.get(promql.text(node))
        if told is None:
            return None
        parts.append(told)
        return promql.parsed(f"{PART}{len(parts) - 1}")

    # From the outside in, and each part held apart: what is proposed for one was made of it as it stood.
    whole = promql.text(promql_parser.transform(tree, pre_visit=placed))
    return promql.parsed(re.sub(rf"{PART}([0-9]+)", lambda found: parts[int(found[1])], whole))


# Two sides


def _matchings(tree: Expr, kinds: Kinds) -> Iterator[Problem]:
    for node in promql.within(tree):
        if isinstance(node, BinaryExpr) and (words := apart(node, kinds)):
            is_plain = promql.operator(node) == "/" and promql.matching(node) is None
            is_plain = is_plain and None not in (_series(node.lhs), _series(node.rhs))
            yield Problem(words, promql.text(node), corrections.quotient(node) if is_plain else "")


def _divisions(tree: Expr, kinds: Kinds) -> Iterator[Problem]:
    for node in promql.within(tree):
        if isinstance(node, BinaryExpr) and promql.operator(node) == "/" and not promql.grouped(node):
            problem = "" if apart(node, kinds) else _division(node)
            if problem:
                yield Problem(problem, promql.text(node), corrections.quotient(node))


def _division(node: BinaryExpr) -> str:
    left, right = _series(node.lhs), _series(node.rhs)
    if left is None or right is None or promql.matching(node) is not None:
        return ""
    one, other = promql.metric(left), promql.metric(right)
    is_meant = promql.text(node.lhs) == promql.text(node.rhs)  # as a way to a 1 with certain labels
    if one == other and left.offset == right.offset and _form(node.lhs) == _form(node.rhs) and not is_meant:
        return f"every series of {one} is divided by itself, as nothing is aggregated: the quotient is always 1"
    return ""


def _series(node: Expr) -> VectorSelector | None:
    """Return the only selector of an expression that leaves the labels of its series as they are."""
    inner = promql.bare(node)
    if isinstance(inner, BinaryExpr):
        sides = [one for one in (inner.lhs, inner.rhs) if not promql.is_scalar(one)]
        is_plain = len(sides) == 1 and promql.operator(inner) not in promql.COMPARING
        return _series(sides[0]) if is_plain else None
    if isinstance(inner, (AggregateExpr, SubqueryExpr)) or promql.function(inner) in ("label_replace", "label_join"):
        return None
    asked = promql.selectors(inner)
    return asked[0] if len(asked) == 1 and promql.metric(asked[0]) else None


def _form(node: Expr) -> str:
    """Return an expression without conditions, and without the numbers that scale it."""

    def replaced(one: Expr) -> str | None:
        return promql.metric(one) if isinstance(one, VectorSelector) else None

    inner = promql.bare(node)
    while isinstance(inner, BinaryExpr):
        inner = promql.bare(inner.rhs if promql.is_scalar(inner.lhs) else inner.lhs)
    return promql.text(promql.changed(inner, replaced))


# Quantiles


def _quantiles(tree: Expr, kinds: Kinds) -> Iterator[Problem]:
    for node in promql.within(tree):
        if promql.function(node) != "histogram_quantile" or not isinstance(node, Call):
            continue
        told, level, buckets = promql.text(node), promql.number(node.args[0]), node.args[1]
        if level is not None and not 0 <= level <= 1:
            yield Problem(f"a quantile lies between 0 and 1, and {level:g} does not", told, _level(node, level))
        names = {promql.metric(one) for one in promql.selectors(buckets)}
        classic = sorted(name for name in names if name.endswith("_bucket") and ":" not in name)
        at_once = not any(_looks_back(one) for one in promql.within(buckets))
        bare = sorted(name for name in names - {*classic} if name and ":" not in name and "rate" not in name)
        lacks_rate = classic and at_once
        if bare and at_once:
            words = f"{bare[0]} has no rate(), and the buckets of a histogram are {bare[0]}_bucket"
            yield Problem(words, told, corrections.quantile(node))
        left = kept(buckets)
        lacks_le = (classic and left is not None and "le" not in left) or _drops_le(buckets)
        if lacks_rate:
            words = f"the quantile is of everything since the process began, as {classic[0]} has no rate()"
            yield Problem(words, told, corrections.quantile(node))
        if lacks_rate and not any(isinstance(one, AggregateExpr) for one in promql.within(buckets)):
            words = "the buckets are not summed by (le): there is a quantile for each series, and each process alone"
            yield Problem(words, told, corrections.quantile(node))
        if lacks_le:
            words = "le is aggregated away, and without it there are no buckets to find the quantile in"
            yield Problem(words, told, corrections.quantile(node))


def _looks_back(node: Expr) -> bool:
    return isinstance(node, (MatrixSelector, SubqueryExpr))


def _drops_le(node: Expr) -> bool:
    aggregations = [one for one in promql.within(node) if isinstance(one, AggregateExpr)]
    return any(not keeps and "le" in names for keeps, names in map(promql.grouping, aggregations))


def _level(node: Call, level: float) -> str:
    is_percent = 1 < level <= 100
    return f"histogram_quantile({level / 100:g}, {promql.text(node.args[1])})" if is_percent else ""


# Kinds of metrics


def _kinds(tree: Expr, kinds: Kinds) -> Iterator[Problem]:
    for node in promql.within(tree):
        name = promql.function(node)
        if name in promql.RATES and isinstance(node, Call):
            inner = node.args[0]
            if isinstance(inner, SubqueryExpr) and isinstance(promql.bare(inner.expr), AggregateExpr):
                yield from _rate_of_sum(node, promql.bare(inner.expr), kinds)
            for asked in promql.selectors(inner) if isinstance(inner, MatrixSelector) else []:
                if kinds.kind(promql.metric(asked)) == "gauge":
                    words = f"{promql.metric(asked)} is a gauge, and {name}() takes each fall of it for a restart"
                    yield Problem(words, promql.text(node), _of_gauge(node, name))
        if name == "delta" and isinstance(node, Call):
            for asked in promql.selectors(node):
                if kinds.kind(promql.metric(asked)) == "counter":
                    words = f"{promql.metric(asked)} is a counter, and delta() falls with each restart"
                    yield Problem(words, promql.text(node), f"increase({promql.text(node.args[0])})")


def _of_gauge(node: Call, name: str) -> str:
    return f"{'deriv' if name == 'rate' else 'delta'}({promql.text(node.args[0])})"


def _rate_of_sum(node: Call, inside: Expr, kinds: Kinds) -> Iterator[Problem]:
    names = {promql.metric(one) for one in promql.selectors(inside)}
    is_plain = promql.operator(inside) == "sum" and not any(_looks_back(one) for one in promql.within(inside))
    if names and is_plain and all(kinds.kind(one) in ("counter", "bucket") for one in names):
        yield Problem(f"{promql.function(node)}() of a sum takes one restart for that of all: sum the rates instead")


def _raw_counters(tree: Expr, kinds: Kinds) -> Iterator[Problem]:
    """A counter held against a limit as it stands passes it one day, and never comes back."""
    node = promql.bare(tree)
    if not isinstance(node, BinaryExpr) or promql.operator(node) not in (">", ">=") or promql.number(node.rhs) is None:
        return
    left = promql.bare(node.lhs)
    left = promql.bare(left.expr) if isinstance(left, AggregateExpr) else left
    # By its name alone nothing is held to be a counter here: many a gauge ends in `_total` too.
    if isinstance(left, VectorSelector) and kinds.told.get(promql.metric(left)) == "counter":
        words = f"{promql.metric(left)} is a counter: once beyond the limit it stays there until a restart"
        yield Problem(words, promql.text(left), corrections.increase(left))


# Conditions on labels


def _conditions(tree: Expr, kinds: Kinds) -> Iterator[Problem]:
    for selector in promql.selectors(tree):
        for one in promql.conditions(selector):
            if one.sign in ("=", "!=") and MEANT_AS_PATTERN.search(one.value):
                told = f"{one.label}{one.sign}{promql.quoted(one.value)}"
                instead = f"{one.label}{'=~' if one.sign == '=' else '!~'}{promql.quoted(one.value)}"
                whole = promql.text(selector)
                words = f"{told} takes the value as it is written; for a pattern it is {instead}"
                yield Problem(words, whole, whole.replace(told, instead))


JUDGES = (_matchings, _divisions, _quantiles, _kinds, _raw_counters, _conditions)
