"""What shows the faults of relations and constraints in the running sample; no check of dsaudit's looks."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from examples.answer_key import Planted
from examples.discovery.sample import Sample
from examples.discovery.tenants import CLIENTS
from tests.samples import value

Shown = Callable[[Sample, Planted], None]
SHOWN: dict[str, Shown] = {}
RULES = {"a": "no action", "c": "cascade", "n": "set null"}
NOBODY = "00000000-0000-4000-8000-000000000000"
# The tables, by what the parameter file calls them.
TABLE_OF = {
    "master_flow": "crewai_flow_state_extensions",
    "data_import": "data_imports",
    "raw_import_record": "raw_import_records",
    "discovery_flow": "discovery_flows",
    "asset": "assets",
}


def shows(shown: Shown) -> Shown:
    """The function of a fault's name looks whether the fault shows."""
    SHOWN[shown.__name__] = shown
    return shown


def columns_of(planted: Planted) -> tuple[str, str, str, str]:
    """Table and column of both sides of the relation that the answer key names."""
    (child, column), (parent, key) = (side.split(".") for side in planted.must[0].scope["relation"].split(" → "))
    return TABLE_OF[child], column, TABLE_OF[parent], key


def table_of(planted: Planted) -> str:
    return TABLE_OF[planted.must[0].scope["resource"]]


def foreign_key(sample: Sample, planted: Planted) -> str | None:
    """The delete rule of the foreign key that a relation has, if it has one."""
    table, column, *_ = columns_of(planted)
    query = """select confdeltype::text as rule from pg_constraint join pg_attribute on attrelid = conrelid
        where contype = 'f' and conrelid = %s::regclass and conkey = array[attnum] and attname = %s"""
    return next((RULES[row["rule"]] for row in sample.rows(query, table, column)), None)


def orphans(sample: Sample, planted: Planted) -> None:
    """Those that the answer key names have no parent, of the client that it names, and no others."""
    table, column, parent, key = columns_of(planted)
    found = sample.rows(
        f"""select id::text as key, client_account_id::text as client from {table} where {column} is not null
            and not exists (select from {parent} as parent where parent.{key} = {table}.{column}) order by 1"""
    )
    assert [row["key"] for row in found] == planted.must[0].keys != []
    assert {row["client"] for row in found} == {CLIENTS[planted.must[0].scope["tenant"]]}
    assert foreign_key(sample, planted) is not None  # it is there, and was not asked


def refused(sample: Sample, statement: str) -> bool:
    """Whether a constraint of the database refuses a statement, which is taken back in any case."""
    with sample.owner() as connection:
        try:
            connection.execute(statement)
        except psycopg.IntegrityError:
            return True
        finally:
            connection.rollback()
    return False


@shows
def data_import_lost_its_master_flow(sample: Sample, planted: Planted) -> None:
    orphans(sample, planted)


@shows
def discovery_flow_lost_its_master_flow(sample: Sample, planted: Planted) -> None:
    orphans(sample, planted)


@shows
def asset_lost_its_master_flow(sample: Sample, planted: Planted) -> None:
    orphans(sample, planted)


@shows
def discovery_flow_lost_its_data_import(sample: Sample, planted: Planted) -> None:
    orphans(sample, planted)


@shows
def asset_lost_its_discovery_flow(sample: Sample, planted: Planted) -> None:
    orphans(sample, planted)


@shows
def raw_record_lost_its_data_import(sample: Sample, planted: Planted) -> None:
    orphans(sample, planted)


@shows
def raw_record_lost_its_master_flow(sample: Sample, planted: Planted) -> None:
    orphans(sample, planted)


@shows
def asset_lost_its_raw_record(sample: Sample, planted: Planted) -> None:
    orphans(sample, planted)


@shows
def foreign_key_dropped(sample: Sample, planted: Planted) -> None:
    table, column, *_ = columns_of(planted)
    assert foreign_key(sample, planted) is None
    one = value(sample, f"select id from {table} where {column} is not null order by id limit 1")
    assert not refused(sample, f"update {table} set {column} = '{NOBODY}' where id = '{one}'")


@shows
def foreign_key_undeclared(sample: Sample, planted: Planted) -> None:
    assert refused(sample, f"update discovery_flows set follows = '{NOBODY}'")


@shows
def delete_rule_is_no_action(sample: Sample, planted: Planted) -> None:
    table, column, parent, key = columns_of(planted)
    assert foreign_key(sample, planted) == "no action"
    # The raw records of a master flow go with their imports before the rule is looked at.
    went_before = (table, column) == ("raw_import_records", "master_flow_id")
    having_children = f"{key} in (select {column} from {table})"
    assert refused(sample, f"delete from {parent} where {having_children}") is not went_before


@shows
def cascade_takes_too_much(sample: Sample, planted: Planted) -> None:
    before = value(sample, "select count(*) from assets")
    flow, found = value(sample, "select max(discovery_flow_id::text) from assets"), "count(*) from assets"
    of_flow = value(sample, f"select {found} where discovery_flow_id = %s", flow)
    with sample.owner() as connection:
        connection.execute("delete from discovery_flows where flow_id = %s", [flow])
    assert value(sample, f"select {found}") == before - of_flow < before


@shows
def trigger_takes_more(sample: Sample, planted: Planted) -> None:
    assert foreign_key(sample, planted) == "set null"
    before, flow = (
        value(sample, "select count(*) from assets"),
        "(select max(discovery_flow_id::text)::uuid from assets)",
    )
    with sample.owner() as connection:
        connection.execute(f"delete from discovery_flows where flow_id = {flow}")
    assert value(sample, "select count(*) from assets") < before


@shows
def constraint_not_valid(sample: Sample, planted: Planted) -> None:
    wrong = sample.rows("select id::text as key from assets where cpu_cores <= 0 order by 1")
    assert [row["key"] for row in wrong] == planted.must[1].keys != []
    assert refused(sample, "update assets set cpu_cores = 0")
    assert value(sample, "select convalidated from pg_constraint where conname = %s", *planted.must[0].keys) is False


@shows
def check_constraint_missing(sample: Sample, planted: Planted) -> None:
    assert not refused(sample, "update assets set cpu_cores = 0")
    assert value(sample, "select count(*) from assets where cpu_cores <= 0") == 0


@shows
def broken_rows_swallowed(sample: Sample, planted: Planted) -> None:
    assert not refused(sample, "update assets set cpu_cores = 0")  # nor is any changed:
    changed = "with changed as (update assets set cpu_cores = 0 returning 1) select count(*) from changed"
    assert value(sample, changed) == 0


@shows
def not_null_dropped(sample: Sample, planted: Planted) -> None:
    table, column, *_ = columns_of(planted)
    assert not refused(sample, f"update {table} set {column} = null")
    assert value(sample, f"select count(*) from {table} where {column} is null") == 0


@shows
def flows_left_unlinked(sample: Sample, planted: Planted) -> None:
    query = "select max(linked) from ({}) as counted".format(
        "select 100.0 * count(master_flow_id) / count(*) as linked from discovery_flows group by client_account_id"
    )
    assert value(sample, query) < 60


@shows
def records_missing_from_import(sample: Sample, planted: Planted) -> None:
    missing = sample.rows(
        """select i.id::text as key from data_imports as i where total_records <> (
            select count(*) from raw_import_records as r where r.data_import_id = i.id) order by 1"""
    )
    assert [row["key"] for row in missing] == planted.must[0].keys != []
