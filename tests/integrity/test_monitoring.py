"""What `dsaudit monitor` writes for the integrity of data: each metric tells of its damage, as the check beside it."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from dsaudit.cli import main
from dsaudit.cli.group import COULD_NOT_START
from dsaudit.monitoring import given, measured
from dsaudit.monitoring.integrity import INTEGRITY
from dsaudit.monitoring.promql import selectors
from dsaudit.monitoring.reading import read
from dsaudit.parameters import load
from tests.checks.auditing import opened, verdicts
from tests.checks.test_monitoring import Values, exported
from tests.integrity.faults import DROP, OF_FLOWS, OF_RECORDS, UNKNOWN
from tests.integrity.system import ACME, BOREALIS, System, named

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
OF_MASTERS = "discovery_flow.master_flow_id → master_flow.id"
NULLABLE = "alter table assets alter client_account_id drop not null"
# A damage, the metric that tells of it, the labels, the value, and the check that says the same.
DAMAGES = {
    "orphans": (
        [DROP, f"update assets set discovery_flow_id = '{UNKNOWN}' where name = ''"],
        "integration_orphans", (OF_FLOWS,), 3, "orphans",
    ),
    "empty references that are required": (
        ["alter table raw_import_records alter data_import_id drop not null",
         "update raw_import_records set data_import_id = null where row_number = 6"],
        "integration_orphans", (OF_RECORDS,), 3, "orphans",
    ),
    "unlinked": (
        [f"update discovery_flows set master_flow_id = null where client_account_id = '{BOREALIS}'"],
        "integration_unlinked_ratio", (OF_MASTERS,), 1, "enough_children_are_linked",
    ),
    "miscounted": (
        ["update data_imports set total_records = 7 where total_records = 6"],
        "integration_miscounted_parents", (OF_RECORDS,), 3, "parents_count_their_children",
    ),
    "nobody's": (
        [NULLABLE, "update assets set client_account_id = null where name = ''"],
        "integration_null_tenants", ("asset", "client_account_id"), 3, "tenant_columns_are_filled",
    ),
    "another engagement's": (
        [f"update assets set discovery_flow_id = '{named(0, 'flows')}'"
         f" where discovery_flow_id = '{named(1, 'flows')}'"],
        "integration_tenancy_crossings", (OF_FLOWS,), 6, "children_share_the_tenancy",
    ),
    "broken invariants": (
        ["alter table assets drop constraint assets_cpu_cores_check",
         "update assets set cpu_cores = 0 where name = ''"],
        "integration_invariant_violations", ("asset", "cpu_cores > 0"), 3, "invariants_hold",
    ),
    "not validated": (
        ["alter table assets add constraint later check (name is not null) not valid"],
        "integration_unenforced_constraints", ("asset",), 1, "constraints_are_enforced",
    ),
}  # fmt: skip


def beyond(values: dict[str, Values], system: System) -> dict[str, set[tuple[str, ...]]]:
    parameters, found = load(system.parameters), {}
    for metric in measured(parameters):
        told = values[metric.name].items()
        limits = {one: metric.limit_of(dict(zip(metric.labels, one, strict=True)), parameters) for one, _ in told}
        some = {one for one, value in told if (limit := limits[one]) is not None and value > limit}
        found |= {metric.name: some} if some else {}
    return found


def test_of_the_clean_system_all_is_within_and_every_table_is_counted(clean: System) -> None:
    values = exported(clean.parameters, clean.environment)
    assert [*values] == [metric.name for metric in INTEGRITY] and beyond(values, clean) == {}
    tables = {"master_flow": 3, "data_import": 6, "raw_import_record": 18, "discovery_flow": 9, "asset": 18}
    assert values["integration_rows"] == {(name,): count for name, count in tables.items()}
    assert values["integration_unlinked_ratio"][OF_MASTERS,] == pytest.approx(1 / 3)
    assert math.isnan(values["integration_slowest_statement_seconds"][()])
    assert len(values["integration_orphans"]) == len(values["integration_tenancy_crossings"]) == 8


def test_of_empty_tables_nothing_is_beyond_and_no_share_is_made_up(new: Callable[..., System]) -> None:
    empty = new(empty=True)
    values = exported(empty.parameters, empty.environment)
    assert beyond(values, empty) == {} and {*values["integration_rows"].values()} == {0}
    assert all(math.isnan(share) for share in values["integration_unlinked_ratio"].values())


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_metric_counts_its_damage_as_the_check_lists_it(damage: str, new: Callable[..., System]) -> None:
    statements, name, labels, value, check = DAMAGES[damage]
    system = new()
    system.execute(*statements)
    values = exported(system.parameters, system.environment)
    assert values[name][labels] == pytest.approx(value) and beyond(values, system)[name] == {labels}
    assert str(values) == str(values_read(system))  # no NaN is equal to itself
    verdict = verdicts(system.parameters, system.environment, [check])[check]
    assert len(verdict.findings) == (value if name != "integration_unlinked_ratio" else 3)


def values_read(system: System) -> dict[str, Values]:
    """What the watch reads."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in system.environment.items():
            patch.setenv(name, value)
        reading = read(load(system.parameters))
    assert reading.unknown == {} and reading.away == ""
    return {metric.name: values for metric, values in reading.values.items()}


