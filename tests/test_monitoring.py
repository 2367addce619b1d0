"""What `dsaudit monitor` writes: its form, its PromQL, and by promtool, that each alert fires and only then."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from dsaudit.checks import all_checks
from dsaudit.cli import main
from dsaudit.cli.group import COULD_NOT_START
from dsaudit.monitoring import METRICS, given, measured, why_not
from dsaudit.monitoring.promql import NotPromql, Selector, selectors
from dsaudit.parameters import ParameterError, load

SAMPLE = Path(__file__).parent.parent / "parameters" / "sample.yml"
OWN_RULES = SAMPLE.parent.parent / "examples" / "storefront" / "backend" / "monitoring" / "alerts.yml"
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def monitor(folder: Path, *options: str, file: Path = SAMPLE) -> Any:
    return CliRunner().invoke(main, ["monitor", str(file), "--to", str(folder), *options])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("monitoring") / "new"
    assert monitor(folder).exit_code == 0
    return folder


# The files


def test_three_files_are_written_and_not_overwritten(tmp_path: Path) -> None:
    done = monitor(tmp_path)
    names = ["storefront.collector.yml", "storefront.rules.yml", "storefront.dashboard.json"]
    assert done.exit_code == 0 and done.output == "".join(f"{tmp_path / name}: written\n" for name in names)
    (tmp_path / names[1]).write_text("mine", encoding="utf-8")
    again = monitor(tmp_path)
    assert again.exit_code == COULD_NOT_START and "collector.yml is there already" in again.output
    assert (tmp_path / names[1]).read_text(encoding="utf-8") == "mine"
    assert monitor(tmp_path, "--force").exit_code == 0
    assert yaml.safe_load((tmp_path / names[1]).read_text(encoding="utf-8"))["groups"]


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = monitor(tmp_path / "file" / "below")
    assert done.exit_code == COULD_NOT_START and "cannot be written to: Not a directory" in done.output


def test_where_nothing_can_be_watched_it_says_why(tmp_path: Path) -> None:
    file = tmp_path / "small.yml"
    file.write_text("integration: small\ndatabase: {url_env: SMALL_URL}\n", encoding="utf-8")
    done = monitor(tmp_path, file=file)
    assert done.exit_code == COULD_NOT_START and [*tmp_path.iterdir()] == [file]
    assert "small.yml: there is nothing to watch\nnot measured: integration_ingest_age_seconds, as" in done.output
    assert done.output.count("not measured") == len(METRICS)


def test_what_is_not_declared_is_left_out_and_told(tmp_path: Path) -> None:
    file = tmp_path / "some.yml"
    head = "integration: some-shop\ndatabase: {url_env: SOME_URL}\ntenants: [{name: a, id: 1}]\n"
    file.write_text(head + "deliveries: {table: d, columns: {tenant: none}}\nsyncs: {table: s}\n", encoding="utf-8")
    done = monitor(tmp_path / "to", file=file)
    assert [metric.name for metric in measured(load(file))] == ["integration_refused_deliveries_ratio"]
    assert "integration_webhook_age_seconds, as the file has no deliveries (the table of received web" in done.output
    assert "integration_sync_age_seconds, as no resource declares sync" in done.output
    collector = yaml.safe_load((tmp_path / "to" / "some-shop.collector.yml").read_text(encoding="utf-8"))
    assert collector["collector_name"] == "some_shop" and len(collector["metrics"]) == 1


def test_the_collector_has_the_form_that_sql_exporter_reads(written: Path) -> None:
    collector = yaml.safe_load((written / "storefront.collector.yml").read_text(encoding="utf-8"))
    assert collector.keys() == {"collector_name", "min_interval", "metrics"}
    for metric in collector["metrics"]:
        assert metric.keys() == {"metric_name", "type", "help", "key_labels", "values", "query"}
        assert metric["type"] == "gauge" and metric["values"] == ["value"]
        assert metric["query"].startswith("select ") and max(map(len, metric["query"].splitlines())) < 130
    text = (written / "storefront.collector.yml").read_text(encoding="utf-8")
    assert text.count("query: |\n") == len(METRICS)  # as they stand, not folded


def test_names_and_values_are_quoted(tmp_path: Path) -> None:
    file = tmp_path / "odd.yml"
    file.write_text(
        "integration: odd\ndatabase: {url_env: ODD_URL}\n"
        """tenants: [{name: a, id: "o'n%s\\\\"}]\n"""
        """raw: {table: 'Odd."Raw"', columns: {tenant: 'select', via: "v'.w"}}\n"""
        "resources: {order: {table: o, key: id, webhooks: [orders/create]}}\n",
        encoding="utf-8",
    )
    queries = {metric.name: metric for metric in measured(load(file))}
    assert monitor(tmp_path / "to", file=file).exit_code == 0
    text = (tmp_path / "to" / "odd.collector.yml").read_text(encoding="utf-8")
    assert (
        '"Odd"."""Raw"""' in text
        and """"select" = E'o''n%s\\\\\'""" in text
        and "integration_webhook_age_seconds" in queries
    )
    assert """"v'"::jsonb #>> array['w']""" in text


