"""Each check of relations, tenancy and invariants: it passes on clean data, and fails on its fault naming the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, opened, told, verdicts
from tests.integrity.system import ACME, BOREALIS, System, named

pytestmark = pytest.mark.xdist_group("integrity")

CHECKS = (
    *("relations_are_foreign_keys", "delete_rules_are_declared", "foreign_keys_are_declared", "references_are_indexed"),
    *("required_references_are_not_null", "enough_children_are_linked", "parents_count_their_children", "orphans"),
    *("tenant_columns_are_filled", "children_share_the_tenancy", "references_stay_within_the_tenant"),
    *("tables_have_row_security", "application_cannot_bypass", "invariants_hold", "invariants_are_constraints"),
    *("constraints_are_enforced", "declared_tables_exist", "declared_columns_exist"),
)
OF_IMPORTS = "asset.discovery_flow_id → discovery_flow.flow_id"
OF_RECORDS = "raw_import_record.data_import_id → data_import.id"
UNKNOWN = "99999999-9999-4999-8999-999999999999"


@dataclass(frozen=True)
class Fault:
    """Statements that damage a clean system, the check that names it, what stands in its rows, and what may follow."""

    statements: tuple[str, ...]
    check: str
    rows: tuple[dict[str, object], ...]
    may: frozenset[str] = field(default_factory=frozenset)


def fault(check: str, *statements: str, rows: list[dict[str, object]], may: str = "") -> Fault:
    return Fault(statements, check, tuple(rows), frozenset(may.split()))


DROP = "alter table assets drop constraint assets_discovery_flow_id_fkey"
FAULTS = {
    "a foreign key is dropped": fault(
        "relations_are_foreign_keys",
        DROP,
        rows=[{"relation": OF_IMPORTS, "problem": "there is no foreign key on its column", "instead": None,
               "statement": 'alter table "public"."assets" add foreign key ("discovery_flow_id") references'
               ' "public"."discovery_flows" ("flow_id") on delete set null'}],
        may="delete_rules_are_declared",
    ),
    "a foreign key leads to another column": fault(
        "relations_are_foreign_keys",
        DROP,
        "alter table assets add constraint other foreign key (discovery_flow_id) references discovery_flows (id)"
        " on delete set null not valid",
        rows=[{"relation": OF_IMPORTS, "problem": "the foreign key on its column leads elsewhere"}],
        may="delete_rules_are_declared constraints_are_enforced foreign_keys_are_declared",
    ),
    "the triggers of a foreign key are off": fault(
        "relations_are_foreign_keys",
        "alter table raw_import_records disable trigger all",
        rows=[
            {"problem": "raw_import_records_data_import_id_fkey: its triggers are switched off"},
            {"problem": "raw_import_records_master_flow_id_fkey: its triggers are switched off"},
            {"problem": "assets_raw_import_record_id_fkey: its triggers are switched off"},
        ],
        may="delete_rules_are_declared",
    ),
    "a delete rule sets null where it has to cascade": fault(
        "delete_rules_are_declared",
        "alter table assets drop constraint assets_master_flow_id_fkey, add constraint kept foreign key (master_flow_id)"
        " references crewai_flow_state_extensions on delete set null",
        rows=[{"relation": "asset.master_flow_id → master_flow.id", "declared": "cascade", "found": "set_null",
               "name": "kept"}],
    ),
    "a second foreign key has another rule": fault(
        "delete_rules_are_declared",
        "alter table raw_import_records add constraint second foreign key (data_import_id) references data_imports",
        rows=[{"relation": OF_RECORDS, "declared": "cascade", "found": "no_action", "name": "second"}],
    ),
    "a foreign key is not in the file": fault(
        "foreign_keys_are_declared",
        "alter table assets add column import_id uuid constraint unsaid references data_imports",
        rows=[{"foreign_key": "unsaid", "table": "assets",
               "declare": "{child: asset.import_id, parent: data_import.id, nullable: true, on_delete: no_action}"}],
    ),
    "an index is dropped": fault(
        "references_are_indexed",
        "drop index assets_raw_import_record_id_idx",
        rows=[{"column": "raw_import_record_id",
               "statement": 'create index concurrently on "public"."assets" ("raw_import_record_id")'}],
    ),
    "an index serves a part alone": fault(
        "references_are_indexed",
        "drop index data_imports_master_flow_id_idx",
        "create index on data_imports (master_flow_id) where total_records > 0",
        "create index on data_imports (filename, master_flow_id)",
        rows=[{"relation": "data_import.master_flow_id → master_flow.id", "column": "master_flow_id"}],
    ),
    "a reference may be empty": fault(
        "required_references_are_not_null",
        "alter table data_imports alter master_flow_id drop not null",
        rows=[{"column": "master_flow_id",
               "statement": 'alter table "public"."data_imports" alter column "master_flow_id" set not null'}],
    ),
    "children lose their parent": fault(
        "enough_children_are_linked",
        f"update discovery_flows set master_flow_id = null where id = '{named(2, 'd1')}'",
        rows=[{"tenant": "borealis", "source_id": named(2, "d1")}, {"tenant": "borealis", "source_id": named(2, "d2")}],
    ),
    "a record is lost": fault(
        "parents_count_their_children",
        f"delete from raw_import_records where id = '{named(1, 'record5')}'",
        rows=[{"tenant": "acme", "source_id": named(1, "import0"), "counted": 6, "children": 5}],
    ),
    "an orphan": fault(
        "orphans",
        DROP,
        f"update assets set discovery_flow_id = '{UNKNOWN}' where id = '{named(0, 'asset3')}'",
        rows=[{"relation": OF_IMPORTS, "source_id": named(0, "asset3"), "missing_parent": UNKNOWN}],
        may="relations_are_foreign_keys delete_rules_are_declared",
    ),
    "a tenant's column may be null": fault(
        "tenant_columns_are_filled",
        "alter table assets alter engagement_id drop not null",
        rows=[{"resource": "asset", "column": "engagement_id", "problem": "it may be null"}],
    ),
    "a row belongs to nobody": fault(
        "tenant_columns_are_filled",
        "alter table assets alter engagement_id drop not null",
        f"update assets set engagement_id = null where id = '{named(0, 'asset1')}'",
        rows=[{"problem": "it may be null"}, {"problem": "it is empty", "source_id": named(0, "asset1")}],
        may="children_share_the_tenancy",
    ),
    "a row belongs to an unknown tenant": fault(
        "tenant_columns_are_filled",
        f"update assets set client_account_id = '{UNKNOWN}' where id = '{named(0, 'asset1')}'",
        rows=[{"column": "client_account_id", "problem": "it holds no tenant of the file",
               "source_id": named(0, "asset1")}],
    ),
    "a table lacks a tenant's column": fault(
        "tenant_columns_are_filled",
        "alter table data_imports drop column engagement_id cascade",
        rows=[{"resource": "data_import", "column": "engagement_id", "problem": "the table has no such column"}],
        may="children_share_the_tenancy tables_have_row_security",
    ),
    "a child of another engagement": fault(
        "children_share_the_tenancy",
        f"update raw_import_records set data_import_id = '{named(1, 'import1')}' where id = '{named(0, 'record0')}'",
        rows=[{"relation": OF_RECORDS, "tenant": "acme", "source_id": named(0, "record0"),
               "child_belongs_to": f"{ACME}, a0000000-0000-4000-8000-000000000001",
               "parent_belongs_to": f"{ACME}, a0000000-0000-4000-8000-000000000002"}],
        may="parents_count_their_children",
    ),
    "a child of another tenant": fault(
        "references_stay_within_the_tenant",
        f"update assets set raw_import_record_id = '{named(2, 'record3')}' where id = '{named(0, 'asset1')}'",
        rows=[{"tenant": "acme", "source_id": named(0, "asset1"), "tenant_of_the_parent": "borealis"}],
        may="children_share_the_tenancy",
    ),
    "row security is disabled": fault(
        "tables_have_row_security",
        "alter table assets disable row level security",
        rows=[{"resource": "asset", "table": "public.assets", "problem": "row security is not enabled",
               "statement": 'alter table "public"."assets" enable row level security'}],
    ),
    "a policy forgets the engagement": fault(
        "tables_have_row_security",
        "alter policy tenant_isolation on assets using"
        " (client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid)",
        rows=[{"policy": "tenant_isolation", "commands": "select, insert, update, delete",
               "problem": "its condition does not bind engagement_id by app.engagement_id"}],
    ),
    "a second policy opens the table to all": fault(
        "tables_have_row_security",
        "create policy everybody on assets for select using (true)",
        rows=[{"policy": "everybody", "commands": "select"}],
    ),
    "an alternative opens the policy": fault(
        "tables_have_row_security",
        "alter policy tenant_isolation on assets using (asset_type = 'server' or"
        " client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid"
        " and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid)",
        rows=[{"policy": "tenant_isolation"}],
    ),
    "a row may be moved to another tenant": fault(
        "tables_have_row_security",
        "alter policy tenant_isolation on assets with check (true)",
        rows=[{"policy": "tenant_isolation", "commands": "insert, update"}],
    ),
    "a command has no policy": fault(
        "tables_have_row_security",
        "drop policy tenant_isolation on assets",
        "create policy seen on assets for select using"
        " (client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid"
        " and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid)",
        rows=[{"policy": None, "commands": "insert, update, delete"}],
    ),
    "the application owns a table that is not forced": fault(
        "application_cannot_bypass",
        "alter table assets no force row level security",
        "alter table assets owner to APP",
        rows=[{"problem": "it owns public.assets, whose row security is not forced"}],
        may="tables_have_row_security",
    ),
    "the application has BYPASSRLS": fault(
        "application_cannot_bypass", "alter role APP bypassrls", rows=[{"problem": "it has BYPASSRLS"}]
    ),
    "the application is a superuser": fault(
        "application_cannot_bypass", "alter role APP superuser", rows=[{"problem": "it is a superuser"}],
        may="tables_have_row_security",
    ),
    "a value breaks an invariant": fault(
        "invariants_hold",
        "alter table assets drop constraint assets_cpu_cores_check",
        f"update assets set cpu_cores = -1 where id = '{named(0, 'asset1')}'",
        rows=[{"resource": "asset", "holds": "cpu_cores > 0", "source_id": named(0, "asset1")}],
        may="invariants_are_constraints",
    ),
    "a constraint is weaker than it has to be": fault(
        "invariants_are_constraints",
        "alter table assets drop constraint assets_cpu_cores_check",
        "alter table assets add constraint weak check (cpu_cores >= 0)",
        rows=[{"holds": "cpu_cores > 0", "problem": "no constraint says it", "instead": "weak: CHECK ((cpu_cores >= 0))",
               "statement": 'alter table "public"."assets" add check (cpu_cores > 0)'}],
    ),
    "a list of a constraint is longer": fault(
        "invariants_are_constraints",
        "alter table assets drop constraint assets_asset_type_check",
        "alter table assets add constraint long check (asset_type in ('server', 'database', 'application', 'cat'))",
        rows=[{"problem": "no constraint says it"}],
    ),
    "a constraint was never validated": fault(
        "invariants_are_constraints",
        "alter table assets drop constraint assets_cpu_cores_check",
        "alter table assets add constraint late check (cpu_cores > 0) not valid",
        rows=[{"problem": "its constraint was never held against the rows that there are",
               "statement": 'alter table "public"."assets" validate constraint "late"'}],
        may="constraints_are_enforced",
    ),
}


@pytest.mark.parametrize("check", CHECKS)
def test_passes_on_clean_data_odd_as_it_is(check: str, clean: System) -> None:
    verdict = verdicts(clean.parameters, clean.environment, [check])[check]
    assert verdict.status is Status.PASS, told(verdict)
    assert verdict.examined > 0


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_with_its_rows_and_nothing_else(name: str, new: Callable[..., System]) -> None:
    planted, system = FAULTS[name], new()
    system.execute(*planted.statements)
    with opened(system.parameters, system.environment) as audit:
        found = {check: audit.check(check) for check in CHECKS}
        rows = all_rows(audit, found[planted.check])
    assert found[planted.check].status is Status.FAIL, told(found[planted.check])
    assert len(rows) == len(planted.rows), rows
    for expected in planted.rows:
        assert any(expected.items() <= {**row}.items() for row in rows), (expected, rows)
    others = {check for check in CHECKS if found[check].status is not Status.PASS} - {planted.check, *planted.may}
    assert not others, [told(found[check]) for check in others]


def test_every_check_has_a_fault() -> None:
    old = {"constraints_are_enforced", "declared_tables_exist", "declared_columns_exist"}
    assert {one.check for one in FAULTS.values()} == set(CHECKS) - old
    assert BOREALIS != ACME
