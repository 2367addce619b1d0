"""Faults of tenancy and of invariants: see `tests.integrity.faults`."""

from __future__ import annotations

from tests.integrity.faults import OF_RECORDS, UNKNOWN, fault
from tests.integrity.system import OWNERS, named

TENANCY = {
    "a tenant's column may be null": fault(
        "tenant_columns_are_filled",
        "alter table assets alter engagement_id drop not null",
        rows=[{"resource": "asset", "field": "engagement_id", "problem": "it may be null"}],
    ),
    "a row belongs to nobody": fault(
        "tenant_columns_are_filled",
        "alter table assets alter engagement_id drop not null",
        f"update assets set engagement_id = null where id = '{named(0, 'asset1')}'",
        rows=[{"field": "engagement_id", "problem": "it is empty", "source_id": named(0, "asset1")}],
        may="children_share_the_tenancy",
    ),
    "a row belongs to an unknown tenant": fault(
        "tenant_columns_are_filled",
        f"update assets set client_account_id = '{UNKNOWN}' where id = '{named(0, 'asset1')}'",
        rows=[
            {
                "field": "client_account_id",
                "problem": "it holds no tenant of the file",
                "source_id": named(0, "asset1"),
            }
        ],
    ),
    "a table lacks a tenant's column": fault(
        "tenant_columns_are_filled",
        "alter table data_imports drop column engagement_id cascade",
        rows=[{"resource": "data_import", "field": "engagement_id", "problem": "the table has no such column"}],
        may="children_share_the_tenancy tables_have_row_security",
    ),
    "a child of another engagement": fault(
        "children_share_the_tenancy",
        f"update raw_import_records set data_import_id = '{named(1, 'import1')}' where id = '{named(0, 'record0')}'",
        rows=[
            {
                "relation": OF_RECORDS,
                "tenant": "acme",
                "source_id": named(0, "record0"),
                "column": "engagement_id",
                "child_has": OWNERS[0][1],
                "parent_has": OWNERS[1][1],
            }
        ],
        may="parents_count_their_children",
    ),
    "a child of another tenant": fault(
        "references_stay_within_the_tenant",
        f"update assets set raw_import_record_id = '{named(2, 'record3')}' where id = '{named(0, 'asset1')}'",
        rows=[{"tenant": "acme", "source_id": named(0, "asset1"), "tenant_of_the_parent": "borealis"}],
        may="children_share_the_tenancy",
    ),
    "a table of tenants is not in the file": fault(
        "tenant_tables_are_audited",
        "create schema later",
        "create table later.ignored (id uuid, client_account_id uuid)",  # of another schema, where nothing is audited
        "create table notes (id uuid primary key, client_account_id uuid not null, body text)",
        "create table parts (id uuid, client_account_id uuid) partition by list (client_account_id)",
        "create table parts_of_all partition of parts default",
        "create table owners (client_account_id uuid not null)",  # tells nothing else
        "create table settings (name text primary key)",
        "create view all_notes as select * from notes",
        rows=[
            {
                "table": "public.notes",
                "columns": "client_account_id",
                "declare": "notes: {table: notes, tenant: client_account_id}",
            },
            {"table": "public.owners", "declare": "owners: {table: owners, tenant: client_account_id}"},
            {"table": "public.parts"},
        ],
    ),
    "row security is disabled": fault(
        "tables_have_row_security",
        "alter table assets disable row level security",
        rows=[
            {
                "resource": "asset",
                "table": "public.assets",
                "problem": "row security is not enabled",
                "statement": 'alter table "public"."assets" enable row level security',
            }
        ],
    ),
    "a policy forgets the engagement": fault(
        "tables_have_row_security",
        "alter policy tenant_isolation on assets using"
        " (client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid)",
        rows=[
            {
                "policy": "tenant_isolation",
                "commands": "select, insert, update, delete",
                "problem": "its condition does not bind engagement_id by app.engagement_id",
            }
        ],
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
        "application_cannot_bypass",
        "alter role APP superuser",
        rows=[{"problem": "it is a superuser"}],
        may="tables_have_row_security",
    ),
    "a value breaks an invariant": fault(
        "invariants_hold",
        "alter table assets drop constraint assets_cpu_cores_check",
        f"update assets set cpu_cores = -1 where id = '{named(0, 'asset1')}'",
        rows=[{"resource": "asset", "tenant": "acme", "holds": "cpu_cores > 0", "source_id": named(0, "asset1")}],
        may="invariants_are_constraints",
    ),
    "a constraint is weaker than it has to be": fault(
        "invariants_are_constraints",
        "alter table assets drop constraint assets_cpu_cores_check",
        "alter table assets add constraint weak check (cpu_cores >= 0)",
        rows=[
            {
                "holds": "cpu_cores > 0",
                "problem": "no constraint says it",
                "instead": "weak: CHECK ((cpu_cores >= 0))",
                "statement": 'alter table "public"."assets" add check (cpu_cores > 0)',
            }
        ],
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
        rows=[
            {
                "problem": "its constraint was never held against the rows that there are",
                "statement": 'alter table "public"."assets" validate constraint "late"',
            }
        ],
        may="constraints_are_enforced",
    ),
}
