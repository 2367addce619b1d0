"""Counts from hop to hop as they are stored: clean, odd, under way, with each fault, and with nothing there."""

from __future__ import annotations

from typing import Any

import pytest

from dsaudit.verdict import Status, Verdict
from examples.discovery.sample import Sample
from tests.checks.auditing import all_rows, opened, told

pytestmark = pytest.mark.xdist_group("integrity_imports")

CHECK = "counts_are_conserved"


def execute(sample: Sample, *statements: str) -> None:
    with sample.owner() as connection:
        for statement in statements:
            connection.execute(statement)


def judged(sample: Sample) -> tuple[Verdict, list[dict[str, Any]]]:
    with opened(sample.parameters, sample.environment) as audit:
        verdict = audit.check(CHECK)
        return verdict, all_rows(audit, verdict)


def by_hop(sample: Sample) -> dict[str, dict[str, Any]]:
    with opened(sample.parameters, sample.environment) as audit:
        assert audit.table("counts_by_hop")._repr_mimebundle_()
        return {row["hop"]: row for row in audit.frame("counts_by_hop").to_dict("records")}


def settled(sample: Sample) -> int:
    query = "select count(*) as number from data_imports where status in ('completed', 'failed', 'cancelled')"
    return int(sample.rows(query)[0]["number"])


def test_passes_on_clean_data_and_leaves_out_what_is_under_way(sample: Sample) -> None:
    verdict, _ = judged(sample)
    assert verdict.status is Status.PASS, told(verdict)
    assert verdict.examined == settled(sample)
    assert any("still under way" in limit for limit in verdict.limits)


def test_each_hop_is_shown_with_its_rows_and_the_number_beside_them(sample: Sample) -> None:
    hops = by_hop(sample)
    assert list(hops) == ["records", "processed", "failed", "valid", "assets", "assets of its flow"]
    assert (hops["records"]["compared_with"], hops["records"]["judged"]) == ("total_records", "elsewhere")
    assert (hops["valid"]["compared_with"], hops["valid"]["judged"]) == ("nothing", "no")
    assert hops["assets"]["rows"] == hops["valid"]["rows"] > 0
    assert {hop["differ"] for hop in hops.values() if hop["judged"] == "yes"} == {0}


def test_a_part_without_the_resource_leaves_it_out_and_of_a_tenant_its_own_are_judged(sample: Sample) -> None:
    with opened(sample.parameters, sample.environment, resources=["asset"]) as audit:
        assert audit.check(CHECK).status is Status.SKIPPED
        assert audit.frame("counts_by_hop").empty and audit.frame("imports_under_way").empty
    with opened(sample.parameters, sample.environment, tenants=["borealis"]) as audit:
        verdict = audit.check(CHECK)
        assert verdict.status is Status.PASS and 0 < verdict.examined < settled(sample)
        assert set(audit.frame("imports_under_way")["tenant"]) == {"borealis"}


def test_an_import_under_way_may_count_what_it_likes(changed: Sample) -> None:
    execute(changed, "update data_imports set processed_records = 0, failed_records = 0 where status = 'processing'")
    assert judged(changed)[0].status is Status.PASS
    execute(changed, "update data_imports set status = 'completed' where status = 'processing'")
    verdict, rows = judged(changed)
    assert verdict.status is Status.FAIL
    assert {row["hop"] for row in rows} >= {"processed"} and {row["told_by"] for row in rows} >= {"processed_records"}


def test_where_all_are_under_way_nothing_is_proven(changed: Sample) -> None:
    execute(changed, "update data_imports set status = 'pending'")
    verdict, _ = judged(changed)
    assert verdict.status is Status.INCONCLUSIVE
    assert any("are still under way" in (result.reason or "") for result in verdict.results)


def test_empty_tables_prove_nothing(changed: Sample) -> None:
    execute(changed, "delete from crewai_flow_state_extensions", "delete from discovery_flows")
    verdict, _ = judged(changed)
    assert verdict.status is Status.INCONCLUSIVE and by_hop(changed)["assets"]["rows"] == 0


@pytest.mark.parametrize("fault", ["assets_lost_on_the_way", "processed_counted_wrong"])
def test_a_fault_names_the_imports_and_the_hop(fault: str, changed: Sample) -> None:
    (expected,) = changed.plant(fault).must
    verdict, rows = judged(changed)
    assert verdict.status is Status.FAIL
    assert {str(row["source_id"]) for row in rows} == set(expected.keys)
    assert {row["hop"] for row in rows} == {expected.scope["hop"]}  # the hops after it agree with it
    assert {row["tenant"] for row in rows} == {expected.scope["tenant"]}
    assert {row["lost"] for row in rows} == {1 if fault == "assets_lost_on_the_way" else -1}


def test_an_asset_under_another_flow_is_missing_at_the_hop_of_its_own(changed: Sample) -> None:
    found = "select id from assets where name = 'db-01' order by id limit 1"
    execute(changed, f"update assets set discovery_flow_id = null where id = ({found})")
    verdict, (row,) = judged(changed)
    assert verdict.status is Status.FAIL
    assert (row["hop"], row["told_by"], row["lost"]) == ("assets of its flow", "assets", 1)


def test_a_condition_that_the_database_does_not_know_is_an_error_of_one_check(sample: Sample) -> None:
    text = sample.parameters.read_text(encoding="utf-8")
    try:
        sample.parameters.write_text(text.replace("where: is_processed,", "where: is_nothing,"), encoding="utf-8")
        verdict, _ = judged(sample)
        assert verdict.status is Status.ERROR and "is_nothing" in str(verdict.results[0].reason)
        assert by_hop(sample) == {}
    finally:
        sample.parameters.write_text(text, encoding="utf-8")
