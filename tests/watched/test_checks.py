"""The checks of what watches a system: green on a sound one, each fails on its fault, none says much of nothing."""

from __future__ import annotations

import shutil
from typing import Any

import httpx
import pytest

from dsaudit.observability.linting import NO_SEVERITY
from dsaudit.parameters import load
from dsaudit.run.preflight.tables import database_ways
from dsaudit.run.preflight.watched import monitoring
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import all_rows, opened, told, variables
from tests.watched.conftest import Watched

pytestmark = pytest.mark.xdist_group("watched")
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

EXPOSED, GAUGES, MODULE, CHEAP = (
    *("metrics_are_exposed", "gauges_are_set", "metrics_module_can_be_imported", "instrumentation_is_cheap"),
)
KNOWN, SAYS = "dashboards_name_known_metrics", "dashboards_say_what_they_show"
SOUND, PROMTOOL, COVER = "alert_rules_are_sound", "alert_rules_pass_promtool", "monitoring_rules_cover_every_danger"
ALL = (EXPOSED, GAUGES, MODULE, CHEAP, KNOWN, SAYS, SOUND, PROMTOOL, COVER)
TABLES = ("metrics_exposed", "instrumentation_costs", "dashboard_panels", "corrected_rules")


def judged(watched: Watched, *names: str) -> dict[str, tuple[Verdict, list[dict[str, Any]]]]:
    """Each named check with its rows."""
    with opened(watched.system.parameters, watched.environment) as audit:
        found = {name: audit.check(name) for name in names}
        return {name: (verdict, all_rows(audit, verdict)) for name, verdict in found.items()}


@needs_promtool
def test_all_are_green_on_a_sound_system(watched: Watched) -> None:
    found = judged(watched, *ALL)
    assert [told(verdict) for verdict, _ in found.values() if verdict.status is not Status.PASS] == []
    assert {name: verdict.results[0].examined for name, (verdict, _) in found.items()} == {
        EXPOSED: 9, GAUGES: 2, MODULE: 6, CHEAP: 6, KNOWN: 6, SAYS: 4, SOUND: 4, PROMTOOL: 2, COVER: 2,
    }  # fmt: skip


def test_the_tables_show_what_there_is(watched: Watched) -> None:
    with opened(watched.system.parameters, watched.environment) as audit:
        frames = {name: audit.frame(name) for name in TABLES}
        assert all(audit.table(name)._repr_mimebundle_() for name in TABLES)
    assert {*frames["metrics_exposed"]["metric"]} > {"import_results_total", "partial_imports_pending"}
    assert len(frames["instrumentation_costs"]) == 6 and len(frames["corrected_rules"]) == 4
    assert {*frames["corrected_rules"]["correction"]} == {"none needed"}
    panels = frames["dashboard_panels"].set_index("panel")
    assert panels.loc["Import success rate", "metrics"] == "import_results_total"
    assert "$__rate_interval" in panels.loc["Import success rate", "expression"]