# The rules


def rules(written: Path) -> list[dict[str, Any]]:
    document = yaml.safe_load((written / "storefront.rules.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def test_every_metric_has_an_alert_beyond_its_limit_and_one_for_being_gone(written: Path) -> None:
    asked = [(rule, selectors(rule["expr"])) for rule in rules(written)]
    assert all(len(some) == 1 for _, some in asked)
    assert all(some[0].labels == (("integration", "=", "storefront"),) for _, some in asked)
    names = [metric.name for metric in METRICS]
    assert [some[0].metric for _, some in asked] == names * 2
    assert [some[0].is_absent for _, some in asked] == [False] * len(names) + [True] * len(names)
    for rule, _ in asked:
        assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["annotations"].keys() == {"summary", "runbook"} and "severity" in rule["labels"]
        assert not re.search(r"rate\(|histogram_quantile", rule["expr"])  # they are gauges


def test_every_runbook_names_checks_that_can_be_run(written: Path) -> None:
    for rule in rules(written):
        command = rule["annotations"]["runbook"].partition("dsaudit run ")[2]
        file, *options = command.split()
        assert file == "parameters/sample.yml" and {*options[::2]} == {"--check"}
        assert {*options[1::2]} <= {*all_checks()}


def test_the_metrics_are_those_that_the_file_gives_all_for() -> None:
    assert all(why_not(metric, load(SAMPLE)) is None for metric in METRICS)


LABELS = {"tenant": "acme", "resource": "order"}


def series(name: str, labels: dict[str, str], values: str) -> dict[str, str]:
    told = ",".join(f'{label}="{value}"' for label, value in {"integration": "storefront", **labels}.items())
    return {"series": f"{name}{{{told}}}", "values": values}


def promtool(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["promtool", *arguments], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_promtool_accepts_the_rules(written: Path) -> None:
    assert f"SUCCESS: {2 * len(METRICS)} rules found" in promtool("check", "rules", "storefront.rules.yml", cwd=written)
    assert "SUCCESS: 8 rules found" in promtool("check", "rules", str(OWN_RULES), cwd=written)


@needs_promtool
def test_each_alert_fires_beyond_its_limit_and_only_then(written: Path) -> None:
    policy = load(SAMPLE).policy
    cases: list[dict[str, Any]] = []
    for metric in METRICS:
        rule = next(one for one in rules(written) if one["alert"] == metric.alert)
        labels = {label: LABELS[label] for label in metric.labels}
        limit = metric.limit(policy)
        for value, fires in ((limit, False), (limit * 1.5, True), ("NaN", False), ("Inf", True)):
            cases.append(_case(metric.name, metric.alert, labels, " ".join([str(value)] * 31), "20m", rule, fires))
        cases.append(_case(metric.name, metric.alert, labels, f"{limit * 2}x2 {limit / 2}x30", "20m", rule, False))
        gone = next(one for one in rules(written) if one["labels"].get("metric") == metric.name)
        cases.append(_case(metric.name, gone["alert"], {}, "_x40", "30m", gone, True, metric.name))
        cases.append(_case(metric.name, gone["alert"], labels, "0x40", "30m", gone, False, metric.name))
    document = {"rule_files": ["storefront.rules.yml"], "evaluation_interval": "1m", "tests": cases}
    (written / "tests.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    assert "SUCCESS" in promtool("test", "rules", "tests.yml", cwd=written)


def _case(
    name: str,
    alert: str,
    labels: dict[str, str],
    values: str,
    at: str,
    rule: dict[str, Any],
    fires: bool,
    gone: str = "",
) -> dict[str, Any]:
    """Return one unit test of promtool's."""
    given = [series(name, labels, values)]
    given += [
        series(one.name, {label: LABELS[label] for label in one.labels}, "0x40") for one in METRICS if one.name != name
    ]
    told = {"integration": "storefront", **labels, "severity": rule["labels"]["severity"]}
    told |= {"metric": gone} if gone else {}
    # An alert's own test would have to repeat all annotations.
    alerts = f'ALERTS{{alertname="{alert}",alertstate="firing"' + (f',metric="{gone}"' if gone else "") + "}"
    samples = [{"labels": _labels("ALERTS", {"alertname": alert, "alertstate": "firing", **told}), "value": 1}]
    return {
        "name": f"{alert} {gone} {values}",
        "interval": "1m",
        "input_series": given,
        "promql_expr_test": [{"expr": alerts, "eval_time": at, "exp_samples": samples if fires else []}],
    }


def _labels(name: str, labels: dict[str, str]) -> str:
    return name + "{" + ", ".join(f'{label}="{value}"' for label, value in labels.items()) + "}"


@needs_promtool
def test_a_summary_tells_the_value(written: Path) -> None:
    metric = METRICS[0]
    rule = next(one for one in rules(written) if one["alert"] == metric.alert)
    summary = "storefront, acme: nothing was received for 2h 0m 0s; declared is at most 1 h"
    alert = {
        "exp_labels": {"severity": "critical", "integration": "storefront", "tenant": "acme"},
        "exp_annotations": {"summary": summary, "runbook": rule["annotations"]["runbook"]},
    }
    test = {
        "interval": "1m",
        "input_series": [series(metric.name, {"tenant": "acme"}, "7200x20")],
        "alert_rule_test": [{"eval_time": "10m", "alertname": metric.alert, "exp_alerts": [alert]}],
    }
    document = {"rule_files": ["storefront.rules.yml"], "tests": [test]}
    (written / "summary.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    assert "SUCCESS" in promtool("test", "rules", "summary.yml", cwd=written)


# PromQL


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("up == 0", "up"),
        ("sum by (job, le) (rate(a_bucket{x='{y}'}[5m])) > 0.1", "a_bucket"),
        ("sum(rate(a[5m])) by (le) / on (job) group_left (team) b offset 5m", "a b"),
        ("histogram_quantile(0.95, sum without (pod) (rate(a:b:c[1h30m:5m] @ end())))", "a:b:c"),
        ('time() - max(last_seen{job=~"a|b"}) > 8 * 86400 and on () up # not this', "last_seen up"),
        ("{__name__='quoted', job=\"x\"} or {\"new.style\", a='b'}", "quoted new.style"),
        ("absent(a) or absent_over_time(b[5m]) unless c > bool 1e-3", "a b c"),
        ("topk(5, a) == inf or -b != NaN", "a b"),
        ("COUNT BY (x) (a) AND b", "a b"),
        ('count_values("version", build_info)', "build_info"),
        ("by", "by"),
        ("vector(1)", ""),
    ],
)
def test_the_metrics_of_an_expression(expression: str, names: str) -> None:
    assert [one.metric for one in selectors(expression)] == names.split()


def test_conditions_and_absence_are_told() -> None:
    one, other = selectors("""absent(a{tenant="x", b!~`y\\d`}) or {__name__="b",c="\\"d\\"",}""")
    assert one == Selector("a", (("tenant", "=", "x"), ("b", "!~", "y\\d")), is_absent=True)
    assert other == Selector("b", (("c", "=", '"d"'),))
    assert one.takes({"tenant": "x"}) and not one.takes({"tenant": "y"}) and not one.takes({"b": "y7"})
    assert one.takes({"b": "y"}) and one.takes({"unasked": "z"})


@pytest.mark.parametrize("expression", ["sum(a", "a)", "a{b=1}", "a[5m", "a{b=}", "(a]", '{__name__=~"a.*"} > 1'])
def test_what_is_no_expression_is_told(expression: str) -> None:
    with pytest.raises(NotPromql):
        selectors(expression)


@pytest.mark.parametrize(
    ("rules", "without"),
    [
        ("{alert: A, expr: 'integration_ingest_age_seconds > 1'}", None),
        ("{alert: A, expr: 'integration_ingest_age_seconds{tenant=\"a\"} > 1'}", ["b"]),
        ("{record: r, expr: max by (tenant) (integration_ingest_age_seconds)}, {alert: A, expr: r > 1}", None),
        ("{record: r, expr: integration_ingest_age_seconds}, {alert: A, expr: 'r{tenant!=\"b\"} > 1'}", ["b"]),
        ("{record: r, expr: r + integration_ingest_age_seconds}", ["a", "b"]),
        ("{record: r, expr: r + integration_ingest_age_seconds}, {alert: A, expr: r > 1}", None),
        ("{alert: A, expr: own_age_seconds_bucket > 1}", None),
        *(
            (f"{{alert: A, expr: '{expression}'}}", None if covers else ["a", "b"])
            for expression, covers in (
                ("integration_ingest_age_seconds >= 3600", True),
                ("3600 < integration_ingest_age_seconds", True),
                ("3600 <= max by (tenant) (integration_ingest_age_seconds)", True),
                ('sum(max(integration_ingest_age_seconds{tenant!="c"}) by (tenant)) > bool 2 * 3600', True),
                ("(integration_ingest_age_seconds > 3600) and on () (hour() < 6)", True),
                ("integration_ingest_age_seconds / 60 > 60", True),
                ("integration_ingest_age_seconds > on () own_age_seconds", True),
                ("integration_ingest_age_seconds < 0", False),
                ("integration_ingest_age_seconds > 1e15", False),
                ("integration_ingest_age_seconds > 36001", False),
                ("integration_ingest_age_seconds > +Inf", False),
                ("integration_ingest_age_seconds == 3600", False),
                ("integration_ingest_age_seconds", False),
                ("1e15 < integration_ingest_age_seconds", False),
                ("integration_ingest_age_seconds < 0 or up > 1", False),
                ("integration_ingest_age_seconds and up > 1", False),
                ("(integration_ingest_age_seconds) + (up > 1)", False),
            )
        ),
    ],
)
def test_a_rule_covers_the_tenants_that_it_takes(rules: str, without: list[str] | None, tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(f"---\ngroups: [{{name: g, rules: [{rules}]}}]\n---\n", encoding="utf-8")
    file = tmp_path / "two.yml"
    file.write_text(
        "integration: two\ndatabase: {url_env: TWO_URL}\ntenants: [{name: a, id: 1}, {name: b, id: 2}]\n"
        "raw: {table: raw, columns: {state: none}}\nresources: {order: {table: o, key: id}}\n"
        f"monitoring: {{rules: {tmp_path}/alerts.yml, metrics: {{own_age_seconds: silence}}}}\n",
        encoding="utf-8",
    )
    found = given.read(load(file))
    assert found.problems == {} and not any(found.unknown(rule) for rule in found.rules)
    uncovered = [(danger, tenants) for danger, _, tenants in found.uncovered()]
    assert uncovered == ([("silence", without)] if without else [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("monitoring: {}", "monitoring.rules: missing"),
        ("monitoring: {rules: []}", "monitoring.rules: names no file"),
        ("monitoring: {rules: a.yml, metrics: {b: noise}}", "monitoring.metrics.b"),
    ],
)
def test_what_the_file_says_of_monitoring_is_checked(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "small.yml"
    file.write_text(f"integration: small\ndatabase: {{url_env: SMALL_URL}}\n{text}\n", encoding="utf-8")
    with pytest.raises(ParameterError) as caught:
        load(file)
    assert words in str(caught.value)
