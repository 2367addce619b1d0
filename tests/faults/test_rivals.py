"""The rivals' set-up is fair: on clean data it says nothing, and each kind of rule is held by each tool of rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress

from examples.storefront import running
from tests.faults.rivals import trials
from tests.faults.rivals.declared import Kind
from tests.faults.rivals.exported import cast
from tests.faults.rivals.looking import Look, look, set_up
from tests.faults.rivals.sql_tests import failed
from tests.faults.rivals.trials import MODULES, OF_PAIRS, RIVALS, SQL

# One table for each kind of rule, and what breaks it there.
BROKEN: dict[Kind, tuple[str, str]] = {
    "relation": (
        "shopify_draft_line_item",
        "alter table shopify_draft_line_item drop constraint fk_shopify_draft_line_item_draft_order_id;"
        " update shopify_draft_line_item set draft_order_id = gen_random_uuid()",
    ),
    "unique": (
        "shopify_dispute",
        "alter table shopify_dispute drop constraint uq_shopify_dispute_source; create temp table twice as"
        " select * from shopify_dispute limit 1; update twice set id = gen_random_uuid();"
        " insert into shopify_dispute select * from twice",
    ),
    "not_null": (
        "shopify_gift_card",
        "alter table shopify_gift_card alter shopify_gift_card_id drop not null;"
        " update shopify_gift_card set shopify_gift_card_id = null",
    ),
    "accepted": ("shopify_product", "update shopify_product set status = 'lost'"),
    "empty": ("shopify_sync_run", "update shopify_sync_run set error = 'refused'"),
    "types": ("shopify_location", "alter table shopify_location alter legacy type text"),
    "fresh": (
        "shopify_webhook_delivery",
        "update shopify_webhook_delivery set received_at = received_at - interval '1 day'",
    ),
    "count": ("shopify_balance_transaction", "delete from shopify_balance_transaction"),
}
pytestmark = pytest.mark.filterwarnings("ignore")  # what others' packages warn of is not ours to mend


@pytest.fixture(scope="module")
def looks() -> Iterator[tuple[Look, Look]]:
    """A clean clone, and one in which every kind of rule is broken."""
    with running(size=40) as sample, sample.clone() as clean, sample.clone() as damaged, set_up(clean) as known:
        before = look(clean, known)
        with damaged.owner() as connection:
            for _, statements in BROKEN.values():
                connection.execute(statements)
        with set_up(damaged) as apart:  # a database for exports of its own
            yield before, look(damaged, apart_from(known, apart))


def apart_from(known: Any, apart: Any) -> Any:
    """What was known of the clean system, with the exports written elsewhere."""
    return type(known)(known.parameters, known.schema, apart.exported_url)


def available(rival: str) -> None:
    if rival != SQL:
        pytest.importorskip(MODULES.get(rival, rival), reason=f"this rival is not installed: {rival}")


@pytest.mark.parametrize("rival", RIVALS)
def test_nothing_is_found_on_clean_data(rival: str, looks: tuple[Look, Look]) -> None:
    available(rival)
    assert RIVALS[rival](looks[0]) == []


@pytest.mark.parametrize("rival", [rival for rival in RIVALS if rival not in OF_PAIRS])
def test_each_kind_of_rule_is_held_and_nothing_else_fails(rival: str, looks: tuple[Look, Look]) -> None:
    available(rival)
    found = RIVALS[rival](looks[1])
    tables = [table for table, _ in BROKEN.values()]
    assert [table for table in tables if not any(table in one for one in found)] == []
    assert [one for one in found if not any(table in one for table in tables)] == []


@pytest.mark.parametrize("rival", OF_PAIRS)
def test_what_is_missing_and_what_differs_is_found(rival: str, looks: tuple[Look, Look]) -> None:
    available(rival)
    found = {one.split()[0].rstrip(":") for one in RIVALS[rival](looks[1])}
    assert {"product", "balance_transaction", "gift_card", "dispute"} <= found
    assert not found & {"order", "customer", "line_item", "transaction"}


def test_each_kind_of_rule_has_rules_and_its_query_finds_its_fault(looks: tuple[Look, Look]) -> None:
    clean, damaged = looks
    for kind, (table, _) in BROKEN.items():
        rules = [rule for rule in clean.rules if rule.kind == kind and rule.table == table]
        assert rules and failed(clean.url, rules) == []
        assert failed(damaged.url, rules) != [], kind


@pytest.mark.parametrize("rival", RIVALS)
def test_a_rival_can_see_what_differs_from_clean_data_where_it_looks(rival: str, looks: tuple[Look, Look]) -> None:
    clean, damaged = looks
    assert trials.as_clean(rival, clean, clean) and not trials.can_see(rival, clean, clean)
    assert not trials.as_clean(rival, damaged, clean) and trials.can_see(rival, damaged, clean)


def test_a_break_loses_no_line(tmp_path: Path) -> None:
    figures = tmp_path / "figures" / "rivals.jsonl"
    trials.Told(figures, Progress()).add(SQL, trials.CLEAN, 1, detected=False, can_see=True, seconds=0.1)
    again = trials.Told(figures, Progress())
    assert again.missing([SQL], trials.CLEAN, 1) == [] and again.missing([SQL], trials.CLEAN, 2) == [SQL]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("12.50", "numeric(20,4)", "12.50"),
        ("9007199254740995", "bigint", "9007199254740995"),
        ("2026-03-29T02:30:00+02:00", "timestamp with time zone", "2026-03-29 00:30:00+00:00"),
        ("2024-02-29", "date", "2024-02-29"),
        (True, "boolean", "True"),
        (None, "text", "None"),
    ],
)
def test_values_are_cast_as_declared(value: object, kind: str, text: str) -> None:
    assert str(cast(value, kind)) == text
