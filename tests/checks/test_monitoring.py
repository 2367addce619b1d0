"""What watches an integration between two audits: values are what Python reckons, and alerts fire on their faults."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import yaml

from dsaudit.functions.tables.monitoring import values_now
from dsaudit.monitoring import METRICS, Metric, collector, measured, why_not
from dsaudit.parameters import Parameters, load
from dsaudit.probes import MARK
from dsaudit.run.preflight.watched import monitoring
from dsaudit.verdict import Status
from tests.checks.auditing import opened, told, verdicts
from tests.ledger import Ledger

Values = dict[tuple[str, ...], float]  # by labels, the integration's aside
BY_NAME = {metric.name.removeprefix("integration_").rsplit("_", 1)[0]: metric for metric in METRICS}
# The alert that each fault has to fire, and for whom; nobody waits here for an hour, so some faults promise more.
FAULTS = {
    "ingest_stopped": "ingest_age",
    "refinement_fails": "failed_refinements",
    "refinement_stuck": "refinement_backlog",
    "refinement_slow": "latency_p95",
    "deliveries_refused": "refused_deliveries",
    "last_sync_long_ago": "sync_age",
}
WEBHOOK = "webhook_age"  # silent with ingest_stopped too


def exported(parameters: Path, environment: Mapping[str, str]) -> dict[str, Values]:
    """Run the written collector's queries as an exporter does: as the reading role, and nothing but what is written."""
    system = load(parameters)
    document = yaml.safe_load(collector(system))
    with psycopg.connect(environment[system.database.url_env], autocommit=True) as connection:
        connection.execute("set timezone to 'UTC'")
        return {one["metric_name"]: _asked(connection, one, system.integration) for one in document["metrics"]}


def _asked(connection: psycopg.Connection[Any], metric: dict[str, Any], integration: str) -> Values:
    cursor = connection.execute(metric["query"].encode())
    assert cursor.description and [one.name for one in cursor.description] == [*metric["key_labels"], "value"]
    rows = cursor.fetchall()
    assert {row[0] for row in rows} == {integration} and len({row[:-1] for row in rows}) == len(rows)
    return {row[1:-1]: float(row[-1]) for row in rows}


def firing(values: Values, metric: Metric, parameters: Parameters) -> set[tuple[str, ...]]:
    return {labels for labels, value in values.items() if value > metric.limit(parameters.policy)}


# Held against what Python reckons out of the rows as they lie there


@pytest.fixture(scope="module")
def seen(sample: Any) -> tuple[dict[str, Values], dict[str, list[dict[str, Any]]]]:
    """What is exported, and right after it the rows that it is held against: other tests write to this sample too."""
    return exported(sample.parameters, sample.environment), _rows(sample)


@pytest.fixture(scope="module")
def shop(seen: tuple[dict[str, Values], Any]) -> dict[str, Values]:
    return seen[0]


@pytest.fixture(scope="module")
def rows(seen: tuple[Any, dict[str, list[dict[str, Any]]]]) -> dict[str, list[dict[str, Any]]]:
    return seen[1]


def _rows(sample: Any) -> dict[str, list[dict[str, Any]]]:
    """The rows of three tables, each with its tenant's name; without those of the probe, which other tests send."""
    with psycopg.connect(sample.owner_url, row_factory=psycopg.rows.dict_row) as connection:
        found = {
            table: connection.execute(
                "select one.*, i.name as tenant"
                f" from {table} as one left join integration as i on i.id = integration_id"  # type: ignore[arg-type]
            ).fetchall()
            for table in ("shopify_raw_ingest", "shopify_webhook_delivery", "shopify_sync_run")
        }
    return {table: [row for row in rows if MARK not in str(row.get("delivery_id"))] for table, rows in found.items()}


def newest(rows: list[dict[str, Any]], column: str, *keys: str) -> dict[tuple[str, ...], datetime]:
    found: dict[tuple[str, ...], datetime] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        found[key] = max(found.get(key, row[column]), row[column])
    return found


def held_against(values: Values, last: dict[tuple[str, ...], datetime]) -> None:
    """Each age is the time since then: all were asked for at one moment, give or take what the queries took."""
    assert values.keys() == last.keys()
    moments = [last[labels] + timedelta(seconds=values[labels]) for labels in values]
    assert max(moments) - min(moments) < timedelta(milliseconds=1)
    assert max(moments) <= datetime.now(UTC)


def test_silence_is_the_time_since_the_last_raw_record(
    shop: dict[str, Values], rows: dict[str, list[dict[str, Any]]]
) -> None:
    held_against(shop["integration_ingest_age_seconds"], newest(rows["shopify_raw_ingest"], "created_at", "tenant"))


