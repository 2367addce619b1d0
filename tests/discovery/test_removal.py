"""An import is taken away with all that came of it; and each fault of the pipeline shows in the next one."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from examples.discovery.faults import LIVE_FAULTS
from examples.discovery.sample import Sample
from tests.discovery.reading import ACME, BOREALIS, TABLES, contents
from tests.samples import value

pytestmark = pytest.mark.xdist_group("discovery_api")
RECORDS = [{"name": "neu-01"}, {"name": "neu-02"}, {"hostname": "nobody.example"}]


def removed(sample: Sample, key: object, headers: dict[str, str] = ACME.headers, **given: Any) -> tuple[int, Any]:
    return sample.ask(f"api/v1/data-imports/{key}", headers, method="DELETE", **given)


def counts(sample: Sample) -> dict[str, int]:
    return {table: value(sample, f"select count(*) from {table}") for table in TABLES}


def test_a_deleted_import_takes_along_what_came_of_it_and_nothing_else(changed: Sample) -> None:
    before = contents(changed)
    made = changed.import_records(RECORDS)
    status, answer = removed(changed, made["id"])
    assert (status, answer["status"], answer["data"]["id"]) == (200, "success", made["id"])
    assert answer["meta"] == {"total": 1, "page": 1, "page_size": 1}
    assert contents(changed) == before
    assert removed(changed, made["id"])[0] == 404


def test_a_master_flow_of_several_imports_stays(changed: Sample) -> None:
    query = "select min(id::text) as id from data_imports group by master_flow_id having count(*) > 1 limit 1"
    key = value(changed, query)
    owner = changed.rows("select client_account_id, engagement_id, master_flow_id from data_imports where id = %s", key)
    flow = owner[0].pop("master_flow_id")
    headers = dict(zip(ACME.headers, map(str, owner[0].values()), strict=True))
    assert removed(changed, key, headers)[0] == 200
    assert value(changed, "select count(*) from crewai_flow_state_extensions where id = %s", flow) == 1
    assert value(changed, "select count(*) from raw_import_records where data_import_id = %s", key) == 0


def test_what_cannot_be_deleted_is_refused_as_everywhere_else(sample: Sample) -> None:
    before = counts(sample)
    others = value(sample, "select min(id::text) from data_imports where engagement_id = %s", BOREALIS.engagement_id)
    found = [
        removed(sample, uuid4()),
        removed(sample, others),
        removed(sample, "1"),
        removed(sample, others, token="another"),
        removed(sample, others, {}),
    ]
    assert [status for status, _ in found] == [404, 404, 422, 401, 400]
    assert all(answer["error"].keys() == {"code", "message"} for _, answer in found)
    assert counts(sample) == before


@pytest.mark.parametrize("fault", LIVE_FAULTS)
def test_a_fault_of_the_pipeline_shows_in_the_next_import(fault: str, changed: Sample) -> None:
    changed.plant(fault)
    made = changed.import_records(RECORDS)
    seen = {
        "last_record_is_lost": ("select count(*) from raw_import_records where data_import_id = %s", 2),
        "import_never_ends": ("select count(*) from data_imports where id = %s and status = 'processing'", 1),
        "engagement_is_confused": (
            "select count(*) from assets join raw_import_records as r on r.id = raw_import_record_id"
            " where data_import_id = %s and assets.engagement_id = r.client_account_id",
            2,
        ),
    }
    if fault in seen:
        query, wanted = seen[fault]
        assert value(changed, query, made["id"]) == wanted
    else:
        assert removed(changed, made["id"])[0] == 200
        flow = made["discovery_flow_id"]
        assert value(changed, "select count(*) from assets where discovery_flow_id = %s", flow) == 2
