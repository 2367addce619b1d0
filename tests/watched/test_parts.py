"""The parts that the checks stand on: time that goes faster, Grafana's words, declarations, and what is exposed."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from dsaudit.observability import declaring, grafana, panels, shortening
from dsaudit.observability.exposition import asked_for
from dsaudit.observability.kinds import Kinds
from dsaudit.observability.panels import Panel, wrong
from dsaudit.observability.promql import NotPromql, parsed, text

# Time that goes faster


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"expr": "a > 1", "for": "30m"}, {"expr": "a > 1", "for": "30s"}),
        ({"expr": "increase(a[1h]) > 5"}, {"expr": "increase(a[1m]) > 5"}),
        ({"expr": "rate(a[5m]) > 5"}, {"expr": "(rate(a[5s]) / 60) > 5"}),
        ({"expr": "sum(rate(a[5m])) / sum(rate(b[5m])) > 5"},
         {"expr": "sum((rate(a[5s]) / 60)) / sum((rate(b[5s]) / 60)) > 5"}),
        ({"expr": "max_over_time(a[1h:5m] offset 1d) > 5"}, {"expr": "max_over_time(a[1m:5s] offset 24m) > 5"}),
        ({"expr": "a{x='[5m]', y='offset 5m'} > 5"}, {"expr": 'a{x="[5m]",y="offset 5m"} > 5'}),
        ({"expr": "a > 5", "for": "0s", "keep_firing_for": "15m"}, {"for": "0s", "keep_firing_for": "15s"}),
    ],
)  # fmt: skip
def test_a_rule_is_the_same_in_a_faster_time(rule: dict[str, Any], expected: dict[str, str]) -> None:
    faster = shortening.faster(rule, 60)
    assert expected.items() <= faster.items() and faster.keys() == rule.keys()
    assert text(parsed(faster["expr"]))


def test_a_for_that_is_no_time_is_told() -> None:
    with pytest.raises(NotPromql, match="soon is 1 is no time"):
        shortening.faster({"expr": "a > 1", "for": "soon is 1"}, 60)


def test_what_asks_the_clock_cannot_go_faster() -> None:
    assert "time()" in str(shortening.why_not({"expr": "time() - a > 5"}))
    assert shortening.why_not({"expr": "rate(a[5m]) > 5"}) is None


def test_a_shortened_range_still_holds_enough_scrapes() -> None:
    assert shortening.interval([{"expr": "rate(a[2s]) > 1"}, {"expr": "rate(a[1m]) > 1"}]) == 0.5
    assert shortening.interval([{"expr": "a > 1"}]) == 1.0
    assert shortening.interval([{"expr": "rate(a[100ms]) > 1"}]) == 0.2


# Grafana's words


@pytest.mark.parametrize(
    "expression",
    [
        "rate(a[$__rate_interval])",
        "sum by ($group) (increase(a[$__range])) > 5",
        "max_over_time(a[${range}:$step])",
        "topk($top, a)",
        "a > $limit",
        "a offset $before",
        "${metric:raw} > 5",
        "[[metric]] > 5",
    ],
)
def test_variables_stand_where_they_stood(expression: str) -> None:
    tree, stand_ins = grafana.parsed(expression)
    assert grafana.text(text(tree), stand_ins) == expression


def test_a_variable_in_a_value_is_a_value() -> None:
    tree, stand_ins = grafana.parsed('a{b=~"$b|${c:regex}"}')
    assert text(tree) == 'a{b=~"$b|${c:regex}"}' and stand_ins == {}


# Panels


def panel(title: str, expression: str, unit: str = "") -> Panel:
    tree, stand_ins = grafana.parsed(expression)
    return Panel("Board", title, expression, unit, tree, stand_ins)


# The panels of the source document, as they are printed there, each with what is said of it and what is proposed.
PRINTED = {
    "Import Success Rate": (
        "rate(import_results_total{result='success'}[5m])", ["promises a share"],
        'sum(rate(import_results_total{result="success"}[5m])) / sum(rate(import_results_total[5m]))',
    ),
    "Partial vs Complete Imports": ("rate(import_attempts_total[5m])", [], ""),
    "Average Import Duration": (
        "histogram_quantile(0.95, import_duration_seconds_bucket)",
        ["promises an average, and the panel shows the 95 % quantile", "has no rate()", "not summed by (le)"],
        "sum(rate(import_duration_seconds_sum[5m])) / sum(rate(import_duration_seconds_count[5m]))",
    ),
    "Partial Completions": ("rate(partial_import_completions_total[5m])", [], ""),
    "Pending Partial Imports": ("partial_imports_pending", [], ""),
}  # fmt: skip


@pytest.mark.parametrize("title", PRINTED)
def test_the_panels_of_the_source_document(title: str) -> None:
    expression, words, corrected = PRINTED[title]
    found = wrong(panel(title, expression), Kinds())
    assert len(found) == len(words) and all(part in told for part, (told, _) in zip(words, found, strict=True))
    assert {shown for _, shown in found} <= {corrected}


@pytest.mark.parametrize(
    ("title", "expression", "unit"),
    [
        ("Request rate", "sum(rate(requests_total[5m]))", ""),
        ("Error rate", "sum(rate(errors_total[5m]))", "reqps"),
        ("Success rate / s", "sum(rate(successes_total[5m]))", ""),
        ("Success rate", "job:success:ratio5m", ""),
        ("CPU utilisation %", "rate(node_cpu_seconds_total[5m])", ""),
        ("Cache hit ratio", "1 - avg(rate(misses_total[5m]))", ""),
        ("Disk usage in percent", "disk_used_percent", ""),
        ("Average and p95", "histogram_quantile(0.95, sum by (le) (rate(a_bucket[5m])))", ""),
        ("99.9th percentile", "histogram_quantile(0.999, sum by (le) (rate(a_bucket[5m])))", ""),
        ("P999", "histogram_quantile(0.999, sum by (le) (rate(a_bucket[5m])))", ""),
        ("Median", "histogram_quantile(0.5, sum by (le) (rate(a_bucket[5m])))", ""),
        ("Latency", "histogram_quantile(0.95, sum by (le) (rate(a_bucket[5m])))", ""),
        ("Imports per minute", "sum(rate(a_total[5m])) * 60", ""),
        ("Imports per minute", "sum(increase(a_total[1m]))", ""),
        ("Success rate per minute", "sum(rate(a{result='success'}[1m])) / sum(rate(a[1m]))", ""),
        ("Failure rate", "1 - sum(rate(a{result='success'}[1m])) / sum(rate(a[1m]))", ""),
        ("Failure rate", "sum(rate(a{result!='success'}[1m])) / sum(rate(a[1m]))", ""),
        ("Failure rate and success rate", "sum(rate(a{result='success'}[1m])) / sum(rate(a[1m]))", ""),
        ("Failure rate", "sum(rate(a{result='failed'}[1m])) / sum(rate(a{result='success'}[1m]))", ""),
    ],
)
def test_a_panel_that_shows_what_it_says_is_left_in_peace(title: str, expression: str, unit: str) -> None:
    assert wrong(panel(title, expression, unit), Kinds()) == []


def test_a_share_of_failures_is_one_where_the_unit_says_so() -> None:
    ((words, _),) = wrong(panel("Error rate", "sum(rate(errors_total[5m]))", "percentunit"), Kinds())
    assert "promises a share" in words


@pytest.mark.parametrize(
    ("title", "expression", "words", "corrected"),
    [
        ("Failure rate", "100 * (sum(rate(a{result='success'}[5m])) / sum(rate(a[5m])))", 'with result="success"', ""),
        ("Success rate", "sum(rate(a{outcome='failed'}[5m])) / sum(rate(a[5m]))", 'with outcome="failed"', ""),
        ("Imports per minute", "sum(rate(a[1m]))", "rate() is per second", "sum(rate(a[1m])) * 60"),
        ("Imports / hour", "sum by (x) (rate(a[$i]))", "so many per hour", "sum by (x) (rate(a[$i])) * 3600"),
    ],
)
def test_a_panel_that_shows_another_thing_than_its_title_is_told(
    title: str, expression: str, words: str, corrected: str
) -> None:
    ((told, shown),) = wrong(panel(title, expression), Kinds())
    assert words in told and shown == corrected


@pytest.mark.parametrize(
    ("target", "is_empty"),
    [
        ("sum(rate(a[5m])", True),
        ("rate(a)", True),
        ("a{b=c}", True),
        ("newer(a)", False),
        ("rate(a[5m + 1m])", False),
        ("rate(a[5m] smoothed)", False),
        ("sum($what", False),
        ("", True),
        ("a", False),
    ],
)
def test_a_panel_is_empty_where_nothing_can_read_its_query(target: str, is_empty: bool, tmp_path: Path) -> None:
    board = tmp_path / "board.json"
    targets = [{"expr": target}] if target else []
    drawn = {"type": "stat", "title": "A", "targets": targets}
    others = [{"type": "text"}, {"type": "stat", "libraryPanel": {"uid": "b"}}, {"type": "row", "targets": []}]
    board.write_text(json.dumps({"panels": [drawn, *others]}), encoding="utf-8")
    (one,) = panels.read(board)
    assert one.is_empty is is_empty


def test_old_dashboards_have_their_panels_in_rows(tmp_path: Path) -> None:
    board = tmp_path / "board.json"
    board.write_text('{"rows": [{"panels": [{"title": "A", "targets": [{"expr": "a"}]}]}]}', encoding="utf-8")
    assert [(one.dashboard, one.title, one.expression) for one in panels.read(board)] == [("board.json", "A", "a")]


# Declarations


def declared(tmp_path: Path, code: str) -> list[declaring.Declared]:
    path = tmp_path / "metrics.py"
    path.write_text(dedent(code), encoding="utf-8")
    return declaring.declared(path)


def test_declarations_are_found_wherever_they_stand(tmp_path: Path) -> None:
    found = declared(
        tmp_path,
        """
        import prometheus_client as prom
        from prometheus_client import Counter as Count, CollectorRegistry
        LABELS = ["a", "b"]
        registry = CollectorRegistry()
        class Metrics:
            def __init__(self):
                self.depth = prom.Gauge("depth", "how deep", LABELS, namespace="shop", registry=registry)
        done: Count = Count("done", "how many", unit="jobs")
        Counter("other", help="no metric of the library")
        """,
    )
    assert [(one.variable, one.kind, one.name, one.labels) for one in found] == [
        ("done", "Counter", "done_jobs_total", ()),
        ("depth", "Gauge", "shop_depth", ("a", "b")),
    ]
    assert not any(one.problem or one.unknown for one in found)


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ('Counter("a")', "missing a required argument: 'documentation'"),
        ('Histogram("a", "b", ["le"])', "Reserved label"),
        ('Gauge("a", "b", multiprocess_mode="most")', "Invalid multiprocess mode"),
        ('Histogram("a", "b", buckets=(3, 1))', "Buckets not in sorted order"),
        ('Summary("a", "b", help="c")', "unexpected keyword argument 'help'"),
        ('Counter("a", "b", documentation="c")', "multiple values for argument 'documentation'"),
    ],
)
def test_the_library_says_what_it_refuses(call: str, problem: str, tmp_path: Path) -> None:
    (one,) = declared(
        tmp_path,
        f"from prometheus_client import *\nfrom prometheus_client import {call[: call.index('(')]}\na = {call}",
    )
    assert problem in one.problem


@pytest.mark.parametrize("call", ['Counter(NAME, "b")', "Counter(*given)", 'Counter("a", "b", labels())'])
def test_what_is_no_plain_value_is_not_judged(call: str, tmp_path: Path) -> None:
    (one,) = declared(tmp_path, f"from prometheus_client import Counter\na = {call}")
    assert one.unknown and not one.problem


@pytest.mark.parametrize(
    ("code", "is_set"),
    [
        ("from metrics import depth", False),
        ("from metrics import depth\ndepth.set(1)", True),
        ("import metrics\nmetrics.depth.inc()", True),
        ("from metrics import depth\nwatch(depth)", True),
        ("depth = 5", False),
    ],
)
def test_a_gauge_is_set_where_something_uses_it(code: str, is_set: bool, tmp_path: Path) -> None:
    found = declared(tmp_path, 'from prometheus_client import Gauge\ndepth = Gauge("depth", "how deep")')
    (tmp_path / "service.py").write_text(code, encoding="utf-8")
    assert bool(declaring.unset(found, tmp_path / "metrics.py", tmp_path)) is not is_set


# Selectors of the parameter file


def test_a_selector_names_a_metric_and_values_of_labels() -> None:
    assert asked_for('a{b="c",d=""}') == ("a", {"b": "c", "d": ""})
    assert asked_for("a_total") == ("a_total", {})


@pytest.mark.parametrize("text", ["rate(a[5m])", 'a{b=~"c"}', "a + b", '{b="c"}', "5", "a{"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(NotPromql):
        asked_for(text)
