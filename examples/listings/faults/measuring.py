"""Faults of what is measured, shown and alarmed of, that show without anything being done."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import replaced

from .choosing import monitored

if TYPE_CHECKING:
    from ..sample import Sample

METRICS = "app/observability/metrics.py"
# The expressions as the plan of the feature had them.
PRINTED = """\
groups:
- name: partial_imports
  rules:
  - alert: HighImportFailureRate
    expr: |
      (rate(import_results_total{result='failed'}[5m]) /
       rate(import_results_total[5m])) > 0.1
    for: 5m
    annotations:
      summary: "Import failure rate > 10%"
  - alert: ManyPendingPartialImports
    expr: partial_imports_pending > 100
    for: 30m
    annotations:
      summary: "Over 100 partial imports pending completion"
  - alert: SlowImportProcessing
    expr: |
      histogram_quantile(0.95, import_duration_seconds_bucket) > 30
    for: 5m
    annotations:
      summary: "95th percentile import duration > 30s"
"""


def metrics_module_raises(sample: "Sample", random: Random) -> Planted:
    """Every metric is given its help twice, and the module cannot be imported any more."""
    path = sample.code / METRICS
    replaced(path, '"Imports of one address that were begun", ["marketplace"])',
             '"Imports of one address that were begun", ["marketplace"], help="Imports that were begun")')  # fmt: skip
    replaced(path, '"Imports that are under way")', '"Imports that are under way", help="Imports under way")')
    must = [Expected("metrics_module_can_be_imported", keys=["import_attempts_total", "imports_in_progress"])]
    return Planted("metrics_module_raises", mode=0, how="edited", must=must)


def bucket_for_every_moment(sample: "Sample", random: Random) -> Planted:
    """To be precise, how long completions take has a bucket for each four seconds of a week."""
    few, many = (60, 600, 3600, "21_600", "86_400", "259_200", "604_800"), range(4, 604_801, 4)
    replaced(sample.code / METRICS, *(f"buckets=({', '.join(map(str, ends))})" for ends in (few, many)))
    must = [Expected("instrumentation_is_cheap", keys=["partial_completion_duration_seconds"])]
    may = ["instrumentation_is_cheap"]  # it tells of every metric what it takes
    return Planted("bucket_for_every_moment", mode=0, how="edited", must=must, may=may)


def gauge_never_set(sample: "Sample", random: Random) -> Planted:
    """Nothing sets the gauge of the listings that wait, so the alert on it has nothing to say."""
    sample.switch_on("gauge_never_set")
    must = [Expected("gauges_are_set", keys=["partial_imports_pending"])]
    return Planted("gauge_never_set", mode=0, how="caused", must=must)


def metric_not_exposed(sample: "Sample", random: Random) -> Planted:
    """How long completions take is recorded in a process that nobody scrapes."""
    sample.switch_on("metric_not_exposed")
    must = [Expected("metrics_are_exposed", keys=["partial_completion_duration_seconds_bucket"])]
    return Planted("metric_not_exposed", mode=0, how="caused", must=must)


def dashboard_names_unknown_metric(sample: "Sample", random: Random) -> Planted:
    """A panel was made for a metric that had another name before it was released."""
    old, new = random.choice(
        [
            ("rate(partial_import_completions_total[5m])", "rate(partial_completions_total[5m])"),
            ("max(partial_imports_pending)", "max(pending_partial_imports)"),
            ("sum(imports_in_progress)", "sum(active_imports)"),
        ]
    )
    replaced(monitored(sample, "partial-imports.json"), old, new)
    name = new.partition("(")[2].partition("[")[0].rstrip(")")
    must = [Expected("dashboards_name_known_metrics", scope={"metric": name})]
    return Planted("dashboard_names_unknown_metric", mode=0, how="edited", must=must)


def panel_says_otherwise(sample: "Sample", random: Random) -> Planted:
    """A panel is called an average, and shows what one import in twenty takes longer than."""
    average = "sum(rate(import_duration_seconds_sum[5m])) / sum(rate(import_duration_seconds_count[5m]))"
    quantile = "histogram_quantile(0.95, sum by (le) (rate(import_duration_seconds_bucket[5m])))"
    replaced(monitored(sample, "partial-imports.json"), average, quantile)
    scope = {"panel": "Average import duration"}
    must = [Expected("dashboards_say_what_they_show", scope=scope, keys=["Partial imports"])]
    return Planted("panel_says_otherwise", mode=0, how="edited", must=must)


def alert_tests_fail(sample: "Sample", random: Random) -> Planted:
    """Somebody made an alert less eager, and did not run its unit tests."""
    replaced(monitored(sample, "alert-rules.yml"), "> 0.1", "> 0.25")
    must = [Expected("alert_rules_pass_promtool")]
    return Planted("alert_tests_fail", mode=0, how="edited", must=must)


def alerts_as_printed_in_004(sample: "Sample", random: Random) -> Planted:
    """The rules are those of the feature's plan: a ratio of a series to itself, and a quantile of totals."""
    monitored(sample, "alert-rules.yml").write_text(PRINTED, encoding="utf-8")
    must = [Expected("alert_rules_are_sound", keys=["HighImportFailureRate", "SlowImportProcessing"])]
    may = ["alert_rules_pass_promtool", "alerts_fire"]
    return Planted("alerts_as_printed_in_004", mode=0, how="edited", must=must, may=may)