def test_what_is_marked_as_deleted_is_no_orphan(new: Callable[..., System]) -> None:
    system = new()
    system.execute(DROP, f"update assets set discovery_flow_id = '{UNKNOWN}' where name = ''")
    for mark, values in (("gone boolean", "true"), ("gone_at timestamptz", "now()"), ("gone_in text", "'bin'")):
        column = mark.split()[0]
        system.execute(f"alter table assets add {mark}", f"update assets set {column} = {values} where name = ''")
        declared = "{gone_in: [bin, away]}" if column == "gone_in" else column
        before = system.parameters.read_text(encoding="utf-8")
        system.edit("asset: {table: assets}", f"asset: {{table: assets, deleted: {declared}}}")
        assert exported(system.parameters, system.environment)["integration_orphans"][OF_FLOWS,] == 0
        system.execute(f"update assets set {column} = null where client_account_id = '{ACME}'")
        assert exported(system.parameters, system.environment)["integration_orphans"][OF_FLOWS,] == 2
        system.parameters.write_text(before, encoding="utf-8")


def test_where_statements_are_counted_the_slowest_is_told(new: Callable[..., System]) -> None:
    system = new()
    system.execute("create schema hidden", "create extension pg_stat_statements schema hidden")
    system.execute("grant usage on schema hidden to AUDITOR")
    system.execute(f"alter role {system.app} bypassrls", *["set role APP; select count(*) from assets"] * 20)
    system.edit("invariants:", "policy: {query_milliseconds: 0.0001}\ninvariants:")
    values = exported(system.parameters, system.environment)
    assert values["integration_slowest_statement_seconds"][()] > 0
    assert beyond(values, system) == {"integration_slowest_statement_seconds": {()}}


# The files