def test_webhooks_are_silent_since_the_last_that_was_accepted(
    shop: dict[str, Values], rows: dict[str, list[dict[str, Any]]]
) -> None:
    log = [row for row in rows["shopify_webhook_delivery"] if row["outcome"] in ("accepted", "duplicate")]
    held_against(shop["integration_webhook_age_seconds"], newest(log, "received_at", "tenant"))


def test_a_sync_is_as_old_as_its_last_good_end(shop: dict[str, Values], rows: dict[str, list[dict[str, Any]]]) -> None:
    runs = [row for row in rows["shopify_sync_run"] if row["ended_at"] and row["error"] is None]
    held_against(shop["integration_sync_age_seconds"], newest(runs, "ended_at", "tenant", "object_type"))


def test_latency_is_the_95th_percentile_of_the_hour(
    shop: dict[str, Values], rows: dict[str, list[dict[str, Any]]]
) -> None:
    seconds: dict[str, list[float]] = {}
    for row in rows["shopify_raw_ingest"]:
        came = row["source"] == "webhook" and not row["is_deletion"] and row["processing_status"] == "processed"
        changed = row["source_updated_at"] or row["observed_at"]
        wanted = (row["object_type"],) in shop["integration_latency_p95_seconds"]
        if wanted and came and changed and row["created_at"] > datetime.now(UTC) - timedelta(hours=1):
            seconds.setdefault(row["object_type"], []).append((row["processed_at"] - changed).total_seconds())
    told = shop["integration_latency_p95_seconds"]
    enough = {kind for kind, some in seconds.items() if len(some) >= 20}
    assert enough and {kind for (kind,), value in told.items() if not math.isnan(value)} == enough
    for kind in enough:
        assert told[kind,] == pytest.approx(np.percentile(seconds[kind], 95), abs=1e-5)


def test_shares_and_backlog_of_the_clean_sample_are_nothing(shop: dict[str, Values]) -> None:
    assert shop["integration_failed_refinements_ratio"] == {("acme",): 0, ("borealis",): 0}
    assert shop["integration_refinement_backlog_seconds"] == {("acme",): 0, ("borealis",): 0}
    assert shop["integration_refused_deliveries_ratio"] == {(): 0}


def test_no_alert_fires_on_the_clean_sample(sample: Any, shop: dict[str, Values]) -> None:
    parameters = load(sample.parameters)
    assert measured(parameters) == [*METRICS] and shop.keys() == {metric.name for metric in METRICS}
    assert {metric.name: firing(shop[metric.name], metric, parameters) for metric in METRICS} == {
        metric.name: set() for metric in METRICS
    }


# Each on its fault


@pytest.mark.parametrize("fault", FAULTS)
def test_an_alert_fires_on_its_fault(fault: str, sample: Any) -> None:
    with sample.clone() as clone:
        planted = clone.plant(fault)
        clone.settle()
        values, parameters = exported(clone.parameters, clone.environment), load(clone.parameters)
        with opened(clone.parameters, clone.environment) as audit:
            shown = audit.frame("alerts_now").set_index("metric")
        with clone.owner() as connection:
            share = connection.execute(
                "select count(*) filter (where processing_status = 'error')::float8 / count(*) from shopify_raw_ingest"
                " join integration as i on i.id = integration_id where i.name = %s",
                [planted.must[0].scope.get("tenant", "acme")],
            ).fetchone()
            log = connection.execute("select outcome from shopify_webhook_delivery").fetchall()
    metric = BY_NAME[FAULTS[fault]]
    fires = firing(values[metric.name], metric, parameters)
    labels = tuple(planted.must[0].scope.get(label) for label in metric.labels)
    assert labels in fires
    assert shown.loc[metric.name, "would_fire"] == f"yes, {len(fires)} of {len(values[metric.name])}"
    others = {one.name for one in METRICS if firing(values[one.name], one, parameters)} - {metric.name}
    assert others == ({BY_NAME[WEBHOOK].name} if fault == "ingest_stopped" else set())
    if fault == "refinement_fails":
        assert values[metric.name][labels] == pytest.approx(share[0])
    if fault == "deliveries_refused":
        counted = Counter(outcome in ("accepted", "duplicate") for (outcome,) in log)
        assert values[metric.name][()] == pytest.approx(counted[False] / len(log))


