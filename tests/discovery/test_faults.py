"""Every fault shows in the running sample as it says, and is healed without a trace; no check of dsaudit's looks."""

from __future__ import annotations

from typing import Any

import pytest

from examples.answer_key import Planted
from examples.control import SampleError
from examples.discovery.faults import FAULTS, LIVE_FAULTS, TOUR
from examples.discovery.faults.changing import imported_at_once
from examples.discovery.sample import Sample
from examples.discovery.tenants import ENGAGEMENTS
from tests.discovery.reading import ACME, ACME_LATER, BOREALIS, TABLES, fingerprint, listed, of_engagement, seen_by
from tests.discovery.shown_in_relations import NOBODY, SHOWN, columns_of, shows, table_of
from tests.samples import shown_and_healed, value

pytestmark = pytest.mark.xdist_group("discovery_faults")


@pytest.fixture(scope="module")
def at_the_start(sample: Sample) -> Any:
    return fingerprint(sample)


def crossing(sample: Sample, column: str) -> list[str]:
    """The assets whose flow has another value in a column that tells whose both are."""
    query = f"""select a.id::text as key from assets as a join discovery_flows as d on d.flow_id = a.discovery_flow_id
        where d.{column} <> a.{column} order by 1"""
    return [row["key"] for row in sample.rows(query)]


@shows
def reference_crosses_tenants(sample: Sample, planted: Planted) -> None:
    assert crossing(sample, "client_account_id") == crossing(sample, "engagement_id") == planted.must[0].keys != []


@shows
def reference_crosses_engagements(sample: Sample, planted: Planted) -> None:
    assert crossing(sample, "client_account_id") == []
    assert crossing(sample, "engagement_id") == planted.must[0].keys != []


@shows
def tenant_is_null(sample: Sample, planted: Planted) -> None:
    (column,) = planted.must[0].fields
    found = sample.rows(f"select id::text as key from assets where {column} is null order by 1")
    assert [row["key"] for row in found] == planted.must[0].keys != []
    assert sum(seen_by(sample, one)["assets"] for one in ENGAGEMENTS) == 200 - len(found)


@shows
def tenant_table_left_out(sample: Sample, planted: Planted) -> None:
    assert planted.must[0].keys == ["public.asset_notes"]
    assert value(sample, "select count(client_account_id) from asset_notes") == 5


@shows
def policy_dropped(sample: Sample, planted: Planted) -> None:
    seen = seen_by(sample, ACME)
    assert {table for table in TABLES if seen[table] == 0} == {table_of(planted)}


@shows
def row_security_disabled(sample: Sample, planted: Planted) -> None:
    table = table_of(planted)
    assert seen_by(sample, None) == {**dict.fromkeys(TABLES, 0), table: value(sample, f"select count(*) from {table}")}


@shows
def policy_uses_wrong_column(sample: Sample, planted: Planted) -> None:
    table = table_of(planted)
    own, both = of_engagement(sample, ACME)[table], seen_by(sample, ACME)[table]
    assert both == own + of_engagement(sample, ACME_LATER)[table] > own
    assert seen_by(sample, BOREALIS) == of_engagement(sample, BOREALIS)


@shows
def policy_is_content_with_either(sample: Sample, planted: Planted) -> None:
    table = table_of(planted)
    own, both = of_engagement(sample, ACME)[table], seen_by(sample, ACME)[table]
    assert both == own + of_engagement(sample, ACME_LATER)[table] > own


@shows
def application_bypasses_policies(sample: Sample, planted: Planted) -> None:
    assert planted.must[0].keys == [sample.application]
    assert seen_by(sample, None)["assets"] == 200
    assert sample.api("api/v1/assets", BOREALIS)["meta"]["total"] == 200


@shows
def api_ignores_tenant(sample: Sample, planted: Planted) -> None:
    assert [sample.api("api/v1/assets", one)["meta"]["total"] for one in ENGAGEMENTS] == [200] * 3
    stranger = value(sample, "select min(id::text) from data_imports where engagement_id = %s", ACME.engagement_id)
    assert sample.ask(f"api/v1/data-imports/{stranger}", BOREALIS.headers)[0] == 200
    assert seen_by(sample, ACME) == of_engagement(sample, ACME)  # the database itself is right


@shows
def endpoints_disagree(sample: Sample, planted: Planted) -> None:
    named = {key for expected in planted.must for key in expected.keys}
    for engagement in ENGAGEMENTS:
        for row in listed(sample, "discovery-flows", engagement):
            alone = sample.api(f"api/v1/discovery-flows/{row['flow_id']}", engagement)["data"]
            assert (row == alone) is (row["flow_id"] not in named)
    assert named


@shows
def error_format_differs(sample: Sample, planted: Planted) -> None:
    told = {path: sample.ask(f"api/v1/{path}/{NOBODY}", ACME.headers) for path in ("data-imports", "discovery-flows")}
    assert {path: (status, *body) for path, (status, body) in told.items()} == {
        "data-imports": (404, "detail"),
        "discovery-flows": (404, "status", "error"),
    }


