"""The linter of rules: what it finds with the expression that it proposes, and what it leaves in peace."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsaudit.monitoring import rules as written
from dsaudit.observability import promtool
from dsaudit.observability.kinds import Kinds
from dsaudit.observability.linting import NO_SEVERITY, NO_SUMMARY, lint
from dsaudit.observability.promql import NotPromql
from dsaudit.parameters import load
from examples.listings.faults.measuring import PRINTED

ROOT = Path(__file__).parents[2]
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
# What has to be found in the rules of the source document, as they are printed there.
FOUND = {
    "HighImportFailureRate": (
        ["every series of import_results_total is divided by itself"],
        '(sum(rate(import_results_total{result="failed"}[5m])) / sum(rate(import_results_total[5m]))) > 0.1',
    ),
    "ManyPendingPartialImports": ([], "partial_imports_pending > 100"),
    "SlowImportProcessing": (
        ["has no rate()", "the buckets are not summed by (le)"],
        "histogram_quantile(0.95, sum by (le) (rate(import_duration_seconds_bucket[5m]))) > 30",
    ),
}


def printed() -> list[dict[str, Any]]:
    return list(yaml.safe_load(PRINTED)["groups"][0]["rules"])


@pytest.mark.parametrize("rule", printed(), ids=lambda rule: str(rule["alert"]))
def test_each_rule_of_the_source_document_is_shown_wrong_and_corrected(rule: dict[str, Any]) -> None:
    words, expression = FOUND[rule["alert"]]
    linted = lint(rule, Kinds())
    assert len(linted.problems) == len(words)
    assert all(part in problem for part, problem in zip(words, linted.problems, strict=True))
    assert linted.rule["expr"] == expression and linted.rule["labels"] == {"severity": "warning"}
    assert linted.untold == (NO_SEVERITY,) and linted.is_grave is bool(words)
    right = lint(linted.rule, Kinds())
    assert right.problems == right.untold == ()


@needs_promtool
def test_promtool_takes_the_rules_as_printed_and_as_corrected() -> None:
    for rules in (printed(), [lint(rule, Kinds()).rule for rule in printed()]):
        assert promtool.checked_groups([{"name": "partial_imports", "rules": rules}]) == []


@needs_promtool
@pytest.mark.parametrize("is_corrected", [False, True])
def test_as_printed_a_single_failure_in_a_thousand_fires_and_as_corrected_it_does_not(
    is_corrected: bool, tmp_path: Path
) -> None:
    rules = [lint(rule, Kinds()).rule if is_corrected else rule for rule in printed()]
    document = {"groups": [{"name": "partial_imports", "rules": rules}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    name = 'ALERTS{alertname="HighImportFailureRate",alertstate="firing"}'
    labels = 'ALERTS{alertname="HighImportFailureRate", alertstate="firing", quality="full", result="failed"}'
    test = {
        "interval": "1m",
        "input_series": [
            {"series": 'import_results_total{result="failed",quality="full"}', "values": "0+1x30"},
            {"series": 'import_results_total{result="success",quality="full"}', "values": "0+999x30"},
        ],
        "promql_expr_test": [
            {"expr": name, "eval_time": "20m", "exp_samples": [] if is_corrected else [{"labels": labels, "value": 1}]}
        ],
    }
    tests = tmp_path / "tests.yml"
    tests.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [test]}), encoding="utf-8")
    assert promtool.tested(tests) == []


BUCKETS = Kinds(last_buckets={"a_bucket": 10.0})
GAUGE, COUNTER = Kinds({"depth": "gauge"}), Kinds({"jobs": "counter"})
LABELLED = Kinds({}, {"hits_total": frozenset({"path"}), "calls_total": frozenset({"path", "code"})})


def problems(expression: str, kinds: Kinds = Kinds(), **more: Any) -> tuple[tuple[str, ...], str]:  # noqa: B008
    """What is found of an alert that has all else, and its corrected expression."""
    rule = {"alert": "A", "expr": expression, "for": "5m", "labels": {"severity": "page"}}
    linted = lint({**rule, "annotations": {"summary": "s"}, **more}, kinds)
    return linted.problems, linted.rule["expr"]


@pytest.mark.parametrize(
    ("expression", "kinds", "words", "corrected"),
    [
        (
            'rate(a{x="1"}[5m]) * 100 / rate(a[5m]) > 5', Kinds(), "divided by itself",
            'sum(rate(a{x="1"}[5m]) * 100) / sum(rate(a[5m])) > 5',
        ),
        (
            'a{x="1"} / b{x="2"} > 5', Kinds(), "x too, which they never have in common",
            'sum(a{x="1"}) / sum(b{x="2"}) > 5',
        ),
        (
            "rate(hits_total[5m]) / rate(calls_total[5m]) > 1", LABELLED, "only one has code",
            "sum(rate(hits_total[5m])) / sum(rate(calls_total[5m])) > 1",
        ),
        (
            "histogram_quantile(0.9, sum by (job) (rate(a_bucket[5m]))) > 1", Kinds(), "le is aggregated away",
            "histogram_quantile(0.9, sum by (le, job) (rate(a_bucket[5m]))) > 1",
        ),
        (
            "histogram_quantile(0.9, sum without (le, pod) (rate(a_bucket[5m]))) > 1", Kinds(), "le is aggregated away",
            "histogram_quantile(0.9, sum without (pod) (rate(a_bucket[5m]))) > 1",
        ),
        (
            "histogram_quantile(95, sum by (le) (rate(a_bucket[5m]))) > 1", Kinds(), "between 0 and 1, and 95",
            "histogram_quantile(0.95, sum by (le) (rate(a_bucket[5m]))) > 1",
        ),
        (
            "histogram_quantile(0.9, sum by (le, job) (a_bucket offset 1h)) > 1", Kinds(), "has no rate()",
            "histogram_quantile(0.9, sum by (le, job) (rate(a_bucket[5m] offset 1h))) > 1",
        ),
        (
            "histogram_quantile(0.9, http_seconds{job='a'}) > 1", Kinds(), "the buckets of a histogram are",
            'histogram_quantile(0.9, sum by (le) (rate(http_seconds_bucket{job="a"}[5m]))) > 1',
        ),
        ("histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m]))) > 10", BUCKETS, "bucket, which ends at 10", ""),
        ("1000 * histogram_quantile(0.9, rate(a_bucket[5m])) >= 30e3", BUCKETS, "never holds: a quantile is never", ""),
        (
            'sum by (path) (rate(calls_total{code="1"}[5m])) / sum by (code) (rate(calls_total[5m])) > 1', LABELLED,
            "only one has code", "",
        ),
        (
            'rate(a{x="1",y="2"}[5m]) / ignoring (y) rate(a{x="2"}[5m]) > 1', Kinds(),
            "x too, which they never have in common", "",
        ),
        ('sum by (x) (a{x="1"}) / sum by (x) (a{x="2"}) > 1', Kinds(), "x too, which they never have in common", ""),
        ('a{x="1"} > 1 and sum(b) > 1', Kinds(), "only one has x: nothing is ever left", ""),
        ("hits_total > 5 and calls_total > 5", LABELLED, "only one has code", ""),
        ("a > 100 and a < 50", Kinds(), "a is never > 100 and < 50 at once", ""),
        ("(a > 5 and b > 1) and a <= 5", Kinds(), "a is never > 5 and <= 5 at once", ""),
        ("a > 5 < 3", Kinds(), "never holds: the value is at least 5", ""),
        ("rate(depth[5m]) > 1", GAUGE, "depth is a gauge", "deriv(depth[5m]) > 1"),
        ("increase(depth[5m]) > 1", GAUGE, "depth is a gauge", "delta(depth[5m]) > 1"),
        ("delta(errors_total[1h]) > 1", Kinds(), "delta() falls with each restart", "increase(errors_total[1h]) > 1"),
        ("jobs > 1", COUNTER, "once beyond the limit it stays", "increase(jobs[5m]) > 1"),
        ("sum by (x) (jobs) > 1", COUNTER, "once beyond", "sum by (x) (increase(jobs[5m])) > 1"),
        ("sum by (jobs) (jobs) > 1", COUNTER, "once beyond", "sum by (jobs) (increase(jobs[5m])) > 1"),
        (
            'rate(a{x="1"}[5m]) / rate(a[5m]) * 100 > 5 or b > 1', Kinds(), "divided by itself",
            'sum(rate(a{x="1"}[5m])) / sum(rate(a[5m])) * 100 > 5 or b > 1',
        ),
        (
            'sum(rate(a{code="5..",x="[5m]"}[5m])) > 1', Kinds(), 'code=~"5.."',
            'sum(rate(a{code=~"5..",x="[5m]"}[5m])) > 1',
        ),
        ("rate(sum(a_total)[5m:]) > 1", Kinds(), "takes one restart for that of all", ""),
        ('up{job=".*api"} == 0', Kinds(), 'for a pattern it is job=~".*api"', 'up{job=~".*api"} == 0'),
        ('a{code!="5.."} > 1', Kinds(), 'for a pattern it is code!~"5.."', 'a{code!~"5.."} > 1'),
        ("count(up == 1) == 0", Kinds(), "a count of nothing is no series", "(count(up == 1) or vector(0)) == 0"),
        ("count by (x) (a) < 1", Kinds(), "a count of nothing is no series", ""),
        ("rate(a[5m]) < 0", Kinds(), "never holds: the value is at least 0", ""),
        ("rate(a[5m]) >= 0", Kinds(), "always holds", ""),
        ("up > 1", Kinds(), "never holds: the value is at least 0 and at most 1", ""),
        ("avg by (job) (up) * 100 > 100", Kinds(), "never holds", ""),
        ('sum(rate(a{x="1"}[5m])) / sum(rate(a[5m])) > 10', Kinds(), "at most 1", ""),
        ("absent(up) == 0", Kinds(), "never holds", ""),
        ("10 < up", Kinds(), "never holds", ""),
        ("up == 2 or a > 1", Kinds(), "never holds", ""),
        ("a > bool 1", Kinds(), "the alert always fires", ""),
        ("sum by (pod) (a)", Kinds(), "nothing is compared", ""),
        ("a > 1 or b", Kinds(), "nothing is compared", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_and_put_right(expression: str, kinds: Kinds, words: str, corrected: str) -> None:
    (problem,), right = problems(expression, kinds)
    assert words in problem
    assert right == corrected or (not corrected and right == expression)
    if corrected:
        assert problems(right, kinds)[0] == ()


@pytest.mark.parametrize(
    "expression",
    [
        'sum(rate(a{x="1"}[5m])) / sum(rate(a[5m])) > 0.1',
        'sum by (job) (rate(a{x="1"}[5m])) / sum by (job) (rate(a[5m])) > 0.1',
        'rate(a{x="1"}[5m]) / ignoring (x) group_left () rate(a[5m]) > 0.1',
        'rate(a{x="1"}[5m]) / on (job) b > 0.1',
        "rate(a_sum[5m]) / rate(a_count[5m]) > 1",
        "rate(a[5m]) / rate(a[1h]) > 2",
        "a / a offset 1w < 0.5",
        "(a - b) / a > 0.5",
        "a / (a > 0) > 1 and on (job) up == 1",
        "histogram_quantile(0.99, rate(a_bucket[5m])) > 1",
        "histogram_quantile(0.99, sum by (le, job) (rate(a_bucket[5m]))) > 1",
        "histogram_quantile(0.99, sum by (le) (job:a_bucket:rate5m)) > 1",
        "histogram_quantile(0.99, sum(rate(native_seconds[5m]))) > 1",
        "count(up == 0) > 0",
        "(count(up) or vector(0)) == 0",
        "count by (x) (a < 1) > 0",
        "sum by (job) (up) == 0",
        "up{job='a'} < 1",
        "a_total > 0 and b > 1",
        "capacity_total > 10",
        "argo_pending_total > 10",
        'errors_total{code="5xx"} > 1',
        "absent(up{job='a'})",
        "a > 100 and on () a < 50",
        "a >= 5 and a <= 5",
        "a > 5 and a{x='1'} < 3",
        'sum by (x) (a{x="1"}) / on () sum by (y) (a{y="2"}) > 1',
        'sum by (x) (a{x="1"}) / ignoring (x) sum(a) > 1',
        'a{x="1"} > 1 and on (job) sum by (job) (b) > 1',
        'a{x="1"} > 1 unless sum(b) > 1',
        'label_replace(a{x="1"}, "x", "2", "", "") / a{x="2"} > 1',
        "sum by (cluster, job) (a) / sum by (job) (a) > 1",
        "absent_over_time(a[10m])",
        "vector(1)",
        "job_info{phase='failed'}",
        "a > 1 unless b",
        "a and on (job) b > 1",
        "job:errors:ratio5m > 0.1",
        "ALERTS{severity='info'} == 1",
        "changes(a[1h]) > 2",
        "resets(a[1h]) > 0",
        "predict_linear(a[6h], 4 * 3600) < 0",
        "delta(temperature[1h]) < -5",
        "time() - max(a_timestamp_seconds) > 3600",
        "rate(a[5m]) * 60 > 1 and rate(a[5m]) > 0",
        "clamp_max(a, 1) == 1",
        "-a < -5",
        "a != 0",
    ],
)
def test_what_is_sound_is_left_in_peace(expression: str) -> None:
    assert problems(expression)[0] == ()


@pytest.mark.parametrize(
    "expression",
    [
        "histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m]))) > 9",
        "histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m]))) >= 10",
        "histogram_quantile(0.9, sum by (le) (rate(b_bucket[5m]))) > 30",
        "histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m]) or rate(b_bucket[5m]))) > 30",
        "histogram_quantile(scalar(b), sum by (le) (rate(a_bucket[5m]))) > 30",
        'histogram_quantile(0.9, label_replace(rate(a_bucket[5m]), "le", "$1", "le", "(.*)")) > 30',
        "hour() > 8 < 18",
    ],
)
def test_a_quantile_within_its_buckets_or_of_unknown_ones_is_left_in_peace(expression: str) -> None:
    assert problems(expression, BUCKETS)[0] == ()


@pytest.mark.parametrize(
    ("expression", "waits"),
    [
        ("up == 0", False),
        ("absent(up)", False),
        ("rate(a[30s]) > 1", False),
        ("rate(a[5m]) > 1", True),
        ("max_over_time(a[10m:1m]) > 1", True),
        ("a < 5 and a offset 10m > 5", True),
        ("time() - a > 60", True),
        ("ALERTS == 1", True),
        ("vector(1)", True),
    ],
)
def test_what_looks_at_a_moment_alone_has_to_wait(expression: str, waits: bool) -> None:
    rule = {"alert": "A", "expr": expression, "labels": {"severity": "page"}, "annotations": {"summary": "s"}}
    linted = lint(rule, Kinds())
    assert bool(linted.problems) is not waits and ("for" in linted.rule) is not waits
    assert lint({**rule, "for": "0m"}, Kinds()).problems == ()  # who says so has thought of it


def test_several_mistakes_are_put_right_at_once() -> None:
    expression = (
        'rate(a{code="5.."}[5m]) / rate(a[5m]) > 0.1 and histogram_quantile(99, b_bucket) > 1 and up{job=".*x"} > 0'
    )
    found, right = problems(expression)
    assert len(found) == 6 and problems(right)[0] == ()
    assert right == (
        'sum(rate(a{code=~"5.."}[5m])) / sum(rate(a[5m])) > 0.1'
        ' and histogram_quantile(0.99, sum by (le) (rate(b_bucket[5m]))) > 1 and up{job=~".*x"} > 0'
    )


def test_severity_may_be_the_groups_and_a_recording_rule_needs_none() -> None:
    rule = {"alert": "A", "expr": "a > 1", "for": "5m", "annotations": {"description": "d"}}
    assert lint(rule, Kinds(), {"severity": "page"}).untold == ()
    assert lint({"record": "a:b", "expr": "a"}, Kinds()).untold == ()


def test_a_summary_is_missed_and_never_made_up() -> None:
    rule = {"alert": "A", "expr": "a > 1", "for": "5m", "labels": {"severity": "page"}}
    linted = lint(rule, Kinds())
    assert linted.problems == () and linted.untold == (NO_SUMMARY,) and linted.rule == rule


def test_what_is_no_promql_is_told() -> None:
    with pytest.raises(NotPromql, match="it is no PromQL: unclosed left parenthesis"):
        lint({"alert": "A", "expr": "sum(a"}, Kinds())


@pytest.mark.parametrize("sample", ["sample", "discovery"])
def test_the_rules_that_dsaudit_writes_are_sound(sample: str) -> None:
    document = yaml.safe_load(written(load(ROOT / "parameters" / f"{sample}.yml")))
    found = [lint(rule, Kinds()) for group in document["groups"] for rule in group["rules"]]
    assert found and not any(one.problems or one.untold for one in found), found


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("*/backend/monitoring/alert*.yml")), ids=lambda path: path.parents[2].name
)
def test_the_samples_own_rules_are_sound(path: Path) -> None:
    groups = yaml.safe_load(path.read_text(encoding="utf-8")).get("groups", [])
    found = [lint(rule, Kinds()) for group in groups for rule in group["rules"]]
    assert not any(one.problems or one.untold for one in found), found