def test_the_table_says_the_same_at_the_audits_instant(sample: Any, shop: dict[str, Values]) -> None:
    with opened(sample.parameters, sample.environment) as audit:
        frames = {metric.name: values_now(audit, metric) for metric in METRICS}
        shown = audit.frame("alerts_now")
        verdict = audit.table("alerts_now")
    for metric in METRICS:
        frame = frames[metric.name]
        labels = [tuple(row) for row in frame[[*metric.labels]].to_numpy()]
        assert labels == [*shop[metric.name]]
        if not metric.name.endswith("age_seconds"):
            assert frame["value"].to_numpy() == pytest.approx([*shop[metric.name].values()], nan_ok=True)
    assert [*shown["would_fire"]] == ["no"] * len(METRICS) and verdict.total == len(METRICS)
    assert "at most 1 h" in str(verdict._repr_mimebundle_()["text/html"])


# A system of another shape


@pytest.fixture
def ledger(new_ledger: Callable[..., Ledger]) -> Iterator[Ledger]:
    one = new_ledger()
    arrived = "update ledger.hook_log set sent = now() - interval '3 seconds', arrived = now() - interval '2 seconds'"
    one.execute(arrived)
    yield one


@pytest.mark.parametrize(
    ("damage", "name", "labels"),
    [
        ("select 1", "", ()),
        ("update ledger.hook_log set arrived = arrived - interval '2 h' where org = 'S'", "webhook_age", ("south",)),
        ("update ledger.hook_log set verdict = 'lost' where org = 'S'; delete from ledger.hook_log where org = 'N'",
         "webhook_age refused_deliveries", ("south",)),
        ("update ledger.job_run set finished = '2026-01-01' where job = 'member' and org = 'N'",
         "sync_age", ("north", "member")),
        ("delete from ledger.job_run where job = 'invoice'", "sync_age", ("south", "invoice")),
        ("update ledger.job_run set trouble = 'no' where job = 'invoice'", "sync_age", ("north", "invoice")),
    ],
)  # fmt: skip
def test_the_ledgers_alerts_fire_on_their_damage_alone(
    damage: str, name: str, labels: tuple[str, ...], ledger: Ledger
) -> None:
    ledger.execute(damage)
    parameters, values = load(ledger.parameters), exported(ledger.parameters, ledger.environment)
    assert values.keys() == {BY_NAME[one].name for one in (WEBHOOK, "refused_deliveries", "sync_age")}
    fires = {one.name: firing(values[one.name], one, parameters) for one in measured(parameters)}
    assert {one for one, some in fires.items() if some} == {BY_NAME[one].name for one in name.split()}
    assert not name or labels in fires[BY_NAME[name.split()[0]].name]


def test_a_metric_that_cannot_be_asked_is_told_and_the_others_are_shown(ledger: Ledger) -> None:
    ledger.execute("alter table ledger.job_run rename finished to done")
    with opened(ledger.parameters, ledger.environment) as audit:
        shown = audit.frame("alerts_now").set_index("metric")
    assert 'column "finished" does not exist' in shown.loc["integration_sync_age_seconds", "now"]
    assert [*shown["would_fire"]] == ["no", "no", "not known"]


RAW = """
raw:
  table: "{table}"
  columns: {{tenant: doc.org, source_id: code, payload: doc, via: doc.way, state: doc.state, error: none,
             content_hash: none, received_at: doc.at, refined_at: doc.done, changed_at: doc.changed}}
  states: {{error: [broken], pending: [new, waiting]}}
"""


@pytest.mark.parametrize("table", ["ledger.kept", "ledger.kept_{resource}"])
def test_columns_inside_json_and_a_raw_table_for_each_resource(table: str, ledger: Ledger) -> None:
    make = """
        create table {0} (
          id bigint generated always as identity, object_type text default 'member', code text, doc jsonb);
        grant select on {0} to public;
        insert into {0} (code, doc) select n::text, jsonb_build_object(
          'org', 'N', 'way', 'webhook', 'at', now() - interval '5 min', 'changed', now() - interval '6 min',
          'done', case when n > 5 then now() - interval '4 min' end,
          'state', case when n > 5 then 'processed' when n > 2 then 'waiting' else 'broken' end)
        from generate_series(1, 40) as n"""
    tables = [table.format(resource=kind) for kind in ("member", "invoice")] if "{" in table else [table]
    for one in tables:
        ledger.execute(make.format(one))
    text = ledger.parameters.read_text(encoding="utf-8")
    ledger.parameters.write_text(text + RAW.format(table=table), encoding="utf-8")
    values = exported(ledger.parameters, ledger.environment)
    assert values["integration_failed_refinements_ratio"] == pytest.approx(
        {("north",): 2 / 40, ("south",): math.nan}, nan_ok=True
    )
    assert values["integration_refinement_backlog_seconds"]["north",] == pytest.approx(300, abs=60)
    ages = values["integration_ingest_age_seconds"]
    assert ages["north",] == pytest.approx(300, abs=60) and ages["south",] == math.inf
    latency = values["integration_latency_p95_seconds"]
    assert latency["member",] == pytest.approx(360, abs=60)  # three that wait still, of 38


