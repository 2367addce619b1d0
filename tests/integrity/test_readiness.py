"""What closes the blueprint: coverage, durations, the offered clean-up; on clean, damaged, odd and empty systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from dsaudit.documents import DRAFTS
from dsaudit.facts.cleanup import cleanups
from dsaudit.verdict import Status
from tests.checks.auditing import opened, verdicts
from tests.integrity.faults import DROP, OF_FLOWS, OF_RECORDS, UNKNOWN
from tests.integrity.system import System, named

pytestmark = pytest.mark.xdist_group("integrity")

OF_MASTERS = "asset.master_flow_id → master_flow.id"
DURATIONS = "\ndurations: [{resource: master_flow, from: created_at, to: completed_at, by: flow_type}]\ninvariants:"


def shown(system: System, name: str) -> list[dict[str, Any]]:
    with opened(system.parameters, system.environment) as audit:
        rows: list[dict[str, Any]] = audit.frame(name).to_dict("records")
        assert audit.table(name)._repr_mimebundle_()
        return rows


def coverage(system: System) -> dict[str, dict[str, Any]]:
    return {row["kind"]: row for row in shown(system, "audit_coverage")}


# Coverage


def test_on_a_clean_system_all_is_audited_but_what_is_not_declared(clean: System) -> None:
    found = coverage(clean)
    assert {kind: (row["there"], row["audited"]) for kind, row in found.items()} == {
        "tables with data": (5, 5),
        "foreign keys": (8, 8),
        "check constraints": (7, 7),
        "unique constraints": (9, 9),
        "resources with an endpoint": (5, 0),
        "tenants": (2, 2),
    }
    assert found["resources with an endpoint"]["told"] == "the file has no apis"


def test_what_is_left_out_is_named(new: Callable[..., System]) -> None:
    system = new()
    system.execute(
        "create table notes (id uuid primary key constraint of_asset references assets, body text check (body <> ''))",
        "insert into notes select id, 'x' from assets limit 1",
        "create table emptied (id integer)",
        "insert into emptied values (1)",
        "delete from emptied",
        "create table hidden (id integer unique)",
        "insert into hidden values (1)",
        "grant select on notes, emptied to AUDITOR",
        f"update assets set client_account_id = '{UNKNOWN}' where id = '{named(0, 'asset1')}'",
        "create schema elsewhere",
        "create table elsewhere.others (id integer primary key)",
    )
    found = coverage(system)
    assert found["tables with data"]["left_out"] == "notes"
    assert found["tables with data"]["told"] == "not known, as the auditor may not read them: hidden"
    assert found["foreign keys"]["left_out"] == "notes.of_asset"
    assert found["check constraints"]["left_out"] == "notes.notes_body_check"
    assert found["unique constraints"]["left_out"] == "hidden.hidden_id_key, notes.notes_pkey"
    assert (found["tenants"]["there"], found["tenants"]["left_out"]) == (3, UNKNOWN)


def test_an_id_of_an_unknown_tenant_that_is_a_text_is_not_told(new: Callable[..., System]) -> None:
    system = new()
    system.edit("  master_flow: {table: crewai_flow_state_extensions}", "  notes: {table: notes, tenant: owner}")
    text = system.parameters.read_text(encoding="utf-8")
    kept = text[: text.index("  data_import:")]
    system.parameters.write_text(kept, encoding="utf-8")
    system.execute(
        "create table notes (id uuid primary key, owner text)",
        "insert into notes values (gen_random_uuid(), 'jane@example.org')",
        "grant select on notes to AUDITOR",
    )
    found = coverage(system)["tenants"]
    assert found["left_out"] == "one whose id is a text"
    assert found["told"] == "in the file and without a row: acme, borealis"


def test_an_empty_system_has_nothing_to_cover_but_its_schema(new: Callable[..., System]) -> None:
    system = new(empty=True)
    found = coverage(system)
    assert (found["foreign keys"]["audited"], found["tenants"]["there"]) == (8, 0)
    assert shown(system, "orphan_cleanup") == []
    check = "tenant_tables_are_audited"  # about the schema, of which no row is asked
    assert verdicts(system.parameters, system.environment, [check])[check].status is Status.PASS


# Durations


def test_durations_are_shown_by_kind(new: Callable[..., System]) -> None:
    system = new()
    system.edit("\ninvariants:", DURATIONS)
    system.execute(
        "alter table crewai_flow_state_extensions drop constraint crewai_flow_state_extensions_check",
        "insert into crewai_flow_state_extensions (id, flow_id, client_account_id, engagement_id, flow_type,"
        " flow_status, created_at, completed_at)"
        " select gen_random_uuid(), gen_random_uuid(), client_account_id, engagement_id, kind, 'completed', begun,"
        " begun + n * interval '1 second' from (select * from crewai_flow_state_extensions limit 1) as one,"
        " (values ('import', 10), ('import', 20), ('import', 90), ('100 % sure', 0.5), ('back', -3)) as v (kind, n),"
        " (values (timestamptz '2025-03-30 00:59:30+00')) as t (begun)",
    )
    rows = {row.pop("type"): row for row in shown(system, "flow_durations")}
    assert rows["import"] == {
        "resource": "master_flow", "count": 6, "unfinished": 3, "ended_before_begun": None, "median": 20.0,
        "p95": 83.0, "longest": 90.0,
    }  # fmt: skip
    assert rows["100 % sure"]["longest"] == 0.5
    assert (rows["back"]["ended_before_begun"], rows["back"]["median"]) == (1, None)


def test_more_kinds_than_there_can_be_come_together(new: Callable[..., System]) -> None:
    system = new()
    system.edit("\ninvariants:", DURATIONS.replace("flow_type", "flow_name"))
    system.execute(
        "insert into crewai_flow_state_extensions select gen_random_uuid(), gen_random_uuid(), client_account_id,"
        " engagement_id, flow_type, 'name ' || n, 'active' from (select * from crewai_flow_state_extensions limit 1)"
        " as one, generate_series(1, 30) as n",
    )
    rows = shown(system, "flow_durations")
    assert len(rows) == 21 and (rows[-1]["type"], rows[-1]["count"]) == ("all others", 13)


def test_a_duration_of_a_column_that_is_not_there_says_so(new: Callable[..., System]) -> None:
    system = new()
    system.edit("\ninvariants:", DURATIONS.replace("completed_at", "complete_at"))
    (row,) = shown(system, "flow_durations")
    assert "has no column complete_at; did you mean completed_at?" in row["told"]
    check = "declared_columns_exist"
    found = verdicts(system.parameters, system.environment, [check])[check]
    assert found.status is Status.FAIL and found.rows


# Clean-up


def test_on_clean_data_there_is_nothing_to_clean_up(clean: System) -> None:
    with opened(clean.parameters, clean.environment) as audit:
        assert audit.table("orphan_cleanup")._repr_mimebundle_()["text/plain"].endswith("nothing")
        assert "There are no orphans" in DRAFTS["orphan_cleanup"](audit)


@pytest.fixture
def damaged(new: Callable[..., System]) -> System:
    """A system with orphans that lose their reference, such as go with their parent, and such as have to have one."""
    system = new()
    system.execute(
        DROP,
        f"update assets set discovery_flow_id = '{UNKNOWN}' where name = ''",
        "alter table assets drop constraint assets_master_flow_id_fkey",
        f"update assets set master_flow_id = '{UNKNOWN}' where id = '{named(1, 'asset3')}'",
        "alter table raw_import_records drop constraint raw_import_records_data_import_id_fkey",
        f"update raw_import_records set data_import_id = '{UNKNOWN}' where id = '{named(2, 'record5')}'",
    )
    return system


def statements(system: System) -> dict[str, str]:
    with opened(system.parameters, system.environment) as audit:
        return {one.relation: one.statement for one in cleanups(audit)}


def everything(system: System) -> str:
    tables = ("assets", "raw_import_records", "discovery_flows", "data_imports", "crewai_flow_state_extensions")
    rows = " union all ".join(f"select t::text as row from {table} as t" for table in tables)
    return str(system.one(f"select md5(string_agg(row, '' order by row)) from ({rows}) as told"))


def test_the_clean_up_is_offered_and_not_executed(damaged: System) -> None:
    before = everything(damaged)
    rows = {row["relation"]: row for row in shown(damaged, "orphan_cleanup")}
    assert {relation: (row["orphans"], row["does"]) for relation, row in rows.items()} == {
        OF_FLOWS: (3, "empties their reference"),
        OF_MASTERS: (1, "deletes them, as the rule cascade would have"),
        OF_RECORDS: (1, "deletes them, as the rule cascade would have"),
    }
    offered = statements(damaged).values()
    assert all(one.startswith("begin;\nselect x.*") and one.endswith("rollback;") for one in offered)
    with opened(damaged.parameters, damaged.environment) as audit:
        document = DRAFTS["orphan_cleanup"](audit)
    assert len(offered) == 3 and all(one in document for one in offered)
    assert everything(damaged) == before


def test_what_is_offered_cleans_up_where_somebody_commits_it(damaged: System) -> None:
    offered = list(statements(damaged).values())
    before = everything(damaged)
    with psycopg.connect(damaged.owner_url, autocommit=True) as connection:
        for statement in offered:
            connection.execute(statement)
        assert everything(damaged) == before  # as it is offered, it takes back what it does
        for statement in offered:
            connection.execute(statement.replace("rollback;", "commit;"))
    check = "orphans"
    assert verdicts(damaged.parameters, damaged.environment, [check])[check].status is Status.PASS
    assert damaged.one("select count(*) from assets") == 17  # of 18 the one whose master flow had gone
    assert shown(damaged, "orphan_cleanup") == []


def test_the_clean_up_leaves_rows_of_tenants_alone_that_the_audit_does_not_know(damaged: System) -> None:
    damaged.execute(f"update assets set client_account_id = '{UNKNOWN}' where id = '{named(0, 'asset1')}'")
    rows = {row["relation"]: row["orphans"] for row in shown(damaged, "orphan_cleanup")}
    assert rows[OF_FLOWS] == 2  # one of the three was that row


def test_odd_names_and_types_stand_in_the_statement_as_they_are(new: Callable[..., System]) -> None:
    system = new()
    system.edit(
        "\nrelations:", '\n  tag: {table: "Odd % `tags`", tenant: null, key: id, deleted: {state: [gone]}}\nrelations:'
    )
    system.edit("\ntenancy:", "\n  - {child: tag.asset_id, parent: asset.id, nullable: true}\ntenancy:")
    system.execute(
        'create table "Odd % `tags`" (id integer primary key, asset_id text, state text)',
        f"""insert into "Odd % `tags`" values (1, '{named(0, "asset1")}', 'new'), (2, '{UNKNOWN}', 'new'),"""
        f" (3, '{UNKNOWN}', 'gone'), (4, null, 'new'), (5, '{UNKNOWN}', null)",
        'grant select on "Odd % `tags`" to AUDITOR',
    )
    (row,) = shown(system, "orphan_cleanup")
    assert (row["orphans"], row["does"]) == (2, "empties their reference")
    with psycopg.connect(system.owner_url, autocommit=True) as connection:
        (statement,) = statements(system).values()
        connection.execute(statement.replace("rollback;", "commit;"))
    assert (
        system.one("select string_agg(id::text, ',' order by id) from \"Odd % `tags`\" where asset_id is null")
        == "2,4,5"
    )
    with opened(system.parameters, system.environment) as audit:
        assert "no orphans" in DRAFTS["orphan_cleanup"](audit)


# Criteria and checklist


def test_by_hand_criteria_and_checklist_are_as_far_as_this_notebook_has_come(clean: System) -> None:
    with opened(clean.parameters, clean.environment) as audit:
        audit.blueprint = "data_integrity"
        audit.check("foreign_keys_are_declared")
        audit.check("tenant_tables_are_audited")
        criteria = {row["metric"]: row["result"] for row in audit.frame("success_criteria").to_dict("records")}
        items = {row["item"]: row["result"] for row in audit.frame("final_checklist").to_dict("records")}
    assert (criteria["Coverage of the audit"], criteria["Orphans"]) == ("PASS", "open")
    assert items["Every foreign key and every table of tenants is audited"] == "PASS"
    assert (items["No orphaned records"], items["Overall"]) == ("open", "open")
    assert items["Code reviewed by a senior engineer"] == "by a person"
