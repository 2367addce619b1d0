"""The panels of Grafana dashboards, and whether each shows what its title says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promql_parser import BinaryExpr, Call, Expr

from dsaudit.observability import bounds, corrections, expressions, grafana, promql
from dsaudit.observability.grafana import VARIABLE
from dsaudit.observability.kinds import Kinds

OF_DATA = {"timeseries", "graph", "stat", "singlestat", "gauge", "bargauge", "barchart", "piechart", "heatmap"}
OTHER_SOURCES = ("loki", "tempo", "elasticsearch", "cloudwatch", "influxdb", "postgres", "mysql", "graphite", "mixed")


@dataclass(frozen=True)
class Panel:
    """One expression of a panel; `tree` is None where it cannot be read, and `problem` says why.

    `is_empty` says that it certainly shows nothing: what cannot be read here may be newer than the reader.
    `is_calculated` says that Grafana makes other values of its own.
    """

    dashboard: str
    title: str
    expression: str
    unit: str = ""
    tree: Expr | None = None
    stand_ins: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    is_empty: bool = False
    is_calculated: bool = False


class NoDashboard(ValueError):
    """The file holds no dashboard; the message says why."""


def read(path: Path) -> list[Panel]:
    """Return the expressions of a dashboard's panels, those in rows too.

    Raises
    ------
    NoDashboard
        The file cannot be read, or is none as Grafana reads it.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NoDashboard(f"it cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise NoDashboard(f"it is no JSON: {error}") from None
    board = document.get("dashboard", document) if isinstance(document, dict) else None
    if not isinstance(board, dict) or not isinstance(board.get("panels", board.get("rows")), list):
        raise NoDashboard("it is no dashboard of Grafana: there are no panels")
    title = str(board.get("title") or path.name)
    try:
        return [one for panel in _panels(board) for one in _expressions(title, panel)]
    except (AttributeError, TypeError, RecursionError):
        raise NoDashboard("it is no dashboard of Grafana: a panel of it is no panel") from None


def _panels(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in [*(holder.get("panels") or []), *(holder.get("rows") or [])]:
        if isinstance(panel, dict):
            yield panel
            yield from _panels(panel)


def _expressions(dashboard: str, panel: dict[str, Any]) -> Iterator[Panel]:
    title = str(panel.get("title") or "")
    unit = str(((panel.get("fieldConfig") or {}).get("defaults") or {}).get("unit") or panel.get("format") or "")
    axes = panel.get("yaxes") or []
    unit = unit or str(axes[0].get("format") or "" if axes and isinstance(axes[0], dict) else "")
    if _asks_for_nothing(panel):
        yield Panel(dashboard, title, "", unit, problem="it has no query", is_empty=True)
    for target in panel.get("targets") or []:
        expression = str(target.get("expr") or "").strip() if isinstance(target, dict) else ""
        source = target.get("datasource") if expression else None
        told = source or panel.get("datasource")
        kind = (f"{told.get('type')} {told.get('uid')}" if isinstance(told, dict) else str(told or "")).lower()
        if not expression or any(other in kind for other in OTHER_SOURCES):
            continue
        try:
            tree, stand_ins = grafana.parsed(expression)
        except promql.NotPromql as error:
            is_empty = (
                not VARIABLE.search(expression) and "victoria" not in kind and promql.is_certain(error, expression)
            )
            yield Panel(dashboard, title, expression, unit, problem=str(error), is_empty=is_empty)
            continue
        is_calculated = bool(panel.get("transformations"))
        yield Panel(dashboard, title, expression, unit, tree, stand_ins, is_calculated=is_calculated)


def _asks_for_nothing(panel: dict[str, Any]) -> bool:
    """Return whether a panel of data has neither a query of its own nor data from elsewhere."""
    from_elsewhere = any(panel.get(key) for key in ("targets", "libraryPanel", "snapshotData", "repeatPanelId"))
    kind = str(panel.get("datasource") or "").lower()
    is_of_grafana = "grafana" in kind or "dashboard" in kind  # whose own sources need no query
    return panel.get("type") in OF_DATA and not from_elsewhere and not is_of_grafana


RATIO = re.compile(r"\b(ratio|share|percentage|percent|fraction|(success|hit|conversion|completion) rate)\b|%", re.I)
FAILING = re.compile(r"\b(failure|error|failed|miss|reject\w*|drop\w*) rate\b", re.I)
AVERAGE = re.compile(r"\b(average|avg\.?|mean)\b", re.I)
QUANTILE = re.compile(
    r"\b(?:p(\d{2,3}(?:\.\d+)?)|(\d{2}(?:\.\d+)?)(?:th|st|nd|rd)? (?:percentile|quantile)|(median))\b", re.I
)
OF_FAILURES = re.compile(r"\b(fail(ure|ed|ing)?s?|errors?) (rate|share|ratio|percentage)\b", re.I)
OF_SUCCESSES = re.compile(r"\bsuccess(ful)? (rate|share|ratio|percentage)\b", re.I)
SUCCESSES = {"success", "succeeded", "successful", "ok", "completed"}
FAILURES = {"failed", "failure", "fail", "error", "errors"}
PER_LONGER = re.compile(r"(?:\bper |/ ?)(min(?:ute)?|hour|day)\b", re.I)
SECONDS = {"m": 60, "h": 3600, "d": 86_400}
PLAIN = {"rate", "irate", "sort", "sort_desc", "label_replace", "label_join", "round"}
PER_SECOND = {"ops", "reqps", "rps", "wps", "iops", "cps", "opm", "rpm", "wpm", "eps", "mps", "pps", "hertz"}
SHARES = {"percent", "percentunit"}
OF_AVERAGES = {"avg", "avg_over_time", "histogram_avg"}


def wrong(panel: Panel, kinds: Kinds) -> list[tuple[str, str]]:
    """Return in what a panel does not show what its title says, or nothing that counts, each with what should stand."""
    if panel.tree is None:
        return []
    found = [(words, shown) for words, shown in _titled(panel, panel.tree)]
    problems = expressions.problems(panel.tree, kinds)
    right = expressions.corrected(panel.tree, lambda tree: expressions.problems(tree, kinds)) or ""
    meant = next((shown for _, shown in found if shown), right)
    told = [words for words, _ in found] + [one.words for one in problems]
    return [(words, grafana.text(meant, panel.stand_ins)) for words in dict.fromkeys(told)]


def _titled(panel: Panel, tree: Expr) -> Iterator[tuple[str, str]]:
    title, names = panel.title, {promql.metric(one) for one in promql.selectors(tree)}
    if any(":" in name or not name for name in names):
        return  # what is recorded under a name of its own is looked at where it is recorded
    levels = [promql.number(one.args[0]) for one in promql.within(tree) if isinstance(one, Call) and _is_quantile(one)]
    if _promises_a_share(panel) and names and not _may_be_share(tree, names):
        yield f"the title promises a share, and {promql.text(tree)} is none", corrections.share(tree) or ""
    if AVERAGE.search(title) and not QUANTILE.search(title) and levels and not _has_average(tree):
        told = next((level for level in levels if level is not None), None)
        share = f"the {told * 100:g} % quantile" if told is not None else "a quantile"
        yield f"the title promises an average, and the panel shows {share}", _averaged(tree)
    wanted = QUANTILE.search(title)
    if wanted and len(QUANTILE.findall(title)) == 1 and levels and None not in levels:
        level = 0.5 if wanted[3] else _level(wanted[1] or wanted[2])
        if all(one is not None and abs(one - level) > 1e-9 for one in levels):
            yield f"the title promises the {level * 100:g} % quantile, and the panel shows {_percents(levels)}", ""
    if opposite := _opposite(title, tree):
        yield f"the title promises {opposite[0]}, and the panel counts those with {opposite[1]}", ""
    long = PER_LONGER.search(title)
    if long and not panel.is_calculated and _is_by_the_second(tree):
        seconds = SECONDS[long[1].lower()[0]]
        yield (
            f"the title promises so many per {long[1].lower()}, and rate() is per second",
            f"{promql.text(tree)} * {seconds}",
        )


def _opposite(title: str, tree: Expr) -> tuple[str, str] | None:
    """Return what a title promises, failures or successes, and the condition by which the panel counts the others."""
    fails, succeeds = bool(OF_FAILURES.search(title)), bool(OF_SUCCESSES.search(title))
    turned = {promql.operator(one) for one in promql.within(tree)} & {"-", "unless", "or"}
    if fails == succeeds or turned:
        return None
    top = _unscaled(tree)
    counted = promql.selectors(top.lhs if isinstance(top, BinaryExpr) and promql.operator(top) == "/" else top)
    others = SUCCESSES if fails else FAILURES
    told = [[one for one in promql.conditions(asked) if one.sign == "=" and one.value in others] for asked in counted]
    if not told or not all(told):
        return None
    return "failures" if fails else "successes", f"{told[0][0].label}={promql.quoted(told[0][0].value)}"


def _unscaled(node: Expr) -> Expr:
    """Return an expression without the brackets around it, and the number that it is multiplied by."""
    inner = promql.bare(node)
    if isinstance(inner, BinaryExpr) and promql.operator(inner) == "*":
        sides = [one for one in (inner.lhs, inner.rhs) if promql.number(one) is None]
        return _unscaled(sides[0]) if len(sides) == 1 else inner
    return inner


def _is_by_the_second(tree: Expr) -> bool:
    """Return whether it is a rate that nothing scales; a share or a quantile is none."""
    nodes = [*promql.within(tree)]
    called = {promql.function(one) for one in nodes} - {""}
    scales = any(isinstance(one, BinaryExpr) and promql.operator(one) in ("*", "/") for one in nodes)
    return bool(called & {"rate", "irate"}) and called <= PLAIN and not scales


def _is_quantile(node: Expr) -> bool:
    return promql.function(node) == "histogram_quantile"


def _level(digits: str) -> float:
    """Return 0.95 of ``95``, and 0.999 of ``999`` and of ``99.9``."""
    value = float(digits)
    while value >= 100:
        value /= 10
    return value / 100


def _percents(levels: list[float | None]) -> str:
    return " and ".join(f"{one * 100:g} %" for one in levels if one is not None)


def _promises_a_share(panel: Panel) -> bool:
    if panel.unit.lower() in PER_SECOND or re.search(r"/\s?s(ec)?\b|per second", panel.title, re.I):
        return False
    is_of_failures = bool(FAILING.search(panel.title)) and panel.unit.lower() in SHARES
    return bool(RATIO.search(panel.title)) or is_of_failures


def _may_be_share(tree: Expr, names: set[str]) -> bool:
    """Return whether an expression may be a share: it divides, or shows what is one already."""
    if any(promql.operator(one) in ("/", "%") for one in promql.within(tree)):
        return True
    if any(
        re.search(r"ratio|percent|_pct|share|utili[sz]ation|fraction|usage|_rate$|seconds_total$", name)
        for name in names
    ):
        return True
    between = bounds.bounds(tree, Kinds())
    is_average = any(promql.operator(one) in ("avg", "-") for one in promql.within(tree))
    is_bounded = between.least >= 0 and between.most <= 1
    return is_bounded or is_average or not any(promql.function(one) in promql.RATES for one in promql.within(tree))


def _has_average(tree: Expr) -> bool:
    return any(
        promql.operator(one) in ("avg", "/") or promql.function(one) in OF_AVERAGES for one in promql.within(tree)
    )


def _averaged(tree: Expr) -> str:
    buckets = [promql.metric(one) for one in promql.selectors(tree) if promql.metric(one).endswith("_bucket")]
    windows = promql.ranges(tree)
    return corrections.average(buckets[0].removesuffix("_bucket"), windows[0] if windows else None) if buckets else ""
