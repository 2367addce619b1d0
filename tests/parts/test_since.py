"""What changed since an instant: found whichever side tells of the change, and nothing else is judged."""

from __future__ import annotations

import importlib
import json

import pytest

from dsaudit import audit
from dsaudit.audit import Audit
from dsaudit.database import Database
from dsaudit.database.relations import Relations
from dsaudit.functions.accuracy import CHILDREN
from dsaudit.parameters import load
from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, variables
from tests.parts.shop import ASKABLE, NEW, NEWER, OLD, SINCE, WAYS, Shop, keys, reasons

RAW, REFINED, EXTRA = "source_missing_in_raw", "source_missing_in_refined", "refined_missing_at_source"
FIELDS, STALE = "field_differences", "raw_differs_from_source"
OTHERS = ("raw_missing_in_refined", "one_refined_row_per_source_id", "children_match_payload")
ALL = (RAW, REFINED, EXTRA, FIELDS, STALE, *OTHERS)


@pytest.fixture
def filled(shop: Shop) -> Shop:
    """A shop with records before and after the instant, for both tenants, over several pages."""
    for key in range(1, 9):
        shop.put(key, OLD)
    for key in range(11, 19):
        shop.put(key, NEW if key % 2 else NEWER)
    shop.put(31, NEW, tenant="B")
    shop.customer(7, OLD)
    shop.customer(8, NEW)
    shop.customer(9, NEW, tenant="B")
    return shop


@pytest.mark.parametrize("way", WAYS)
def test_of_a_sound_system_nothing_is_found(way: str, filled: Shop) -> None:
    with filled.opened(way, since=SINCE) as audit:
        for name in ALL:
            assert keys(audit, name) == set()
        found = {tuple(one.scope.values()): one.examined for one in audit.check(REFINED).results}
        assert found["acme", "order"] == 8 and found["acme", "line"] == 8 and found["borealis", "order"] == 1
        assert any("that the source deleted since then" in limit for limit in audit.verdicts[-1].limits)
    lists = [one for one in filled.asked if one.startswith("/acme/order.json") and "ids=" not in one]
    assert all("updated_at_min" in one or "after" in one for one in lists) == (way != "whole")


@pytest.mark.parametrize("way", WAYS)
def test_a_missed_update_is_found_although_our_row_is_old(way: str, filled: Shop) -> None:
    filled.at_source(3, NEWER, "9.00")
    with filled.opened(way, since=SINCE) as audit:
        assert keys(audit, FIELDS) == keys(audit, STALE) == {"3"}
        assert {row["cause"] for row in all_rows(audit, audit.check(STALE))} == {"MISSED_UPDATE"}
        assert keys(audit, REFINED) == keys(audit, EXTRA) == set()


def test_a_part_that_is_too_large_to_be_held_is_judged_alike(filled: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("dsaudit.reconcile.sides"), "MOST_WHOLE", 0)
    filled.at_source(3, NEWER, "9.00")
    filled.execute("update orders set total = 9 where order_id in (5, 11)")  # of which 5 is outside
    with filled.opened(since=SINCE) as audit:
        assert keys(audit, FIELDS) == {"3", "11"}
        assert keys(audit, STALE) == {"3"}
        assert keys(audit, EXTRA) == keys(audit, REFINED) == set()
        assert sum(one.examined for one in audit.check(REFINED).results if one.scope["resource"] == "order") == 10


@pytest.mark.parametrize("way", ASKABLE)
def test_a_row_that_is_ahead_of_the_source_is_found(way: str, filled: Shop) -> None:
    filled.execute("update orders set changed = %s, total = 9 where order_id = 3", NEW)
    with filled.opened(way, since=SINCE) as audit:
        assert keys(audit, FIELDS) == {"3"}
        assert keys(audit, EXTRA) == keys(audit, REFINED) == set()


@pytest.mark.parametrize("way", WAYS)
def test_what_never_came_is_found(way: str, filled: Shop) -> None:
    filled.at_source(20, NEW)
    filled.at_source(21, OLD)  # outside
    with filled.opened(way, since=SINCE) as audit:
        assert keys(audit, RAW) == keys(audit, REFINED) == {"20", "2000"}


