"""Other shapes: quoted names, two schemas, composite keys, partitions, views, no foreign keys, nothing at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.checks import all_checks
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import Verdicts, decision, opened, told, verdicts
from tests.integrity.system import ACME, POLICY, TABLES, System, named
from tests.integrity.test_faults import CHECKS

pytestmark = pytest.mark.xdist_group("integrity")
New = Callable[..., System]

ODD = f"""
create schema "Odd Schema";
create schema "Other";
create table "Odd Schema"."Master Flow" (
  "Org Id" uuid not null, "flowNo" bigint not null, unit text not null, total integer,
  primary key ("Org Id", "flowNo"));
create table "Other"."Master Flow" ("flowNo" text);
create table "Odd Schema".step (
  "Org Id" uuid not null, "stepNo" bigint not null, "flowNo" bigint, unit text not null,
  grade integer check (grade % 2 = 0),
  primary key ("Org Id", "stepNo"),
  constraint "To Flow" foreign key ("Org Id", "flowNo") references "Odd Schema"."Master Flow" on delete cascade)
  partition by list ("Org Id");
create table "Odd Schema".step_1 partition of "Odd Schema".step for values in ('{ACME}');
create table "Odd Schema".step_2 partition of "Odd Schema".step default;
create index on "Odd Schema".step_1 ("Org Id", "flowNo");
create index on "Odd Schema".step_2 ("flowNo");
alter table "Odd Schema"."Master Flow" enable row level security;
alter table "Odd Schema".step enable row level security;
create policy "Own Rows" on "Odd Schema"."Master Flow"
  using ("Org Id" = current_setting('app.org')::uuid and unit = 'x');
create policy "Own Rows" on "Odd Schema".step using (unit in ('x', 'y')) with check (unit = 'x');
create policy "Own Org" on "Odd Schema".step as restrictive using ("Org Id" = current_setting('app.org')::uuid);
insert into "Odd Schema"."Master Flow" values ('{ACME}', 9007199254740993, 'x', 2), ('{ACME}', 2, 'x', null);
insert into "Odd Schema".step values
  ('{ACME}', 1, 9007199254740993, 'x', 2), ('{ACME}', 2, 9007199254740993, 'x', null), ('{ACME}', 3, null, 'x', 4);
"""
ODD_GRANTS = (
    'grant usage on schema "Odd Schema", "Other" to AUDITOR, APP',
    'grant select on all tables in schema "Odd Schema", "Other" to AUDITOR',
    'grant select, update on "Odd Schema"."Master Flow", "Odd Schema".step to APP',
)
ODD_FILE = f"""
integration: small-discovery
blueprints: [data_integrity]
database: {{url_env: SMALL_DISCOVERY_URL}}
tenants: [{{name: acme, id: {ACME}}}]
defaults: {{tenant: Org Id}}
resources:
  flow: {{table: Odd Schema.Master Flow, key: flowNo}}
  step: {{table: Odd Schema.step, key: stepNo}}
relations:
  - {{child: step.flowNo, parent: flow.flowNo, nullable: true, on_delete: cascade, linked_percent: 60,
     counted_by: total}}
