"""What watches a system, before a run, and where it cannot be read: that is told, and proves nothing."""

from __future__ import annotations

import pytest

from dsaudit.parameters import load
from dsaudit.run.preflight.tables import database_ways
from dsaudit.run.preflight.watched import monitoring
from dsaudit.verdict import Status
from tests.checks.auditing import opened, told, variables
from tests.watched.conftest import Watched
from tests.watched.judging import (
    BOARD,
    CODE,
    EXPOSED,
    FILE,
    KNOWN,
    MODULE,
    PROMTOOL,
    RULES,
    SAYS,
    SOUND,
    judged,
    needs_promtool,
)

pytestmark = pytest.mark.xdist_group("watched")

# Before a run


def tried(watched: Watched) -> list[str]:
    """What `dsaudit check` says of the section, with its mark."""
    with variables(watched.environment):
        lines = monitoring(load(watched.system.parameters))
        return [f"{'ok' if line.ok else 'no'} {line.way}: {line.words}" for line in lines]


@needs_promtool
def test_each_part_is_tried_before_a_run(watched: Watched) -> None:
    told_of = tried(watched)
    assert told_of[:3] == [
        "ok monitoring: 3 alert rules",
        "ok dashboard: backend/dashboard.json: 4 expressions",
        "ok metrics: backend/metrics.py: 6 metrics declared",
    ]
    assert told_of[3].startswith("ok metrics: ") and "scraped in" in told_of[3]


@pytest.mark.parametrize(
    ("change", "to", "words"),
    [
        ("backend/dashboard.json", "backend/board.json", "dashboards: backend/board.json: it cannot be read: No such"),
        ("backend/metrics.py", "backend/rules.yml", "module: backend/rules.yml: it is no Python: line"),
        ("SMALL_IMPORTS_METRICS", "SMALL_IMPORTS_NOWHERE", "exposed: the environment variable SMALL_IMPORTS_NOWHERE"),
        (
            "alert: HighImportFailureRate", "alert: HighImportFailurRate",
            "fires[0].alert: no rule has the name HighImportFailurRate; did you mean HighImportFailureRate",
        ),
        (
            "{name: import, steps", "{name: import, metrics: {import_resuls_total: 1}, steps",
            "flows[1].metrics.import_resuls_total: nothing exposes import_resuls_total; did you mean import_results_",
        ),
        (
            "{name: import, steps", '{name: import, metrics: {"rate(a[5m])": 1}, steps',
            "flows[1].metrics.rate(a[5m]): rate(a[5m]): a metric is expected, with labels in braces perhaps",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_place(change: str, to: str, words: str, watched: Watched) -> None:
    with watched.edited(FILE, change, to):
        (line,) = [line for line in tried(watched) if line.startswith("no ")]
    assert words in line and "small-discovery.yml:" in line


def test_a_panel_that_cannot_be_read_is_named_before_a_run(watched: Watched) -> None:
    with watched.edited(BOARD, '"expr": "partial_imports_pending"', '"expr": "sum(a"'):
        lines = [line for line in tried(watched) if " dashboard: " in line]
    assert "dashboards: backend/dashboard.json: panel Pending: it is no PromQL: unclosed left" in lines[0]
    assert lines[0].startswith("no ") and lines[1:] == ["ok dashboard: backend/dashboard.json: 3 expressions"]


def test_a_gauges_condition_is_tried_before_a_run(watched: Watched) -> None:
    with watched.edited(FILE, "quality = 'partial'", "qualty = 'partial'"), variables(watched.environment):
        lines = [line.words for line in database_ways(load(watched.system.parameters)) if line.ok is False]
    assert len(lines) == 1 and "gauges.partial_imports_pending.where" in lines[0] and "qualty" in lines[0], lines


# Nothing proves nothing


@pytest.mark.parametrize(
    ("exposed", "words"),
    [
        (b"", "nothing is exposed"),
        (b"# HELP a b\na{x=1} 2\n", "what is exposed cannot be read: line 2"),
        (b'a{x="s3"} 1\na{x="s3"} 2\n', "a{x} is exposed twice"),
        (b"a 1\na 2\n", "a is exposed twice"),
        (b"\xff 1\n", "not UTF-8"),
    ],
)
def test_what_is_no_exposition_makes_no_check_green(exposed: bytes, words: str, watched: Watched) -> None:
    watched.service.text = lambda: exposed
    verdict, rows = judged(watched, EXPOSED)[EXPOSED]
    assert verdict.status is Status.INCONCLUSIVE and not rows, told(verdict)
    assert words in str(verdict.results[0].reason)


def test_an_endpoint_that_is_not_there_is_told_without_its_address(watched: Watched) -> None:
    with opened(
        watched.system.parameters, {**watched.environment, "SMALL_IMPORTS_METRICS": "http://127.0.0.1:9/s3"}
    ) as one:
        verdict = one.check(EXPOSED)
    assert verdict.status is Status.INCONCLUSIVE
    assert "not answered: ConnectError" in str(verdict.results[0].reason) and "s3" not in told(verdict)


def test_a_variable_that_is_not_set_is_named(watched: Watched) -> None:
    with watched.edited(FILE, "SMALL_IMPORTS_METRICS", "SMALL_IMPORTS_NOWHERE"):
        verdict, _ = judged(watched, EXPOSED)[EXPOSED]
    assert "SMALL_IMPORTS_NOWHERE is not set" in str(verdict.results[0].reason)


@pytest.mark.parametrize(
    ("name", "text", "checks", "words"),
    [
        (BOARD, "{}", (KNOWN, SAYS), "there are no panels"),
        (BOARD, "[", (KNOWN, SAYS), "it is no JSON"),
        (BOARD, '{"panels": [{"title": "a", "targets": [{"expr": "newer(a)"}]}]}', (KNOWN, SAYS), "it is no PromQL"),
        (RULES, "groups: []", (SOUND,), None),
        (RULES, "groups: [{name: a, rules: [{alert: b, expr: 'sum('}]}]", (SOUND,), "it is no PromQL"),
        (RULES, "a: [", (SOUND,), "it is no YAML"),
        (BOARD, '{"panels": [{"targets": 5}, {"fieldConfig": [1]}]}', (KNOWN, SAYS), "a panel of it is no panel"),
        (BOARD, "[" * 100_000, (KNOWN, SAYS), "it is no JSON"),
        (RULES, f"groups: [{{name: a, rules: [{{alert: b, expr: '{'(' * 9999}a{')' * 9999}'}}]}}]", (SOUND,), "deeply"),
        (CODE, "import prometheus_client", (MODULE,), "it declares no metric"),
        (CODE, "from prometheus_client import Gauge\na = Gauge(name(), 'a')", (MODULE,), "name() is no plain value"),
    ],
)
def test_files_that_say_nothing_prove_nothing(
    name: str, text: str, checks: tuple[str, ...], words: str | None, watched: Watched
) -> None:
    whole = (watched.folder / name).read_text(encoding="utf-8")
    with watched.edited(name, whole, text):
        found = judged(watched, *checks)
    for verdict, rows in found.values():
        assert verdict.status is Status.INCONCLUSIVE and not rows, told(verdict)
        assert words is None or words in str(verdict.results[0].reason), told(verdict)


def test_without_promtool_nothing_is_said_of_what_it_would_say(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(watched.folder))
    verdict, _ = judged(watched, PROMTOOL)[PROMTOOL]
    assert verdict.status is Status.INCONCLUSIVE
    assert "promtool is not installed" in str(verdict.results[0].reason)