@pytest.fixture(scope="module")
def written(clean: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("monitoring")
    done = CliRunner().invoke(main, ["monitor", str(clean.parameters), "--to", str(folder)])
    assert done.exit_code == 0 and "not measured" not in done.output
    return folder / "small-discovery"


def rules(written: Path) -> list[dict[str, Any]]:
    document = yaml.safe_load(written.with_suffix(".rules.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def test_what_rules_and_panels_name_is_in_the_collector(written: Path) -> None:
    collector = yaml.safe_load(written.with_suffix(".collector.yml").read_text(encoding="utf-8"))
    there = {metric["metric_name"]: {*metric["key_labels"]} for metric in collector["metrics"]}
    panels = json.loads(written.with_suffix(".dashboard.json").read_text(encoding="utf-8"))["panels"]
    expressions = [rule["expr"] for rule in rules(written)]
    expressions += [target["expr"] for panel in panels for target in panel["targets"]]
    asked = [one for expression in expressions for one in selectors(expression)]
    assert {one.metric for one in asked} == there.keys()
    assert all({label for label, _, _ in one.labels} <= there[one.metric] for one in asked)


def test_grafana_can_take_the_dashboard(written: Path) -> None:
    board = json.loads(written.with_suffix(".dashboard.json").read_text(encoding="utf-8"))
    assert board["schemaVersion"] >= 36 and len(board["uid"]) <= 40 and "id" not in board
    (variable,) = board["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) == len(INTEGRITY)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len({*cells}) == len(cells) and max(x for x, _ in cells) == 23
    for panel in panels:
        assert panel["datasource"]["uid"] == f"${{{variable['name']}}}" and panel["title"] and panel["description"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) == 1


def test_every_danger_has_its_alert_and_each_relation_its_own_limit(written: Path, clean: System) -> None:
    names = {rule["alert"] for rule in rules(written)}
    assert names == {metric.alert for metric in INTEGRITY if metric.alert} | {"IntegrationNotWatched"}
    (own,) = [rule["expr"] for rule in rules(written) if rule["alert"] == "IntegrationChildrenUnlinked"]
    labels = f'integration="small-discovery",relation="{OF_MASTERS}"'
    assert own == f"integration_unlinked_ratio{{{labels}}} > 0.4"
    clean.parameters.with_name("own.yml").write_text(
        clean.parameters.read_text(encoding="utf-8")
        + f"monitoring: {{rules: {written.with_suffix('.rules.yml')}, metrics: {{}}}}\n",
        encoding="utf-8",
    )
    found = given.read(load(clean.parameters.with_name("own.yml")))
    assert found.problems == {} and [*found.uncovered()] == []
    assert not any(found.unknown(rule) for rule in found.rules)


@needs_promtool
def test_promtool_accepts_the_rules_and_each_fires_beyond_its_limit_alone(written: Path) -> None:
    cases = [
        _case("integration_orphans", {"relation": OF_FLOWS}, "IntegrationOrphans", value, value > 0)
        for value in (0, 1, 12345678)
    ]
    cases += [
        _case("integration_unlinked_ratio", {"relation": relation}, "IntegrationChildrenUnlinked", value, fires)
        for relation, value, fires in ((OF_MASTERS, 0.4, False), (OF_MASTERS, 0.41, True), (OF_FLOWS, 1, False))
    ]
    where = written.parent
    (where / "tests.yml").write_text(
        yaml.safe_dump({"rule_files": [written.with_suffix(".rules.yml").name], "tests": cases}), encoding="utf-8"
    )
    for words in (["check", "rules", written.with_suffix(".rules.yml").name], ["test", "rules", "tests.yml"]):
        done = subprocess.run(["promtool", *words], cwd=where, capture_output=True, text=True)
        assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout + done.stderr


def _case(name: str, labels: dict[str, str], alert: str, value: float, fires: bool) -> dict[str, Any]:
    told = ",".join(f'{one}="{held}"' for one, held in {"integration": "small-discovery", **labels}.items())
    query = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    return {
        "interval": "1m",
        "input_series": [{"series": f"{name}{{{told}}}", "values": f"{value}x20"}],
        "promql_expr_test": [{"expr": query, "eval_time": "10m", "exp_samples": [{"value": 1}] if fires else []}],
    }


def test_what_is_not_declared_is_left_out_and_told(clean: System, tmp_path: Path) -> None:
    file = tmp_path / "bare.yml"
    head = "integration: bare\nblueprints: [data_integrity]\ndatabase: {url_env: BARE_URL}\n"
    file.write_text(head + "resources: {order: {table: orders}}\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["monitor", str(file), "--to", str(tmp_path / "to")])
    assert "not measured: integration_orphans, as the file declares no relations\n" in done.output
    assert "not measured: integration_null_tenants, as no column tells whose a row is\n" in done.output
    assert "integration_ingest_age_seconds" not in done.output  # of another blueprint
    names = ["integration_unenforced_constraints", "integration_slowest_statement_seconds", "integration_rows"]
    assert [metric.name for metric in measured(load(file))] == names


def test_a_file_of_another_blueprint_has_none_of_them(clean: System, tmp_path: Path) -> None:
    other = tmp_path / "other.yml"
    text = clean.parameters.read_text(encoding="utf-8")
    other.write_text(text.replace("[data_integrity]", "[datasource]"), encoding="utf-8")
    done = CliRunner().invoke(main, ["monitor", str(other), "--to", str(tmp_path / "to")])
    assert done.exit_code == COULD_NOT_START and "there is nothing to watch" in done.output
    assert "integration_orphans" not in done.output


def test_the_table_of_the_alerts_says_the_same(new: Callable[..., System]) -> None:
    system = new()
    system.execute(*DAMAGES["unlinked"][0], *DAMAGES["broken invariants"][0])
    with opened(system.parameters, system.environment) as audit:
        shown = audit.frame("alerts_now").set_index("metric")
    firing = {name: told for name, told in shown["would_fire"].items() if told != "no"}
    assert firing == {"integration_unlinked_ratio": "yes, 1 of 6", "integration_invariant_violations": "yes, 1 of 4"}
    assert shown.loc["integration_unlinked_ratio", "limit"] == "at most 40 %"
    assert "integration_rows" not in shown.index