@pytest.mark.parametrize("way", ASKABLE)
def test_a_deletion_that_came_and_was_not_refined_is_found(way: str, filled: Shop) -> None:
    del filled.records["acme", "order"][4]
    filled.execute(
        "insert into raw (tenant_id, object_type, source_id, payload, received_at, gone)"
        " values ('A', 'order', '4', '{}', %s, true)",
        NEW,
    )
    with filled.opened(way, since=SINCE) as audit:
        assert keys(audit, EXTRA) == {"4", "400"}
        assert keys(audit, REFINED) == keys(audit, FIELDS) == set()


def told_of(one: Audit, name: str, resource: str = "order", tenant: str = "acme") -> str:
    """Return what a check says of one resource of one tenant."""
    (told,) = [one for one in reasons(one.check(name)) if f"'{tenant}'" in one and f"'{resource}'" in one]
    return told


def test_without_a_way_to_ask_by_id_such_rows_are_not_cleared(filled: Shop) -> None:
    filled.execute("update orders set changed = %s, total = 9 where order_id = 3", NEW)
    with filled.opened("changes", since=SINCE) as audit:
        for name in (RAW, REFINED, EXTRA, FIELDS, STALE, "raw_missing_in_refined", "one_refined_row_per_source_id"):
            told = told_of(audit, name)
            assert "inconclusive 1 record changed since then by what our tables tell" in told
            assert "to ask for them it needs one or ids, or leave out since" in told
        assert "inconclusive 1 record changed" in told_of(audit, "children_match_payload", "line")


def test_an_empty_list_of_changes_clears_nothing_that_changed_here(filled: Shop) -> None:
    filled.lies = True
    filled.execute("update orders set deleted = true where order_id in (11, 12)")
    with filled.opened("changes", since=SINCE) as audit:
        for name in (RAW, REFINED, EXTRA, FIELDS, STALE):
            assert "inconclusive 8 records changed" in told_of(audit, name)
        assert "inconclusive 8 records changed" in told_of(audit, FIELDS, "line")


def test_a_fault_is_told_beside_records_that_cannot_be_asked_for(filled: Shop) -> None:
    filled.execute("update orders set changed = %s where order_id = 3", NEW)
    filled.execute("update orders set total = 9 where order_id = 13")
    with filled.opened("changes", since=SINCE) as audit:
        verdict = audit.check(FIELDS)
        assert verdict.status is Status.FAIL
        assert [row["source_id"] for row in all_rows(audit, verdict)] == ["13"]


@pytest.mark.parametrize("way", WAYS)
def test_what_did_not_change_is_neither_accused_nor_cleared(way: str, filled: Shop) -> None:
    del filled.records["acme", "order"][4]  # deleted, and nothing here tells of it
    filled.execute("update orders set total = 9 where order_id = 5")
    with filled.opened(way, since=SINCE) as audit:
        assert keys(audit, EXTRA) == keys(audit, FIELDS) == set()
    with filled.opened(way) as audit:
        assert keys(audit, EXTRA) == {"4", "400"} and keys(audit, FIELDS) == {"5"}


@pytest.mark.parametrize("way", ASKABLE)
def test_a_child_that_is_too_much_is_found_by_its_parent(way: str, filled: Shop) -> None:
    for order in (2, 12):  # the first is outside
        filled.execute(
            "insert into lines (tenant_id, line_id, order_pk, title)"
            " select 'A', %s, id, 'x' from orders where order_id = %s",
            order * 100 + 50,
            order,
        )
    with filled.opened(way, since=SINCE) as audit:
        assert keys(audit, EXTRA) == {"1250"}
        assert keys(audit, "children_match_payload") == {"12"}
        assert "(8)" in told_of(audit, "children_match_payload", "line")


def test_of_parents_that_are_right_the_number_alone_is_brought_home(filled: Shop) -> None:
    filled.execute("delete from lines where line_id = 500")
    with filled.opened() as audit:
        (relation,) = audit.parameters.relations
        frame = audit.query(CHILDREN, {"relation": relation.name}, ["order"], resource_name="order", path=["lines"])
        assert len(frame) == 3
        assert dict(zip(frame["tenant"], frame["examined"], strict=True)) == {"acme": 16, "borealis": 1}
        assert keys(audit, "children_match_payload") == {"5"}


