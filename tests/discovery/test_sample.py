"""The sample's data are odd but clean, the same for the same seed, and whoever looks sees what is theirs."""

from __future__ import annotations

import psycopg
import pytest

from dsaudit import server
from examples import databases, discovery
from examples.discovery.filling import migrated_and_filled
from examples.discovery.processes import BACKEND
from examples.discovery.sample import Sample
from examples.discovery.tenants import CLIENTS, ENGAGEMENTS
from tests.discovery.reading import ACME, TABLES, contents, of_engagement, seen_by
from tests.samples import value

pytestmark = pytest.mark.xdist_group("discovery_sample")

NONE = dict.fromkeys(TABLES, 0)


def test_it_has_as_many_assets_as_asked_for_and_rows_of_every_engagement(sample: Sample) -> None:
    assert {table: found["rows"] for table, found in contents(sample).items()} == {
        "crewai_flow_state_extensions": 27,
        "data_imports": 27,
        "raw_import_records": 213,
        "discovery_flows": 28,
        "assets": 200,
    }
    assert all(rows > 0 for one in ENGAGEMENTS for rows in of_engagement(sample, one).values())
    assert {one.client for one in ENGAGEMENTS} == set(CLIENTS) and len(ENGAGEMENTS) == 3


def test_every_import_counts_its_records_and_every_valid_record_has_its_asset(sample: Sample) -> None:
    counted = """select count(*) from data_imports as i where (total_records, processed_records, failed_records) <> (
        select count(*), count(*) filter (where is_processed), count(*) filter (where not is_valid)
        from raw_import_records as r where r.data_import_id = i.id)"""
    assert value(sample, counted) == 0
    valid = "from raw_import_records as r where is_processed and is_valid"
    assert value(sample, f"select count(*) {valid}") == 195
    alone = f"{valid} and 1 <> (select count(*) from assets as a where a.raw_import_record_id = r.id)"
    assert value(sample, f"select count(*) {alone}") == 0
    assert value(sample, "select count(*) from assets where raw_import_record_id is null") == 5


def test_what_belongs_together_is_of_one_engagement_and_of_one_flow(sample: Sample) -> None:
    joined = """from assets as a join raw_import_records as r on r.id = a.raw_import_record_id
        join data_imports as i on i.id = r.data_import_id join discovery_flows as d on d.data_import_id = i.id
        join crewai_flow_state_extensions as m on m.id = i.master_flow_id"""
    whose = "({0}.client_account_id, {0}.engagement_id)"
    same = " and ".join(f"{whose.format('a')} = {whose.format(one)}" for one in "ridm")
    same += " and a.discovery_flow_id = d.flow_id and a.master_flow_id = m.id"
    same += " and coalesce(r.master_flow_id, m.id) = m.id and coalesce(d.master_flow_id, m.id) = m.id"
    assert value(sample, f"select count(*) {joined} where {same}") == value(sample, f"select count(*) {joined}") == 195


@pytest.mark.parametrize(
    ("odd", "condition"),
    [
        ("the same name in every engagement", "count(distinct engagement_id) filter (where name = 'db-01') = 3"),
        ("names that differ in case alone", "count(*) filter (where name = 'DB-01') > 0"),
        ("a name of another script", "count(*) filter (where name = '青空サーバー') > 0"),
        ("a letter of two code points", "count(*) filter (where name ~ U&'e\\0301' and name !~ 'é') > 0"),
        ("a name with an apostrophe", "count(*) filter (where name = 'O''Brien''s NAS') > 0"),
        ("a name of two lines", "count(*) filter (where name ~ E'\\n') > 0"),
        ("a long name", "max(length(name)) = 300"),
        ("an integer that no float holds", "bool_or(custom_attributes->>'serial' = '9007199254740993')"),
        ("an empty text beside none", "bool_or(hostname = '') and bool_or(hostname is null)"),
        ("JSON's null beside none", "bool_or(custom_attributes = 'null') and bool_or(custom_attributes is null)"),
        ("addresses of both families", "count(distinct family(ip_address)) = 2"),
        ("the largest memory that fits", "max(memory_gb) = 99999999.99 and min(memory_gb) = 0"),
    ],
)
def test_assets_are_odd(odd: str, condition: str, sample: Sample) -> None:
    assert value(sample, f"select {condition} from assets"), odd


