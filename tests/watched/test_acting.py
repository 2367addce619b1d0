"""Flows are really done: metrics that move with them, and alerts that a local Prometheus lets fire."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dsaudit.audit import Audit
from dsaudit.background.calls import NotAllowed
from dsaudit.checks import all_checks
from dsaudit.checks.planning import NOT_ASKED, plan_check
from dsaudit.facts import fired, flow_runs
from dsaudit.functions.alerts import alerts_fire
from dsaudit.functions.metrics import metrics_follow_the_flows
from dsaudit.parameters import load
from dsaudit.progress import Progress
from tests.checks.auditing import opened
from tests.watched.conftest import Watched

pytestmark = pytest.mark.xdist_group("watched")
needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")
RULES, FILE = "backend/rules.yml", "parameters/small-discovery.yml"
MOVES: dict[str, dict[str, float]] = {
    "import": {
        'import_attempts_total{marketplace="other"}': 1,
        'import_results_total{result="success"}': 1,
        "import_duration_seconds_count": 1,
        "imports_in_progress": 0,
    },
    "complete": {"partial_import_completions_total": 1, "import_results_total": 0},
}


@pytest.fixture(autouse=True)
def flows(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, float]]:
    """What the flows move; they are done by requests to the service."""

    def done(audit: Audit, name: str, progress: Progress, look: Callable[[], None] | None = None) -> str | None:
        problem = watched.service.do(name)
        if look and not problem:
            look()
        return problem

    moves = {name: dict(moved) for name, moved in MOVES.items()}
    monkeypatch.setattr(flow_runs, "moved", lambda parameters: moves)
    monkeypatch.setattr(flow_runs, "run", done)
    return moves


Found = tuple[list[dict[str, Any]], dict[str, Any], Any]


@contextmanager
def judged(check: Callable[[Audit], Any], watched: Watched, table: str) -> Iterator[Found]:
    """The rows of an acting check, its line, and the table beside it."""
    with opened(watched.system.parameters, watched.environment, live=True) as audit:
        rows, examined = check(audit)
        shown = audit.frame(table)
        assert audit.table(table)._repr_mimebundle_()
        yield rows.to_dict("records"), examined.to_dict("records")[0], shown


def test_metrics_move_by_what_the_flows_declare(watched: Watched) -> None:
    with judged(metrics_follow_the_flows, watched, "metrics_around_flows") as (rows, line, shown):
        assert rows == [] and line["examined"] == 6 and not line["reason"]
        besides = shown[shown["declared"].isna()]
        assert [*shown["flow"].unique()] == ["import", "complete"] and besides.empty


@pytest.mark.parametrize(
    ("fault", "metric", "problem"),
    [
        ("it does not move", 'import_attempts_total{marketplace="other"}', "it did not move"),
        ("it counts twice", 'import_results_total{result="success"}', "it moved otherwise"),
        ("a completion is an import", "import_results_total", "it moved otherwise"),
        ("it falls", "import_attempts_total{marketplace,quality}", "the counter is gone"),
    ],
)
def test_metrics_that_do_not_follow_are_named(
    fault: str, metric: str, problem: str, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsaudit.facts.followed.PATIENCE", 0.3)
    watched.service.do("import")
    watched.service.faults.add(fault)
    if fault == "it falls":
        monkeypatch.setattr(flow_runs, "moved", lambda parameters: {"complete": {"imports_in_progress": 0}})
    with judged(metrics_follow_the_flows, watched, "metrics_around_flows") as (rows, line, _):
        assert (
            line["examined"]
            and {"metric": metric, "problem": problem}.items()
            <= {key: value for row in rows if row["metric"] == metric for key, value in row.items()}.items()
        ), rows


def test_a_flow_that_cannot_be_done_proves_nothing(watched: Watched) -> None:
    watched.service.faults.add("it is refused")
    with judged(metrics_follow_the_flows, watched, "metrics_around_flows") as (rows, line, shown):
        assert rows == [] and line["examined"] == 0 and shown.empty
        assert line["reason"] == "import: answered with 503; complete: answered with 503"


def test_a_metric_that_is_no_selector_is_told(watched: Watched, flows: dict[str, dict[str, float]]) -> None:
    flows.clear()
    flows["import"] = {"rate(import_attempts_total[5m])": 1}
    with judged(metrics_follow_the_flows, watched, "metrics_around_flows") as (rows, line, _):
        assert rows == [] and line["examined"] == 0 and "a metric is expected" in line["reason"]


def test_nothing_is_done_where_nobody_asked_to_act(watched: Watched) -> None:
    planned = plan_check(all_checks()["alerts_fire"], load(watched.system.parameters))
    assert planned.skipped == NOT_ASKED
    with opened(watched.system.parameters, watched.environment) as audit, pytest.raises(NotAllowed):
        metrics_follow_the_flows(audit)


# Alerts


@needs_prometheus
def test_an_alert_fires_on_its_flow_and_ends(watched: Watched) -> None:
    with judged(alerts_fire, watched, "alerts_fired") as (rows, line, shown):
        assert rows == [] and line["examined"] == 1 and not line["reason"], (rows, line)
        assert [*shown["told"]] == ["it fired, and ended"] and shown["times_done"][0] > 1


@needs_prometheus
@pytest.mark.parametrize(
    ("change", "to", "flow", "words"),
    [
        ("> 0.1", "> 2", "failing", "it did not fire within 4 s, though failing was done"),
        ("alert: HighImportFailureRate", "alert: HighFailureRate", "failing", "no rule has this name; did you mean"),
        (
            'sum(rate(import_results_total{result="failed"}[1m])) /',
            "import_results_total / on ()", "import", "Prometheus cannot reckon it",
        ),
    ],
)  # fmt: skip
def test_an_alert_that_does_not_fire_is_named(
    change: str, to: str, flow: str, words: str, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fired, "ENOUGH", 0)  # however busy this machine is
    shorter = watched.edited(FILE, "flow: failing, wait_seconds: 120", f"flow: {flow}, wait_seconds: 4")
    acted = judged(alerts_fire, watched, "alerts_fired")
    with shorter, watched.edited(RULES, change, to), acted as (rows, line, _):
        assert line["examined"] == 1 and words in rows[0]["problem"], rows
        assert rows[0]["alert"] == "HighImportFailureRate"


@needs_prometheus
def test_on_a_machine_that_is_too_busy_an_alert_that_does_not_fire_is_not_accused(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fired, "ENOUGH", 2)
    shorter = watched.edited(FILE, "wait_seconds: 120", "wait_seconds: 2")
    acted = judged(alerts_fire, watched, "alerts_fired")
    with shorter, watched.edited(RULES, "> 0.1", "> 2"), acted as (rows, line, _):
        assert rows == [] and line["examined"] == 0 and "this machine was too busy, only " in line["reason"], line


@needs_prometheus
@pytest.mark.parametrize(
    ("name", "change", "to", "words"),
    [
        (RULES, "> 0.1", "> 0.1 or time() - partial_imports_pending < 0", "time() asks the clock"),
        (RULES, "sum(rate(import_results_total{", "sum(rat(import_results_total{", "it is no PromQL"),
        (RULES, "/ sum(rate(import_results_total[1m])) > 0.1", ">= 0", "beyond its limit before anything was done"),
        (FILE, "SMALL_IMPORTS_METRICS", "SMALL_IMPORTS_NOWHERE", "SMALL_IMPORTS_NOWHERE is not set"),
    ],
)
def test_what_cannot_be_known_of_an_alert_is_told(
    name: str, change: str, to: str, words: str, watched: Watched
) -> None:
    with watched.edited(name, change, to), judged(alerts_fire, watched, "alerts_fired") as (rows, line, _):
        assert rows == [] and line["examined"] == 0 and words in line["reason"], line


def test_without_prometheus_nothing_is_said(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(watched.folder))
    with judged(alerts_fire, watched, "alerts_fired") as (rows, line, _):
        assert rows == [] and "prometheus is not installed" in line["reason"]
