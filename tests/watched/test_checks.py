"""The checks of what watches a system: green on a sound one, each fails on its fault, none says much of nothing."""

from __future__ import annotations

import httpx
import pytest

from dsaudit.observability.linting import NO_SEVERITY
from dsaudit.verdict import Status
from tests.checks.auditing import opened, told
from tests.watched.conftest import Watched
from tests.watched.judging import (
    ALL,
    BOARD,
    CHEAP,
    CODE,
    COVER,
    EXPOSED,
    FILE,
    GAUGES,
    KNOWN,
    MODULE,
    PROMTOOL,
    RULES,
    SAYS,
    SOUND,
    TABLES,
    judged,
    needs_promtool,
)

pytestmark = pytest.mark.xdist_group("watched")


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
