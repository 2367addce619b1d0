"""Rules in which time goes faster, so that an alert that waits for half an hour fires in half a minute."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import promql_parser
from promql_parser import Call, Expr

from dsaudit.observability import promql

DURATION = re.compile(
    r"(?P<text>\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`)"
    r"|(?<=[\[:])\s*(?P<range>(?:[0-9]+(?:ms|[smhdwy]))+)|\boffset\s+(?P<offset>-?(?:[0-9]+(?:ms|[smhdwy]))+)"
)
CLOCKED = {"time", "timestamp", "hour", "minute", "day_of_week", "day_of_month", "day_of_year", "days_in_month"}
CLOCKED |= {"month", "year", "predict_linear"}
SCRAPES = 4  # that a range has to hold, or a rate is none


def faster(rule: dict[str, Any], factor: float) -> dict[str, Any]:
    """Return a rule in which `for` and ranges are shorter by a factor, and rates are those of the slower time.

    Raises
    ------
    NotPromql
        Its expression cannot be read.
    """
    tree = promql.parsed(str(rule["expr"]))
    right = {**rule, "expr": _expression(promql.text(_slowed(tree, factor)), factor)}
    for key in ("for", "keep_firing_for"):
        if rule.get(key) is not None:
            right[key] = shortened(str(rule[key]), factor)
    return right


def why_not(rule: dict[str, Any]) -> str | None:
    """Return why time cannot go faster for a rule, or None; raises `NotPromql`."""
    called = {promql.function(one) for one in promql.within(promql.parsed(str(rule["expr"])))} & CLOCKED
    return f"{min(called)}() asks the clock, which cannot go faster" if called else None


def interval(rules: list[dict[str, Any]]) -> float:
    """Return how often shortened rules have to be scraped and evaluated, in seconds; raises `NotPromql`."""
    found = [one for rule in rules for one in promql.ranges(promql.parsed(str(rule["expr"])))]
    shortest = min((one.total_seconds() for one in found), default=SCRAPES)
    return min(max(shortest / SCRAPES, 0.2), 1.0)


def seconds(duration: str) -> float:
    """Return a duration such as ``1h30m`` in seconds; raises `NotPromql` where it is none."""
    text = duration.strip()
    if not re.search("[1-9]", text):
        return 0.0  # which the library takes for none
    try:
        return float(promql_parser.parse_duration(text).total_seconds())
    except ValueError:
        raise promql.NotPromql(f"{text} is no time, such as 5m") from None


def shortened(duration: str, factor: float) -> str:
    """Return a duration that is shorter by a factor, a millisecond at least where it was any."""
    sign = "-" if duration.startswith("-") else ""
    whole = seconds(duration.removeprefix("-"))
    made = timedelta(milliseconds=max(round(whole * 1000 / factor), 1))
    return sign + str(promql_parser.display_duration(made)) if whole else "0s"


def _slowed(tree: Expr, factor: float) -> Expr:
    """Divide rates, since as much happens in a shorter time."""

    def replaced(node: Expr) -> str | None:
        is_rate = isinstance(node, Call) and promql.function(node) in ("rate", "irate", "deriv")
        return f"({promql.text(node)} / {factor:g})" if is_rate else None

    return promql.changed(tree, replaced)


def _expression(expression: str, factor: float) -> str:
    def replaced(match: re.Match[str]) -> str:
        if match["text"]:
            return match[0]
        duration = match["range"] or match["offset"]
        return match[0].replace(duration, shortened(duration, factor))

    return DURATION.sub(replaced, expression)