def test_without_a_relation_children_that_are_too_much_are_not_cleared(filled: Shop) -> None:
    with filled.opened("several", relation="", since=SINCE) as audit:
        told = reasons(audit.check(EXTRA))
        assert any("no relation from line to order" in one and "inconclusive" in one for one in told)
        assert keys(audit, FIELDS) == set()


@pytest.mark.parametrize("way", ["several", "singly"])
def test_a_list_of_changes_that_lacks_some_is_not_relied_on(way: str, filled: Shop) -> None:
    filled.lies = True
    with filled.opened(way, since=SINCE) as audit:
        for name in (REFINED, EXTRA, FIELDS, "raw_missing_in_refined"):
            verdict = audit.check(name)
            assert verdict.status is Status.INCONCLUSIVE
            told = [one for one in reasons(verdict) if "acme" in one and "'order'" in one]
            assert (
                "8 records changed since then, and the list that updated_at_min asks for does not have them" in told[0]
            )


@pytest.mark.parametrize("way", ["several", "singly", "form"])
def test_paths_that_find_nothing_accuse_nobody(way: str, filled: Shop) -> None:
    filled.loses = True
    filled.execute("update orders set changed = %s where order_id = 3", NEW)
    with filled.opened(way, since=SINCE) as audit:
        verdict = audit.check(EXTRA)
        assert verdict.status is Status.INCONCLUSIVE
        assert any("nothing is found by its id" in one for one in reasons(verdict))


def test_where_nothing_changed_that_is_proven(filled: Shop) -> None:
    with filled.opened(since="2026-11-20") as audit:
        verdict = audit.check(REFINED)
        assert verdict.status is Status.PASS
        assert {one.reason for one in verdict.results} == {"the source has nothing of it that changed"}


SQL = """
integration: shop
database: {url_env: SHOP_URL}
tenants: [{name: acme, id: A, account: acme}, {name: borealis, id: B, account: borealis}]
source: {kind: sql, url_env: SHOP_URL}
policy: {in_flight_seconds: 0, clock_error_seconds: 0}
resources:
  order:
    table: orders
    key: order_id
    tenant: tenant_id
    deleted: deleted
    updated: updated_at
    updated_column: changed
    read: select id, updated_at, total from there where account = :account
    since: select id, updated_at, total from there where account = :account and updated_at >= :since
    one: select id, updated_at, total from there where account = :account and id = cast(:id as bigint)
    fields: {total: money, changed: {from: updated_at, as: instant}}
"""


def test_another_database_is_asked_for_its_changes_by_the_select_that_binds_since(filled: Shop) -> None:
    filled.execute("create table there (account text, id bigint, updated_at timestamptz, total numeric)")
    for (account, name), records in filled.records.items():
        for one in records.values() if name == "order" else ():
            filled.execute("insert into there values (%s, %s, %s, %s)",
                           account, one["id"], one["updated_at"], one["total"])  # fmt: skip
    # A missed update, one that never came, one ahead of it, and a wrong row of before that is no part of it.
    filled.execute("update there set total = 9, updated_at = %s where id = 3", NEWER)
    filled.execute("insert into there values ('acme', 99, %s, 5)", NEWER)
    filled.execute("update orders set changed = %s where order_id = 4", NEWER)
    filled.execute("update orders set total = 7 where order_id = 5")
    file = filled.file()
    file.write_text(SQL, encoding="utf-8")
    with variables(filled.environment):
        one = audit.open(str(file), "datasource/a_test", since=SINCE)
        try:
            assert keys(one, REFINED) == {"99"} and keys(one, FIELDS) == {"3", "4"}
            assert {result.examined for result in one.verdicts[-1].results} == {10, 1}
        finally:
            one.close()


@pytest.mark.parametrize("slot", ["refined", "raw"])
def test_the_ids_of_a_large_part_are_hashed(slot: str, shop: Shop) -> None:
    parameters = load(shop.file())
    with variables(shop.environment):
        database = Database.open(parameters.database)
    ids = {"acme": {str(key) for key in range(150_000)}}
    relations = Relations(parameters, database.catalogue(), lambda name: ids)
    filled = relations.fill(f"select from {{{slot}}} as x", {"resource": "line"}, ["line", "order"])
    plan = json.dumps(database.explain(filled.sql, [filled.values]))
    database.close()
    assert plan.count("(hashed SubPlan") == 2 and "(SubPlan" not in plan