# The rules that the integration has


def judged(ledger: Ledger, name: str) -> Any:
    return verdicts(ledger.parameters, ledger.environment, [name])[name]


COVER, KNOWN = "monitoring_rules_cover_every_danger", "monitoring_rules_name_known_metrics"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("groups: []", "no alert rule"),
        ("groups: [{name: a, rules: [{record: b, expr: integration_sync_age_seconds}]}]", "no alert rule"),
        ("groups: [{name: a, rules: [{alert: b, expr: absent(integration_sync_age_seconds)}]}]", "no alert rule"),
        (
            "groups: [{name: a, rules: [{alert: b, expr: \"integration_sync_age_seconds{integration='x'}\"}]}]",
            "no alert",
        ),
    ],
)
def test_rules_that_watch_nothing(text: str, why: str, ledger: Ledger) -> None:
    (ledger.folder / "code" / "alerts.yml").write_text(text, encoding="utf-8")
    verdict = judged(ledger, COVER)
    assert verdict.status is Status.FAIL and verdict.total == 3, told(verdict)
    assert all(why in str(row) and "north, south" in str(row) for row in verdict.rows), told(verdict)
    assert judged(ledger, KNOWN).status is (Status.PASS if "integration_" in text else Status.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("groups: [", "it is no YAML: line 1"),
        ("alerts: []", "it has no groups of rules as Prometheus reads them"),
        ("- a\n- b", "it has no groups of rules as Prometheus reads them"),
        ("", "it has no groups of rules as Prometheus reads them"),
        ("groups: [{name: a, rules: [{alert: b, expr: up == 0}, {alert: c}]}]", "it has no groups of rules"),
    ],
)
def test_rules_that_cannot_be_read_prove_nothing(text: str, why: str, ledger: Ledger) -> None:
    own = ledger.folder / "code" / "alerts.yml"
    own.with_name("more.yml").write_text(text, encoding="utf-8")
    parameters = ledger.parameters.read_text(encoding="utf-8")
    place = re.search(r"rules: (\S+alerts\.yml)", parameters)
    assert place
    more = f"rules: [{place[1]}, {place[1].replace('alerts', 'more')}]"
    for rules in (more, more.replace(f"{place[1]}, ", "")):  # beside what covers all, and alone
        ledger.parameters.write_text(parameters.replace(place[0], rules), encoding="utf-8")
        for name in (COVER, KNOWN):
            verdict = judged(ledger, name)
            assert verdict.status is Status.INCONCLUSIVE and not verdict.rows, told(verdict)
            assert f"more.yml: {why}" in str(verdict.results[0].reason), told(verdict)


def test_a_file_that_is_not_there(ledger: Ledger) -> None:
    (ledger.folder / "code" / "alerts.yml").unlink()
    verdict = judged(ledger, COVER)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "cannot be read: No such file" in str(verdict.results[0].reason), told(verdict)
    (line,) = monitoring(load(ledger.parameters))
    assert not line.ok and re.search(r"ledger\.yml:\d+:\d+: .*alerts\.yml: it cannot be read: No such file", line.words)


def test_what_is_not_declared_is_no_reproach(ledger: Ledger) -> None:
    text = ledger.parameters.read_text(encoding="utf-8")
    ledger.parameters.write_text(re.sub(r",\n +metrics: \{.*\}\}", "}", text), encoding="utf-8")
    for name in (COVER, KNOWN):
        verdict = judged(ledger, name)
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)
        assert "monitoring.metrics): ledger_hooks_total, ledger_last_hook_timestamp_seconds" in str(
            verdict.results[0].reason
        )


def test_a_metric_of_ours_that_the_file_gives_too_little_for_is_no_reproach(ledger: Ledger) -> None:
    metric = next(one for one in METRICS if why_not(one, load(ledger.parameters)))
    rules = f"groups: [{{name: a, rules: [{{alert: b, expr: {metric.name} > 1}}]}}]"
    (ledger.folder / "code" / "alerts.yml").write_text(rules, encoding="utf-8")
    verdict = judged(ledger, KNOWN)
    assert verdict.status is Status.INCONCLUSIVE and not verdict.rows, told(verdict)
    assert f"whether {metric.name} is exposed is not known: the file has no" in str(verdict.results[0].reason)


def test_an_expression_that_cannot_be_read(ledger: Ledger) -> None:
    ledger.edit("code/alerts.yml", "time() - max", "time( - max")
    for name in (COVER, KNOWN):
        verdict = judged(ledger, name)
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)
        assert "alerts.yml: LedgerSilent: it is no PromQL: unclosed left parenthesis" in str(
            verdict.results[0].reason
        ), told(verdict)
