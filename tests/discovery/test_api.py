"""The API serves what the tables hold, in one form, and to each tenant its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from examples.discovery.sample import Sample
from examples.discovery.tenants import ENGAGEMENTS
from tests.discovery.reading import ACME, ACME_LATER, BOREALIS, TABLES, listed, of_engagement
from tests.samples import value

pytestmark = pytest.mark.xdist_group("discovery_api")

LISTS = {
    "master-flows": ("crewai_flow_state_extensions", "id"),
    "discovery-flows": ("discovery_flows", "flow_id"),
    "data-imports": ("data_imports", "id"),
    "assets": ("assets", "id"),
}
SINGLE = [path for path in LISTS if path != "assets"]
ASSET = {"id", "name", "asset_type", "master_flow_id", "discovery_flow_id", "raw_import_record_id"}
FIELDS = {
    "master-flows": {
        "id", "flow_id", "flow_type", "flow_status", "created_at", "discovery_flow_ids", "data_import_ids"},
    "discovery-flows": {
        "flow_id", "master_flow_id", "data_import_id", "status", "progress_percentage", "asset_count"},
    "data-imports": {"id", "master_flow_id", "status", "total_records", "processed_records", "failed_records"},
    "assets": ASSET,
}  # fmt: skip


def key_of(sample: Sample, path: str, engagement: Any = ACME) -> str:
    return listed(sample, path, engagement)[0][LISTS[path][1]]


def assert_refused(found: tuple[int, Any], status: int, code: str) -> None:
    assert (found[0], found[1]["status"], found[1]["error"]["code"]) == (status, "error", code), found
    assert found[1].keys() == {"status", "error"} and found[1]["error"].keys() == {"code", "message"}
    assert found[1]["error"]["message"]


@pytest.mark.parametrize("path", LISTS)
def test_a_list_has_all_rows_of_the_tenant_and_no_others(path: str, sample: Sample) -> None:
    table, key = LISTS[path]
    seen = [{row[key] for row in listed(sample, path, one)} for one in ENGAGEMENTS]
    assert [len(keys) for keys in seen] == [of_engagement(sample, one)[table] for one in ENGAGEMENTS]
    assert len(set.union(*seen)) == sum(map(len, seen))
    assert set.union(*seen) == {str(row[key]) for row in sample.rows(f"select {key} from {table}")}


@pytest.mark.parametrize("path", LISTS)
def test_an_answer_has_one_form(path: str, sample: Sample) -> None:
    answer = sample.api(f"api/v1/{path}", page=2, page_size=3)
    assert answer.keys() == {"status", "data", "meta"} and answer["status"] == "success"
    assert len(answer["data"]) == 3 and answer["meta"]["page"] == 2 and answer["meta"]["page_size"] == 3
    assert all(row.keys() >= FIELDS[path] for row in answer["data"])


@pytest.mark.parametrize("path", SINGLE)
def test_one_alone_is_what_it_is_in_the_list(path: str, sample: Sample) -> None:
    for row in listed(sample, path, ACME):
        answer = sample.api(f"api/v1/{path}/{row[LISTS[path][1]]}")
        assert answer == {"status": "success", "data": row, "meta": {"total": 1, "page": 1, "page_size": 1}}


def test_flows_and_imports_name_each_other(sample: Sample) -> None:
    masters = {row["id"]: row for row in listed(sample, "master-flows", ACME)}
    flows, imports = listed(sample, "discovery-flows", ACME), listed(sample, "data-imports", ACME)
    for key, master in masters.items():
        assert {row["flow_id"] for row in flows if row["master_flow_id"] == key} == set(master["discovery_flow_ids"])
        assert {row["id"] for row in imports if row["master_flow_id"] == key} == set(master["data_import_ids"])
    assert max(len(row["data_import_ids"]) for row in masters.values()) == 2


def test_flows_count_their_assets(sample: Sample) -> None:
    for flow in listed(sample, "discovery-flows", ACME):
        assets = listed(sample, "assets", ACME, discovery_flow_id=flow["flow_id"])
        assert len(assets) == flow["asset_count"]
        assert {asset["discovery_flow_id"] for asset in assets} <= {flow["flow_id"]}
    master = listed(sample, "master-flows", ACME)[0]["id"]
    of_master = listed(sample, "assets", ACME, master_flow_id=master)
    assert of_master == [row for row in listed(sample, "assets", ACME) if row["master_flow_id"] == master] != []


def test_imports_count_their_records(sample: Sample) -> None:
    for row in listed(sample, "data-imports", BOREALIS):
        records = listed(sample, f"data-imports/{row['id']}/records", BOREALIS)
        assert [one["row_number"] for one in records] == list(range(1, row["total_records"] + 1))
        assert sum(one["is_processed"] for one in records) == row["processed_records"]
        assert sum(one["is_valid"] is False for one in records) == row["failed_records"]
        assert all(one.keys() == {"id", "row_number", "is_processed", "is_valid"} for one in records)


def test_health_needs_no_token(sample: Sample) -> None:
    status, answer = sample.ask("healthz", {}, token="")
    assert (status, answer["status"], answer["data"]) == (200, "success", {"database": "ok"})


@pytest.mark.parametrize("path", [*LISTS, "nothing"])
def test_without_the_token_nothing_is_served(path: str, sample: Sample) -> None:
    for token in ("", "another"):
        found = sample.ask(f"api/v1/{path}", ACME.headers, token=token)
        assert_refused(found, *((404, "not_found") if path == "nothing" else (401, "unauthorized")))
        if path == "data-imports":
            assert_refused(sample.ask(f"api/v1/{path}", ACME.headers, {}, token=token), 401, "unauthorized")


@pytest.mark.parametrize("missing", ["X-Client-Account-ID", "X-Engagement-ID"])
def test_a_missing_header_is_told(missing: str, sample: Sample) -> None:
    headers = {name: text for name, text in ACME.headers.items() if name != missing}
    found = sample.ask("api/v1/assets", headers)
    assert_refused(found, 400, "bad_request")
    assert missing in found[1]["error"]["message"]


@pytest.mark.parametrize("path", SINGLE)
def test_what_is_anothers_is_answered_as_what_does_not_exist(path: str, sample: Sample) -> None:
    nothing = sample.ask(f"api/v1/{path}/{uuid4()}", ACME.headers)
    assert_refused(nothing, 404, "not_found")
    for stranger in (ACME_LATER, BOREALIS):
        assert sample.ask(f"api/v1/{path}/{key_of(sample, path, stranger)}", ACME.headers) == nothing


def test_records_of_anothers_import_are_not_served_either(sample: Sample) -> None:
    key = key_of(sample, "data-imports", BOREALIS)
    assert_refused(sample.ask(f"api/v1/data-imports/{key}/records", ACME.headers), 404, "not_found")
    flow = key_of(sample, "discovery-flows", BOREALIS)
    assert sample.api("api/v1/assets", ACME, discovery_flow_id=flow)["data"] == []


def test_a_client_with_the_engagement_of_another_sees_nothing(sample: Sample) -> None:
    headers = {**ACME.headers, "X-Engagement-ID": BOREALIS.engagement_id}
    assert sample.ask("api/v1/assets", headers)[1]["meta"]["total"] == 0


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("assets", {"page": "0"}),
        ("assets", {"page": "two"}),
        ("assets", {"page": "-1"}),
        ("assets", {"page": "9" * 30}),
        ("assets", {"page_size": "501"}),
        ("assets", {"page_size": ""}),
        ("assets", {"page": "²"}),
        ("assets", {"discovery_flow_id": "none"}),
        ("assets", {"master_flow_id": "1"}),
        ("master-flows/1", {}),
        ("discovery-flows/null", {}),
        ("data-imports/x'y", {}),
        ("data-imports/1/records", {}),
    ],
)
def test_what_is_malformed_is_told(path: str, query: dict[str, str], sample: Sample) -> None:
    assert_refused(sample.ask(f"api/v1/{path}", ACME.headers, **query), 422, "invalid")


@pytest.mark.parametrize("name", ["X-Client-Account-ID", "X-Engagement-ID"])
def test_a_tenant_that_is_no_uuid_is_told(name: str, sample: Sample) -> None:
    assert_refused(sample.ask("api/v1/assets", {**ACME.headers, name: "acme"}), 422, "invalid")


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"name": "x"},
        {"name": "", "records": []},
        {"name": 1, "records": []},
        {"name": "x", "records": [1]},
        {"name": "x", "records": {"name": "y"}},
        {"name": "x", "records": [{"name": "a\x00b"}]},
        {"name": "\ud800", "records": []},
    ],
)
def test_an_import_that_cannot_be_taken_is_told_and_leaves_nothing(body: Any, sample: Sample) -> None:
    before = [value(sample, f"select count(*) from {table}") for table in TABLES]
    assert_refused(sample.ask("api/v1/data-imports", ACME.headers, body), 422, "invalid")
    assert [value(sample, f"select count(*) from {table}") for table in TABLES] == before


def test_an_import_runs_through_the_whole_pipeline(sample: Sample) -> None:
    records: list[dict[str, Any]] = [
        {"name": "neu-01", "asset_type": "server", "hostname": "neu-01.example", "operating_system": "RHEL 9"},
        {"name": "", "asset_type": "server"},
        {"hostname": "nobody.example"},
        {"name": "neu-02", "environment": ["no", "text"]},
        {"name": "neu-01"},
        {"name": "db-01"},
    ]
    try:
        made = sample.import_records(records, BOREALIS)
        assert (made["total_records"], made["processed_records"], made["failed_records"], made["asset_count"]) == (
            6,
            6,
            4,
            2,
        )
        one = sample.api(f"api/v1/data-imports/{made['id']}", BOREALIS)["data"]
        assert {name: one[name] for name in one.keys() & made.keys()}.items() <= made.items()
        rows = listed(sample, f"data-imports/{made['id']}/records", BOREALIS)
        assert [row["is_valid"] for row in rows] == [True, False, False, True, False, False]
        flow = sample.api(f"api/v1/discovery-flows/{made['discovery_flow_id']}", BOREALIS)["data"]
        assert (flow["status"], flow["asset_count"], flow["master_flow_id"]) == ("completed", 2, made["master_flow_id"])
        assets = listed(sample, "assets", BOREALIS, discovery_flow_id=flow["flow_id"])
        assert [asset["raw_import_record_id"] for asset in assets] == [rows[0]["id"], rows[3]["id"]]
        assert [(asset["name"], asset["asset_type"]) for asset in assets] == [("neu-01", "server"), ("neu-02", "other")]
        assert sample.ask(f"api/v1/data-imports/{made['id']}", ACME.headers)[0] == 404
        whose = value(sample, "select engagement_id from assets where id = %s", assets[0]["id"])
        assert whose == UUID(BOREALIS.engagement_id)
    finally:
        sample.heal()


def test_imports_at_once_of_the_same_assets_all_succeed(sample: Sample) -> None:
    names = [{"name": f"shared {place}"} for place in range(200)]

    def made(ordered: list[dict[str, str]]) -> int:
        return sample.import_records(ordered)["asset_count"]

    try:
        with ThreadPoolExecutor() as threads:
            counts = list(threads.map(made, [names, names[::-1], names, names[::-1]]))
        assert sum(counts) == 200
    finally:
        sample.heal()