@shows
def list_leaves_out_unlinked(sample: Sample, planted: Planted) -> None:
    (missing,) = [key for expected in planted.must for key in expected.keys]
    there = value(sample, "select engagement_id::text from discovery_flows where flow_id = %s", missing)
    engagement = next(one for one in ENGAGEMENTS if one.engagement_id == there)
    assert missing not in [row["flow_id"] for row in listed(sample, "discovery-flows", engagement)]
    assert sample.api(f"api/v1/discovery-flows/{missing}", engagement)["data"]["master_flow_id"] is None


@shows
def memory_is_rounded(sample: Sample, planted: Planted) -> None:
    named = {key for expected in planted.must for key in expected.keys}
    served = [row for engagement in ENGAGEMENTS for row in listed(sample, "assets", engagement)]
    stored = sample.rows("select id::text as id, memory_gb::float8 as memory_gb from assets")
    memory = {row["id"]: row["memory_gb"] for row in stored}
    assert {row["id"] for row in served if row["memory_gb"] != memory[row["id"]]} == named != set()


@shows
def existence_is_told(sample: Sample, planted: Planted) -> None:
    stranger = value(sample, "select min(id::text) from data_imports where engagement_id = %s", ACME.engagement_id)
    assert [sample.ask(f"api/v1/data-imports/{key}", BOREALIS.headers)[0] for key in (stranger, NOBODY)] == [403, 404]


def used_index(sample: Sample, table: str, column: str) -> bool:
    """Whether a look-up can go by an index at all, however small the table is."""
    with sample.owner() as connection:
        connection.execute("set enable_seqscan = off")
        plan = connection.execute(f"explain select from {table} where {column} = '{NOBODY}'").fetchall()
    return "Index" in plan[0][0] or "Bitmap" in plan[0][0]


@shows
def index_dropped(sample: Sample, planted: Planted) -> None:
    table, column, *_ = columns_of(planted)
    assert not used_index(sample, table, column)


@shows
def query_scans(sample: Sample, planted: Planted) -> None:
    assert not used_index(sample, "assets", "discovery_flow_id")
    assert value(sample, "select count(*) from pg_indexes where indexname = 'ix_assets_discovery_flow_id'") == 1


@shows
def update_deadlocks(sample: Sample, planted: Planted) -> None:
    for attempt in range(10, 15):
        if sorted(imported_at_once(sample, attempt)) == [200, 500]:
            return
    raise AssertionError("it does not show again")


def differing(sample: Sample, count: str, of: str) -> list[str]:
    """The imports of which as many rows as they say are not there."""
    return [
        row["key"]
        for row in sample.rows(f"select id::text as key from data_imports as i where {count} <> ({of}) order by 1")
    ]


RECORDS = "select count(*) from raw_import_records as r where r.data_import_id = i.id"


@shows
def assets_lost_on_the_way(sample: Sample, planted: Planted) -> None:
    assets = f"{RECORDS} and exists (select from assets where raw_import_record_id = r.id)"
    assert differing(sample, "processed_records - failed_records", assets) == planted.must[0].keys != []


@shows
def processed_counted_wrong(sample: Sample, planted: Planted) -> None:
    assert differing(sample, "processed_records", f"{RECORDS} and r.is_processed") == planted.must[0].keys != []
    assert differing(sample, "total_records", RECORDS) == []


# Those that choose a relation or a table are planted with two seeds.
CHOOSING = (
    *("foreign_key_dropped", "delete_rule_is_no_action", "not_null_dropped", "index_dropped", "tenant_is_null"),
    *("policy_dropped", "row_security_disabled", "policy_uses_wrong_column", "reference_crosses_engagements"),
)
PLANTED = [*((fault, 1) for fault in FAULTS), *((fault, 2) for fault in CHOOSING)]


@pytest.mark.parametrize(("fault", "seed"), PLANTED)
def test_a_fault_shows_and_is_healed(fault: str, seed: int, sample: Sample, at_the_start: Any) -> None:
    shown_and_healed(sample, SHOWN, fault, seed=seed)
    assert fingerprint(sample) == at_the_start


def test_those_of_the_tour_can_be_planted_side_by_side(sample: Sample, at_the_start: Any) -> None:
    shown_and_healed(sample, SHOWN, *TOUR, seed=2)
    assert fingerprint(sample) == at_the_start


def test_an_unknown_fault_names_those_that_there_are(sample: Sample) -> None:
    with pytest.raises(SampleError, match="'orphan' is not a fault of the discovery; it has: api_ignores_tenant"):
        sample.plant("orphan")


def test_every_fault_says_what_it_is() -> None:
    assert len(FAULTS) == 39 and FAULTS.keys() == SHOWN.keys() and FAULTS.keys() > set(TOUR)
    assert all(fault.__doc__ for fault in (FAULTS | LIVE_FAULTS).values()) and not FAULTS.keys() & LIVE_FAULTS.keys()
