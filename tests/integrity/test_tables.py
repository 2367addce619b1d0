"""The tables of relations, constraints and tenancy that the notebooks show."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.checks.auditing import opened
from tests.integrity.system import System

pytestmark = pytest.mark.xdist_group("integrity")


def of_audit(system: System, name: str) -> list[dict[str, object]]:
    with opened(system.parameters, system.environment) as audit:
        rows: list[dict[str, object]] = audit.frame(name).to_dict("records")
        assert audit.table(name)._repr_mimebundle_()
        return rows


def test_the_relationships_are_shown_with_their_children(clean: System) -> None:
    rows = {row["relation"]: row for row in of_audit(clean, "relationships")}
    assert len(rows) == 8
    linked = rows["discovery_flow.master_flow_id → master_flow.id"]
    assert {
        name: linked[name] for name in ("declared", "found", "children", "linked", "orphans", "linked_percent")
    } == {
        "declared": "set_null",
        "found": "set_null",
        "children": 9,
        "linked": 6,
        "orphans": 0,
        "linked_percent": "66.7",
    }


def test_foreign_keys_beside_the_file_and_evident_references_are_shown(new: Callable[..., System]) -> None:
    system = new()
    system.execute(
        "create table notes (id uuid primary key, asset_id uuid, importer_flow_id uuid, other_flow_id uuid,"
        " import_id uuid constraint of_import references data_imports)",
        "insert into notes select id, id, id, master_flow_id from assets",
        "alter table assets add column source_discovery_flow_id uuid, add column unrelated_asset_id uuid",
        "update assets set source_discovery_flow_id = (select id from discovery_flows where client_account_id ="
        " assets.client_account_id order by id limit 1), unrelated_asset_id = gen_random_uuid()",
        "update assets set source_discovery_flow_id = (select id from discovery_flows order by id offset 5 limit 1)"
        " where name = ''",
        "grant select on notes to AUDITOR",
    )
    (key,) = of_audit(system, "foreign_keys_not_in_the_file")
    assert (key["foreign_key"], key["table"], key["audited"]) == ("of_import", "public.notes", "not both tables")
    (found,) = of_audit(system, "suggested_relations")
    assert (found["child"], found["column"]) == ("public.assets", "source_discovery_flow_id")
    assert (found["parent"], found["key"]) == ("public.discovery_flows", "id")
    system.edit("\nrelations:", "\n  note: {table: notes, tenant: null}\nrelations:")
    suggested = {(row["column"], row["parent"]) for row in of_audit(system, "suggested_relations")}
    assert ("asset_id", "public.assets") in suggested


def test_constraints_policies_and_roles_are_shown(clean: System) -> None:
    checks = {row["definition"] for row in of_audit(clean, "checks_of_the_tables")}
    assert "CHECK ((cpu_cores > 0))" in checks
    policies = of_audit(clean, "row_security")
    assert len(policies) == 5
    assert {row["row_security"] for row in policies} == {"enabled and forced"}
    assert "app.engagement_id" in str(policies[0]["using"])
    assert [(row["tables"], row["way"]) for row in of_audit(clean, "application_roles")] == [(5, "none")]


def test_of_many_rows_each_relation_shows_some(new: Callable[..., System]) -> None:
    system = new()
    system.execute(
        "set session_replication_role = replica",
        "insert into assets (id, client_account_id, engagement_id, master_flow_id, name, asset_type)"
        " select gen_random_uuid(), client_account_id, engagement_id, gen_random_uuid(), 'lost ' || number, 'server'"
        " from (select * from assets limit 1) as owner, generate_series(1, 30) as number",
        "update assets set raw_import_record_id = gen_random_uuid()"
        " where id in (select id from assets where raw_import_record_id is not null order by id limit 2)",
    )
    with opened(system.parameters, system.environment) as audit:
        verdict = audit.check("orphans")
    assert verdict.total > len(verdict.rows) == 20
    place = [column["name"] for column in verdict.columns].index("relation")
    assert len({row[place] for row in verdict.rows}) == 2