def test_flows_and_imports_are_odd(sample: Sample) -> None:
    moments = sample.rows("select created_at::text as at from data_imports order by created_at desc")
    assert {"2024-02-29 23:59:59.999999+00", "2025-03-30 00:59:59.999+00"} <= {row["at"] for row in moments}
    assert value(sample, "select max(file_size) from data_imports") == 2**53 + 1
    assert value(sample, "select count(*) from data_imports where total_records = 0") > 2
    assert value(sample, "select bool_or(completed_at = created_at) from crewai_flow_state_extensions")
    linked = "select min(100.0 * linked / flows) from ({}) as counted".format(
        "select count(master_flow_id) as linked, count(*) as flows from discovery_flows group by client_account_id"
    )
    assert 90 <= value(sample, linked) < 100
    assert value(sample, "select count(*) from discovery_flows where data_import_id is null") > 0


def test_the_same_seed_gives_the_same_rows_and_another_gives_others(sample: Sample) -> None:
    with discovery.running(size=200, seed=7) as again:
        assert contents(again) == contents(sample)
    with discovery.running(size=200, seed=8) as other:
        differing = contents(other)
        assert [found["rows"] for found in differing.values()] == [found["rows"] for found in contents(sample).values()]
        assert all(found["hash"] != contents(sample)[table]["hash"] for table, found in differing.items())
        (row,) = other.rows(
            "select count(*) as both from assets where client_account_id = any(%s)", [*CLIENTS.values()]
        )
        assert row["both"] == 200


@pytest.mark.parametrize("size", [1, 2, 16, 17, 41, 1000, 12_345])
def test_a_sample_of_any_size_is_clean(size: int, postgres: server.Server) -> None:
    owner_url, _ = databases.create(postgres.url, "discovery", f"_{size}")
    try:
        migrated_and_filled(owner_url, BACKEND / "migrations", size, seed=3)
        databases.execute(postgres.url, f"alter role owner_{size} bypassrls")
        with psycopg.connect(owner_url) as connection:
            (count,) = connection.execute("select count(*) from assets").fetchone()
        assert count == size
    finally:
        databases.drop(postgres.url, f"discovery_{size}")
        databases.drop_roles(postgres.url, f"_{size}")


def test_the_application_sees_one_engagement_and_nothing_without_one(sample: Sample) -> None:
    for engagement in ENGAGEMENTS:
        assert seen_by(sample, engagement) == of_engagement(sample, engagement)
    assert seen_by(sample, None) == NONE


def test_the_auditor_sees_everything_and_may_not_write(sample: Sample) -> None:
    with psycopg.connect(sample.environment["DISCOVERY_AUDIT_URL"]) as auditor:
        auditor.execute("set row_security = off")
        assert auditor.execute("select count(*) from assets").fetchone() == (200,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            auditor.execute("delete from assets")
        auditor.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            auditor.execute("set transaction read write; delete from assets")


def test_changes_are_imported_and_counted(sample: Sample) -> None:
    try:
        imports = sample.change(7)
        sample.settle()
        assert value(sample, "select count(*) from assets") == 207 and len(imports) == 3
        query = "select sum(total_records) from data_imports where id = any(%s::uuid[]) and status = 'completed'"
        assert value(sample, query, imports) == 7
        assert seen_by(sample, ACME) == of_engagement(sample, ACME)
    finally:
        sample.heal()


def test_the_parameter_file_names_the_clients_and_the_role(sample: Sample) -> None:
    import yaml

    said = yaml.safe_load(sample.parameters.read_text(encoding="utf-8"))
    assert {one["name"]: one["id"] for one in said["tenants"]} == CLIENTS
    assert said["tenancy"]["role"] == sample.application
    assert {one["table"] for one in said["resources"].values()} == set(TABLES)
    assert len(said["relations"]) == 8