RULES, BOARD, CODE, FILE = (
    *("backend/rules.yml", "backend/dashboard.json", "backend/metrics.py", "parameters/small-discovery.yml"),
)
# A fault: what is edited and how, the check that has to fail, and what its row has to say.
FAULTS: dict[str, tuple[str, str, str, str, dict[str, str]]] = {
    "a rule names what nothing exposes": (
        RULES, "partial_imports_pending >", "partial_imports_waiting >", EXPOSED,
        {"metric": "partial_imports_waiting", "named_by": "ManyPendingPartialImports", "problem": "nothing exposes it"},
    ),
    "a rule names a label that there is not": (
        RULES, 'result="failed"', 'outcome="failed"', EXPOSED,
        {"metric": "import_results_total", "problem": "it has no label outcome"},
    ),
    "a rule by a label that there is not": (
        RULES, "sum by (result)", "sum by (market)", EXPOSED,
        {"metric": "import_results_total", "named_by": "import_results:rate1m", "problem": "it has no label market"},
    ),
    "a panel summed by a label that there is not": (
        BOARD, "sum by (le, quality)", "sum by (le, market)", KNOWN,
        {"panel": "p95 of the import duration", "problem": "it has no label market"},
    ),
    "a declared metric is not exposed": (
        FILE, "import_attempts_total: other", "imports_begun_total: other", EXPOSED,
        {"metric": "imports_begun_total", "named_by": "monitoring.metrics"},
    ),
    "a gauge that nothing sets": (
        "backend/service.py", "with metrics.in_progress.track_inprogress()", "with suppress()", GAUGES,
        {"metric": "imports_in_progress", "problem": "nothing in the code sets it"},
    ),
    "an argument that the library does not know": (
        CODE, '"Imports that ended", ["result", "quality"]', '"Imports that ended", ["result"], help="Results"', MODULE,
        {"metric": "import_results_total", "problem": "unexpected keyword argument 'help'",
         "instead": "Counter('import_results_total', 'Imports that ended', ['result'])"},
    ),
    "a name that is declared twice": (
        CODE, "partial_imports_pending", "imports_in_progress", MODULE,
        {"metric": "imports_in_progress", "problem": "Duplicated timeseries"},
    ),
    "a label that a histogram keeps for itself": (
        CODE, '"How long an import took", ["marketplace", "quality"]', '"How long an import took", ["le"]', MODULE,
        {"metric": "import_duration_seconds", "problem": "ValueError: Reserved label"},
    ),
    "a module that is no Python": (CODE, "SECONDS = (", "SECONDS = ((", MODULE, {"problem": "it is no Python: line"}),
    "recording that takes too long": (
        FILE, "  module:", "  overhead_milliseconds: 0.0000001\n  module:", CHEAP,
        {"metric": "import_duration_seconds", "kind": "histogram"},
    ),
    "a panel on a metric that there is not": (
        BOARD, '"expr": "partial_imports_pending"', '"expr": "partial_imports_waiting"', KNOWN,
        {"panel": "Pending", "metric": "partial_imports_waiting", "problem": "nothing exposes it"},
    ),
    "a panel that nothing can read, beside another that is wrong": (
        BOARD, '"expr": "partial_imports_pending"}', '"expr": "sum(a"}, {"expr": "partial_imports_waiting"}', KNOWN,
        {"panel": "Pending", "metric": "None", "problem": "it is no PromQL: unclosed left parenthesis"},
    ),
    "a panel without a query": (
        BOARD, '{"title": "Notes", "type": "text"}', '{"title": "Imports", "type": "timeseries"}', KNOWN,
        {"panel": "Imports", "metric": "None", "problem": "it has no query"},
    ),
    "a panel by a label that there is not": (
        BOARD, "result='success'", "outcome='success'", KNOWN,
        {"panel": "Import success rate", "problem": "it has no label outcome"},
    ),
    "a share that is none": (
        BOARD, "sum(rate(import_results_total{result='success'}[$__rate_interval])) /"
        " sum(rate(import_results_total[$__rate_interval]))",
        "rate(import_results_total{result='success'}[$__rate_interval])", SAYS,
        {"panel": "Import success rate", "problem": "the title promises a share",
         "corrected": 'sum(rate(import_results_total{result="success"}[$__rate_interval]))'
         " / sum(rate(import_results_total[$__rate_interval]))"},
    ),
    "an average that is a quantile": (
        BOARD, "sum(rate(import_duration_seconds_sum[5m])) / sum(rate(import_duration_seconds_count[5m]))",
        "histogram_quantile(0.95, import_duration_seconds_bucket)", SAYS,
        {"panel": "Average import duration", "problem": "the panel shows the 95 % quantile",
         "corrected": "sum(rate(import_duration_seconds_sum[5m])) / sum(rate(import_duration_seconds_count[5m]))"},
    ),
    "another quantile than the title's": (
        BOARD, "histogram_quantile(0.95,", "histogram_quantile(0.5,", SAYS,
        {"problem": "the title promises the 95 % quantile, and the panel shows 50 %"},
    ),
    "a division without aggregation": (
        RULES, 'sum(rate(import_results_total{result="failed"}[1m])) / sum(rate(import_results_total[1m]))',
        'rate(import_results_total{result="failed"}[1m]) / rate(import_results_total[1m])', SOUND,
        {"rule": "HighImportFailureRate", "problem": "divided by itself",
         "corrected": 'expr: sum(rate(import_results_total{result="failed"}[1m]))'
         " / sum(rate(import_results_total[1m])) > 0.1"},
    ),
    "no rate and no le": (
        RULES, "sum by (le) (rate(import_duration_seconds_bucket[5m]))", "import_duration_seconds_bucket", SOUND,
        {"rule": "SlowImportProcessing", "problem": "has no rate()",
         "corrected": "histogram_quantile(0.95, sum by (le) (rate(import_duration_seconds_bucket[5m]))) > 30"},
    ),
    "no for": (
        RULES, "        for: 30m\n", "", SOUND,
        {"rule": "ManyPendingPartialImports", "problem": "it has no `for`", "corrected": "for: 5m"},
    ),
    "the rate of a gauge": (
        RULES, "partial_imports_pending > 100", "rate(partial_imports_pending[5m]) > 100", SOUND,
        {"rule": "ManyPendingPartialImports", "problem": "is a gauge",
         "corrected": "deriv(partial_imports_pending[5m])"},
    ),
    "a counter that stays beyond its limit": (
        RULES, "partial_imports_pending > 100", "import_attempts_total > 100", SOUND,
        {"problem": "is a counter: once beyond the limit", "corrected": "increase(import_attempts_total[5m]) > 100"},
    ),
    "a danger that no rule watches": (
        FILE, "import_results_total: errors", "import_results_total: errors, partial_import_completions_total: silence",
        COVER, {"danger": "silence", "metric": "partial_import_completions_total"},
    ),
    "a limit beyond the last bucket": (
        RULES, ") > 30", ") > 60", SOUND,
        {"rule": "SlowImportProcessing", "problem": "never holds: a quantile is never"},
    ),
    "a comparison that never holds": (
        RULES, "> 0.1", "> 10", SOUND, {"rule": "HighImportFailureRate", "problem": "never holds"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_check_fails_on_its_fault_and_names_it(fault: str, watched: Watched) -> None:
    name, change, to, check, expected = FAULTS[fault]
    with watched.edited(name, change, to):
        verdict, rows = judged(watched, check)[check]
    assert verdict.status is Status.FAIL, told(verdict)
    assert any(all(words in str(row.get(key)) for key, words in expected.items()) for row in rows), rows


def test_a_gauge_that_does_not_say_how_many_rows_there_are(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsaudit.functions.metrics.PATIENCE", 0.3)
    with watched.edited(FILE, "quality = 'partial'", "quality <> 'partial'"):
        verdict, rows = judged(watched, GAUGES)[GAUGES]
    assert verdict.status is Status.FAIL, told(verdict)
    assert [(row["metric"], row["exposed"], row["rows"]) for row in rows] == [("partial_imports_pending", 2.0, 1)]


def test_what_only_the_scrape_tells_is_timed_with_its_buckets(watched: Watched) -> None:
    ends = (f'{{le="{end}"}} 0\n' for end in (*range(1, 100_001), "+Inf"))
    bucketed = "# TYPE waits_seconds histogram\n" + "".join(f"waits_seconds_bucket{one}" for one in ends)
    exposed = httpx.get(f"{watched.service.url}/metrics").content
    watched.service.text = lambda: exposed + f"{bucketed}waits_seconds_sum 0\nwaits_seconds_count 0\n".encode()
    verdict, rows = judged(watched, CHEAP)[CHEAP]
    assert verdict.status is Status.FAIL and verdict.results[0].examined == 7, told(verdict)
    assert max(rows, key=lambda row: row["milliseconds"])["metric"] == "waits_seconds"


def test_a_gauge_that_moves_needs_no_code_that_sets_it(watched: Watched) -> None:
    unset = watched.edited("backend/service.py", "metrics.pending.set_function(count)", "pass")
    with unset, watched.edited(FILE, "code: {folder: backend}", ""):
        verdict, rows = judged(watched, GAUGES)[GAUGES]
    assert verdict.status is Status.PASS and not rows, told(verdict)


def test_without_the_whole_code_something_else_may_set_a_gauge(watched: Watched) -> None:
    unset = watched.edited("backend/service.py", "with metrics.in_progress.track_inprogress()", "with suppress()")
    with unset, watched.edited(FILE, "code: {folder: backend}", ""):
        verdict, rows = judged(watched, GAUGES)[GAUGES]
    assert verdict.status is Status.INCONCLUSIVE and not rows, told(verdict)
    assert "nothing sets imports_in_progress in the folder of backend/metrics.py" in str(verdict.results[0].reason)


def test_a_rule_that_lacks_nothing_but_its_severity_is_told_and_fails_nothing(watched: Watched) -> None:
    with watched.edited(RULES, "        labels: {severity: critical}\n", ""):
        verdict, rows = judged(watched, SOUND)[SOUND]
        with opened(watched.system.parameters, watched.environment) as audit:
            corrected = audit.frame("corrected_rules").set_index("rule")["correction"]
    assert verdict.status is Status.PASS and not rows
    assert verdict.limits == [f"HighImportFailureRate: {NO_SEVERITY}"]
    assert corrected["HighImportFailureRate"] == "labels: {severity: warning}"


def test_what_never_fires_stands_before_what_only_does_not_wait(watched: Watched) -> None:
    with watched.edited(RULES, "        for: 30m\n", ""), watched.edited(RULES, ") > 30", ") < 0 > 30"):
        _, rows = judged(watched, SOUND)[SOUND]
    assert [row["rule"] for row in rows] == ["SlowImportProcessing", "ManyPendingPartialImports"]


def test_labels_that_prometheus_or_an_expression_adds_may_be_grouped_by(watched: Watched) -> None:
    labelled = 'label_replace(rate(import_results_total[1m]), "market", "$1", "quality", "(.*)")'
    rule = f"sum by (result, job, namespace, market, cell) ({labelled})"
    with (
        watched.edited(FILE, "{url_env: SMALL_IMPORTS_METRICS}\n  module", EXPOSED_LABELS),
        watched.edited(RULES, "sum by (result) (rate(import_results_total[1m]))", f"'{rule}'"),
        watched.edited(BOARD, "sum by (le, quality)", "sum by (le, cell, $group)"),
    ):
        found = judged(watched, EXPOSED, KNOWN)
    assert [told(verdict) for verdict, _ in found.values() if verdict.status is not Status.PASS] == []


EXPOSED_LABELS = "{url_env: SMALL_IMPORTS_METRICS, labels: [cell]}\n  module"


def test_a_value_that_no_series_has_as_yet_is_told_and_accuses_nobody(watched: Watched) -> None:
    with (
        watched.edited(RULES, 'result="failed"', 'result="failure"'),
        watched.edited(BOARD, "result='success'", "result='succeeded'"),
    ):
        found = judged(watched, EXPOSED, KNOWN)
    assert {name: (verdict.status, verdict.limits) for name, (verdict, _) in found.items()} == {
        name: (Status.PASS, [f"no series was exposed as yet of import_results_total{{{one}}} ({by})"])
        for name, one, by in (
            (EXPOSED, 'result="failure"', "HighImportFailureRate"),
            (KNOWN, 'result="succeeded"', "Import success rate"),
        )
    }


def test_a_query_that_is_not_known_here_is_told_beside_what_fails(watched: Watched) -> None:
    two = '"expr": "newer(a)"}, {"expr": "partial_imports_waiting"}'
    with watched.edited(BOARD, '"expr": "partial_imports_pending"}', two):
        verdict, rows = judged(watched, KNOWN)[KNOWN]
    assert [row["metric"] for row in rows] == ["partial_imports_waiting"]
    assert any("Pending: it is no PromQL: unknown function" in one for one in verdict.limits), verdict.limits


@needs_promtool
@pytest.mark.parametrize(
    ("name", "change", "to", "words"),
    [
        (RULES, "> 0.1", "> 0.1)", "parse error"),
        (RULES, "{{ $value }} partial", "{{ $value } partial", "unexpected"),
        ("backend/rule-tests.yml", '"101x60"', '"99x60"', "ManyPendingPartialImports"),
        (
            "backend/rule-tests.yml",
            "SlowImportProcessing",
            "FastImports",
            "'problem': 'no unit test lets it fire', 'rule': 'SlowImportProcessing', 'test': None",
        ),
    ],
)
def test_what_promtool_refuses_is_told_in_its_words(
    name: str, change: str, to: str, words: str, watched: Watched
) -> None:
    with watched.edited(name, change, to):
        verdict, rows = judged(watched, PROMTOOL)[PROMTOOL]
    assert verdict.status is Status.FAIL and words in str(rows), rows


@needs_promtool
def test_a_unit_test_that_fails_is_one_row_with_what_was_expected_and_got(watched: Watched) -> None:
    with watched.edited("backend/rule-tests.yml", '"101x60"', '"99x60"'):
        _, (row,) = judged(watched, PROMTOOL)[PROMTOOL]
    assert (row["rule"], row["problem"], row["got"]) == ("ManyPendingPartialImports", "has another value", "nothing")
    assert "at 40m" in row["test"] and 'alertname="ManyPendingPartialImports"' in row["expected"]


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
