"""What is wrong with an alert rule, and the rule as it should be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import yaml
from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, VectorSelector

from dsaudit.observability import bounds, expressions, promql
from dsaudit.observability.expressions import Problem
from dsaudit.observability.kinds import OF_TARGETS, Kinds
from dsaudit.observability.labels import kept

FOR, SEVERITY = "5m", "warning"
NO_SEVERITY = "no severity, so nobody can send it to whom it concerns"
NO_SUMMARY = "no summary, so whoever is woken reads a name and an expression"
URGENCY = {"severity", "priority", "level", "urgency", "criticality"}
TOLD = {"summary", "description", "message", "title"}
# Of the alert itself; `.Labels` may be those of what a text queries.
NAMED_LABEL = re.compile(r"\$labels\.([a-zA-Z_]\w*)|index \$labels \"(\w+)\"")
PERCENT = re.compile(r"humanizePercentage|[0-9}]\s?%|\bpercent", re.IGNORECASE)
DESERVES_A_WAIT = timedelta(minutes=1)


@dataclass(frozen=True)
class Linted:
    """What was found of a rule: in words, and the whole rule with all of it put right, as Prometheus reads it.

    `untold` is what it does not tell whom it wakes, though it wakes them; a rule is wrong in more than its `for` where
    it `is_grave`.
    """

    problems: tuple[str, ...]
    rule: dict[str, Any]
    untold: tuple[str, ...] = ()
    is_grave: bool = False


def lint(rule: dict[str, Any], kinds: Kinds, group_labels: dict[str, Any] | None = None) -> Linted:
    """Return what is wrong with an alert or recording rule.

    Raises
    ------
    NotPromql
        Its expression cannot be read.
    """
    tree = promql.parsed(str(rule["expr"]))
    is_alert, right = "alert" in rule, dict(rule)

    def find(one: Expr) -> list[Problem]:
        return [*expressions.problems(one, kinds), *([*_vain(one, kinds), *_contradictions(one)] if is_alert else [])]

    words, untold = [one.words for one in find(tree)], tuple[str, ...]()
    if (expression := expressions.corrected(tree, find)) is not None:
        right["expr"] = expression
    if is_alert:
        words += [*_never_silent(tree), *_lost_labels(rule, tree), *_no_share(rule, tree)]
    is_grave = bool(words)
    if is_alert:
        words += _without_a_wait(rule, right, tree)
        untold = _untold(rule, right, group_labels or {})
    return Linted(tuple(dict.fromkeys(words)), right, untold, is_grave)


def _vain(tree: Expr, kinds: Kinds) -> Iterator[Problem]:
    """Yield the comparisons that can never or always hold."""
    deciding = {promql.text(one) for one in _branches(tree)}
    for node in promql.within(tree):
        if not isinstance(node, BinaryExpr) or promql.operator(node) not in promql.COMPARING:
            continue
        decided = bounds.vain(node, kinds)
        is_harmless = promql.text(node) not in deciding or _is_conditional(node.lhs) or _is_conditional(node.rhs)
        if decided == "always" and is_harmless:
            continue  # a guard that guards nothing, or whether there is anything at all decides
        if decided and not (promql.is_scalar(node.lhs) and promql.is_scalar(node.rhs)):
            why = _why(node, kinds)
            yield Problem(f"{promql.text(node)} {decided} holds: {why}", promql.text(node), _instead(node, decided))


def _contradictions(tree: Expr) -> Iterator[Problem]:
    """Yield the comparisons of one expression that never hold at once, and have to."""
    for node in promql.within(tree):
        limits: dict[str, list[BinaryExpr]] = {}
        for one in _at_once(node) if promql.operator(node) == "and" else []:
            if isinstance(one, BinaryExpr) and promql.compares(one) and promql.number(one.rhs) is not None:
                limits.setdefault(promql.text(promql.bare(one.lhs)), []).append(one)
        for of, held in limits.items():
            if bounds.is_none(held):
                told = " and ".join(f"{promql.operator(one)} {promql.number(one.rhs):g}" for one in held)
                yield Problem(f"{of} is never {told} at once")


def _at_once(node: Expr) -> list[Expr]:
    """Return the parts that have to hold of the same series."""
    inner = promql.bare(node)
    if not isinstance(inner, BinaryExpr) or promql.operator(inner) != "and" or promql.matching(inner) is not None:
        return [inner]
    return [*_at_once(inner.lhs), *_at_once(inner.rhs)]


def _branches(tree: Expr) -> list[Expr]:
    """Return the parts of which a single one makes the alert fire."""
    inner = promql.bare(tree)
    if promql.operator(inner) != "or":
        return [inner]
    return [one for child in promql.children(inner) for one in _branches(child)]


def _why(node: BinaryExpr, kinds: Kinds) -> str:
    counts = promql.operator(promql.bare(node.lhs)) == "count"
    if counts and bounds.vain(node, kinds) == "never":
        return "a count of nothing is no series, and not 0"
    side = node.rhs if promql.is_scalar(node.lhs) else node.lhs
    between = bounds.bounds(side, kinds)
    quantiles = [one for one in promql.within(side) if promql.function(one) == "histogram_quantile"]
    ends = [bounds.last_bucket(one, kinds) for one in quantiles if isinstance(one, Call)]
    if ends and max(ends) < bounds.INFINITE:
        return f"a quantile is never found beyond the last bucket, which ends at {max(ends):g}: add larger buckets"
    least = f"at least {between.least:g}" if between.least != -bounds.INFINITE else ""
    most = f"at most {between.most:g}" if between.most != bounds.INFINITE else ""
    told = " and ".join(one for one in (least, most) if one)
    return f"the value is {told} whenever there is one" if told else "whatever the value is"


def _instead(node: BinaryExpr, decided: str) -> str:
    """Return what a comparison of a count with nothing means to say."""
    inner, limit = promql.bare(node.lhs), promql.number(node.rhs)
    if not isinstance(inner, AggregateExpr) or promql.operator(inner) != "count" or decided != "never":
        return ""
    is_whole = promql.grouping(inner) == (True, [])
    if is_whole and limit is not None and promql.operator(node) in ("==", "<", "<="):
        return f"({promql.text(inner)} or vector(0)) {promql.operator(node)} {limit:g}"
    return ""


def _never_silent(tree: Expr) -> Iterator[str]:
    """Yield why an alert fires whatever the values are, and not on purpose, as the ``vector(1)`` of a watchdog does."""
    inner = promql.bare(tree)
    if _is_conditional(inner) or not promql.selectors(inner):
        return
    if isinstance(inner, VectorSelector) and {one.label for one in promql.conditions(inner)} - OF_TARGETS:
        return  # that there is such a series is what it waits for
    if promql.operator(inner) in promql.COMPARING:
        yield "with `bool` a comparison is 0 or 1 and always there, so the alert always fires"
    else:
        yield "nothing is compared: the alert fires as long as there is a series, whatever its value"


def _is_conditional(node: Expr) -> bool:
    """Return whether an expression is empty at times, by its form."""
    inner = promql.bare(node)
    if promql.compares(inner) or promql.operator(inner) in ("unless", "and"):
        return True
    if promql.function(inner) in ("absent", "absent_over_time"):
        return True
    asked = promql.selectors(inner)
    if any(promql.metric(one) in ("ALERTS", "ALERTS_FOR_STATE") or ":" in promql.metric(one) for one in asked):
        return True  # what a rule records may be conditional itself
    if promql.operator(inner) == "or":
        return all(_is_conditional(one) for one in promql.children(inner))
    return any(_is_conditional(one) for one in promql.children(inner))


def _lost_labels(rule: dict[str, Any], tree: Expr) -> Iterator[str]:
    """Yield the labels that a text of the alert shows, and that its expression does not leave."""
    left = kept(tree)
    texts = {**_keyed(rule, "annotations"), **_keyed(rule, "labels")}
    if left is None:
        return
    for key, text in texts.items():
        for found in NAMED_LABEL.finditer(str(text)):
            label = next(filter(None, found.groups()))
            if label not in left:
                yield f"{key} shows the label {label}, which the expression does not leave: it stays empty"


def _no_share(rule: dict[str, Any], tree: Expr) -> Iterator[str]:
    """Yield that an alert tells a percentage, and holds so many a second against a share."""
    told = " ".join(str(text) for text in _keyed(rule, "annotations").values())
    nodes = [*promql.within(tree)]
    limits = [promql.number(one.rhs) for one in nodes if isinstance(one, BinaryExpr) and promql.compares(one)]
    is_held_against_a_share = any(limit is not None and 0 < limit < 1 for limit in limits)
    is_by_the_second = any(promql.function(one) in ("rate", "irate") for one in nodes)
    divides = any(promql.operator(one) in ("/", "*", "-") for one in nodes)
    # Seconds in a second are a share themselves, a quantile is of seconds, and what is recorded is looked at there.
    names = {promql.metric(one) for one in promql.selectors(tree)}
    is_other = any(promql.function(one) == "histogram_quantile" for one in nodes)
    is_other = is_other or any(":" in name or "seconds" in name for name in names)
    if PERCENT.search(told) and is_held_against_a_share and is_by_the_second and not divides and not is_other:
        yield "its text tells a percentage, and the expression is so many a second, divided by nothing"


def _without_a_wait(rule: dict[str, Any], right: dict[str, Any], tree: Expr) -> list[str]:
    """Have a rule wait that has to and does not, and say so."""
    if rule.get("for") is not None or not _deserves_a_wait(tree):
        return []
    right["for"] = FOR
    return ["it has no `for`: a single moment beyond the limit, or a missed scrape, wakes somebody"]


def _untold(rule: dict[str, Any], right: dict[str, Any], group_labels: dict[str, Any]) -> tuple[str, ...]:
    """Complete what is the same for many rules, and return what a rule does not say."""
    words = []
    if not URGENCY & {*_keyed(rule, "labels"), *group_labels}:
        words.append(NO_SEVERITY)
        right["labels"] = {**_keyed(rule, "labels"), "severity": SEVERITY}
    if not TOLD & {str(one).lower() for one in _keyed(rule, "annotations")}:
        words.append(NO_SUMMARY)  # which only whoever knows the system can write
    return tuple(words)


def _keyed(rule: dict[str, Any], key: str) -> dict[str, Any]:
    """Return what stands under a key of a rule where these are keys with values; of others promtool tells."""
    found = rule.get(key)
    return found if isinstance(found, dict) else {}


def _deserves_a_wait(tree: Expr) -> bool:
    """Return whether an expression looks at single moments alone, where one of them decides.

    An age grows steadily, what is held against the past was there before, and other alerts have waited themselves.
    """
    asked = [one for one in promql.selectors(tree) if not promql.metric(one).startswith("ALERTS")]
    is_age = any(promql.function(one) == "time" for one in promql.within(tree))
    looks_back = any(one >= DESERVES_A_WAIT for one in promql.ranges(tree)) or any(one.offset for one in asked)
    return bool(asked) and not is_age and not looks_back


def difference(rule: dict[str, Any], corrected: dict[str, Any]) -> str | None:
    """Return what of a rule is to be written otherwise, or None where that is not proposed."""
    changed = {key: value for key, value in corrected.items() if value != rule.get(key)}
    return "; ".join(f"{key}: {_shown(_new(value, rule.get(key)))}" for key, value in changed.items()) or None


def _new(value: Any, before: Any) -> Any:
    """Return what is new of a value: of keys with values those that were not there."""
    if not isinstance(value, dict):
        return value
    known = before if isinstance(before, dict) else {}
    return {name: one for name, one in value.items() if name not in known}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True, width=math.inf).strip()