tenancy: {{columns: [Org Id, unit], settings: {{Org Id: app.org}}, role: discovery_app_.*}}
invariants: [{{resource: step, holds: grade % 2 = 0}}]
"""


@pytest.fixture
def odd(new: New) -> System:
    one = new("odd", schema=ODD, parameters=ODD_FILE)
    one.execute(*ODD_GRANTS)
    return one


def judged(system: System, *names: str) -> Verdicts:
    return verdicts(system.parameters, system.environment, names or CHECKS)


def statuses(found: Verdicts) -> dict[str, str]:
    return {name: str(one.status) for name, one in found.items()}


def reasons(verdict: Verdict) -> str:
    return "; ".join(str(one.reason) for one in verdict.results)


def test_quoted_names_composite_keys_and_partitions_pass(odd: System) -> None:
    # A foreign key that has the tenant beside its own column is that of the relation.
    found = judged(odd)
    wrong = {name: told(one) for name, one in found.items() if one.status is not Status.PASS}
    assert set(wrong) == {"required_references_are_not_null"}, wrong
    assert found["required_references_are_not_null"].status is Status.SKIPPED


def test_faults_behind_quoted_names_are_found(odd: System) -> None:
    odd.execute(
        'alter table "Odd Schema".step drop constraint "To Flow"',
        'drop index "Odd Schema"."step_2_flowNo_idx"',
        'alter table "Odd Schema".step drop constraint step_grade_check',
        'drop policy "Own Org" on "Odd Schema".step',
        f"""insert into "Odd Schema".step values ('{ACME}', 4, 77, 'z', 3), ('{ACME}', 5, 2, 'y', 4)""",
    )
    found = judged(odd)
    wrong = {name for name, one in found.items() if one.status is Status.FAIL}
    assert wrong == {
        *("relations_are_foreign_keys", "references_are_indexed", "invariants_hold", "invariants_are_constraints"),
        *("tables_have_row_security", "orphans", "parents_count_their_children", "children_share_the_tenancy"),
    }, statuses(found)
    assert "unique constraint on the parent's" in str(found["relations_are_foreign_keys"].rows)
    assert 'create index on "Odd Schema"."step" ("flowNo")' in str(found["references_are_indexed"].rows)
    assert "does not bind Org Id by app.org" in str(found["tables_have_row_security"].rows)
    assert "grade % 2 = 0" in str(found["invariants_hold"].rows)


def test_a_partition_that_can_be_used_past_its_table_is_named(odd: System) -> None:
    odd.execute('grant select on "Odd Schema".step_1 to APP')
    verdict = judged(odd, "tables_have_row_security")["tables_have_row_security"]
    assert "its partition Odd Schema.step_1 can be used past it" in str(verdict.rows), told(verdict)


def test_set_null_that_clears_the_tenant_too_is_another_rule(odd: System) -> None:
    odd.edit("on_delete: cascade", "on_delete: set_null")
    odd.execute(
        'alter table "Odd Schema".step drop constraint "To Flow"',
        'alter table "Odd Schema".step add constraint "To Flow" foreign key ("Org Id", "flowNo")'
        ' references "Odd Schema"."Master Flow" on delete set null',
    )
    verdict = judged(odd, "delete_rules_are_declared")["delete_rules_are_declared"]
    assert "set_null of Org Id, flowNo" in str(verdict.rows), told(verdict)
    statement = str(verdict.remedies[-1]["command"])
    assert 'on delete set null ("flowNo")' in statement
    odd.execute(statement)
    assert judged(odd, "delete_rules_are_declared")["delete_rules_are_declared"].status is Status.PASS


@pytest.mark.parametrize(
    "check", ["invariants_hold", *(name for name in CHECKS if all_checks()[name].subject == "relations")]
)
def test_empty_tables_prove_nothing(check: str, new: New) -> None:
    verdict = judged(new(empty=True), check)[check]
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "nothing was examined" in reasons(verdict)


def test_tenants_of_empty_tables_are_not_proven_to_be_filled(new: New) -> None:
    verdict = judged(new(empty=True), "tenant_columns_are_filled")["tenant_columns_are_filled"]
    assert verdict.status is Status.INCONCLUSIVE


def test_what_is_not_declared_is_not_planned(new: New) -> None:
    system = new()
    text = system.parameters.read_text()
    system.parameters.write_text(text.partition("relations:")[0])
    found = judged(system)
    asked = {name for name, one in found.items() if one.status is not Status.SKIPPED}
    assert asked == {
        *("foreign_keys_are_declared", "constraints_are_enforced", "declared_tables_exist", "declared_columns_exist")
    }, statuses(found)
    assert len(found["foreign_keys_are_declared"].rows) == 8
    assert "invariants (what each row has to hold)" in reasons(found["invariants_hold"])
    assert "tenancy.role" in reasons(found["application_cannot_bypass"])


def test_a_database_without_any_foreign_key_is_told_so(new: New) -> None:
    system = new()
    names = system.one(
        "select string_agg(format('alter table %s drop constraint %s', conrelid::regclass, conname), ';')"
        " from pg_constraint where contype = 'f'"
    )
    system.execute(names)
    found = judged(system)
    wrong = {name: state for name, state in statuses(found).items() if state != "pass"}
    assert wrong == {
        "relations_are_foreign_keys": "fail",
        "delete_rules_are_declared": "inconclusive",
        "foreign_keys_are_declared": "inconclusive",
    }
    assert len(found["relations_are_foreign_keys"].rows) == 8
    assert (
        reasons(found["foreign_keys_are_declared"]) == "the database has no foreign key between the tables of the file"
    )


def test_views_in_the_place_of_tables_are_looked_at_as_far_as_they_tell(new: New) -> None:
    system = new()
    for table in TABLES:
        system.execute(f"create view {table}_seen as select * from {table}", f"grant select on {table}_seen to AUDITOR")
        system.edit(f"table: {table}}}", f"table: {table}_seen}}")
    found = statuses(judged(system))
    by_rows = {"orphans", "enough_children_are_linked", "parents_count_their_children", "children_share_the_tenancy"}
    by_rows |= {"references_stay_within_the_tenant", "invariants_hold", "invariants_are_constraints"}
    by_rows |= {"constraints_are_enforced", "declared_tables_exist", "declared_columns_exist"}
    by_rows |= {"tenant_tables_are_audited"}  # that stand behind the views
    assert {name for name, state in found.items() if state == "pass"} == by_rows, found
    assert set(found.values()) == {"pass", "inconclusive"}


def test_policies_that_the_auditor_may_not_read_prove_nothing(new: New) -> None:
    system = new()
    system.execute("revoke select on pg_policy from public")
    verdict = judged(system, "tables_have_row_security")["tables_have_row_security"]
    assert verdict.status is Status.INCONCLUSIVE
    assert "row security cannot be read: permission denied for table pg_policy" in reasons(verdict)


def test_an_application_that_no_role_is_named_like_proves_nothing(new: New) -> None:
    system = new()
    system.edit("discovery_app_.*", "another_app")
    found = judged(system, "application_cannot_bypass", "tables_have_row_security")
    assert reasons(found["application_cannot_bypass"]).startswith("no role that another_app matches")
    # Whoever the application is, every command is held to the tenant, and the owner too.
    assert found["tables_have_row_security"].status is Status.PASS
    system.execute("alter table assets no force row level security")
    assert "not forced" in str(judged(system, "tables_have_row_security")["tables_have_row_security"].rows)


def test_a_column_that_is_to_count_and_is_not_there_is_told(new: New) -> None:
    system = new()
    system.edit("counted_by: total_records", "counted_by: total_rows")
    found = judged(system, "declared_columns_exist", "parents_count_their_children")
    assert "relations[5].counted_by" in str(found["declared_columns_exist"].rows)
    assert "has no column total_rows" in reasons(found["parents_count_their_children"])


def test_a_member_of_a_role_that_goes_around_is_named(new: New) -> None:
    system = new()
    system.execute("grant AUDITOR to APP")
    verdict = judged(system, "application_cannot_bypass")["application_cannot_bypass"]
    assert f"it is a member of {system.auditor}, which has BYPASSRLS" in str(verdict.rows), told(verdict)


def test_a_restrictive_policy_holds_what_a_permissive_one_opens(new: New) -> None:
    system = new()
    system.execute(
        "create policy anybody on assets using (true)",
        POLICY.format("assets").replace("tenant_isolation on assets", "held on assets as restrictive"),
    )
    assert judged(system, "tables_have_row_security")["tables_have_row_security"].status is Status.PASS
    system.execute("alter policy held on assets to AUDITOR")
    assert "anybody" in str(judged(system, "tables_have_row_security")["tables_have_row_security"].rows)


@pytest.mark.parametrize(
    ("statements", "first"),
    [
        (
            (
                "alter table assets drop constraint assets_discovery_flow_id_fkey",
                f"update assets set discovery_flow_id = '{named(9, 'none')}' where id = '{named(0, 'asset3')}'",
            ),
            "relations_are_foreign_keys",
        ),
        (
            (
                "alter table raw_import_records disable trigger all",
                f"update raw_import_records set data_import_id = '{named(9, 'x')}' where id = '{named(1, 'record2')}'",
            ),
            "relations_are_foreign_keys",
        ),
        (
            (
                "alter table assets alter engagement_id drop not null",
                f"update assets set engagement_id = null where id = '{named(0, 'asset1')}'",
            ),
            "tenant_columns_are_filled",
        ),
        (
            (
                "alter table assets disable row level security",
                f"update assets set raw_import_record_id = '{named(2, 'record3')}' where id = '{named(0, 'asset1')}'",
            ),
            "tables_have_row_security",
        ),
        (
            ("alter table assets drop constraint assets_cpu_cores_check", "update assets set cpu_cores = -1"),
            "invariants_are_constraints",
        ),
        (
            (
                "alter table data_imports alter master_flow_id drop not null",
                f"update data_imports set master_flow_id = null where id = '{named(1, 'import1')}'",
            ),
            "required_references_are_not_null",
        ),
    ],
)
def test_a_root_stands_before_its_consequences(new: New, statements: tuple[str, ...], first: str) -> None:
    system = new()
    system.execute(*statements)
    with opened(system.parameters, system.environment) as audit:
        parameters = audit.parameters
        found = {name: audit.check(name) for name in CHECKS}
    decided = decision(parameters, found)
    assert decided["order"][0] == first, decided["order"]
    assert len([name for name, one in found.items() if one.status is Status.FAIL]) > 1
