"""The attacks: sound constraints refuse them, and each constraint that was taken away is found, and no other."""

from __future__ import annotations

import psycopg
import pytest

from dsaudit.scratch import Attack, Scratch, attacks
from tests.scratch.conftest import Clone

pytestmark = pytest.mark.xdist_group("scratch")
EMPTY = {"public.signed", "public.needs_signed"}
LINE = '"Other Schema"."Line ""item"""'


def told(found: list[Attack], *outcomes: str) -> set[tuple[str, str]]:
    return {(one.kind, one.constraint) for one in found if one.outcome in outcomes}


@pytest.fixture(scope="module")
def sound(filled: Scratch) -> list[Attack]:
    return attacks(filled)


def test_every_constraint_is_attacked_and_refuses(sound: list[Attack], filled: Scratch) -> None:
    assert len(sound) == len({(one.table, one.kind, one.constraint) for one in sound}) == 105
    undecided = [one for one in sound if one.outcome not in ("refused", "mended")]
    assert {one.table for one in undecided} == EMPTY
    assert {one.outcome for one in undecided} == {"not tried"}
    assert {one.reason for one in undecided} == {filled.shortfalls[name] for name in EMPTY}
    kinds = {one.kind for one in sound if one.outcome == "refused"}
    assert kinds == {
        "not null", "unique", "unique of nulls", "primary key", "foreign key", "check", "exclusion", "domain",
    }  # fmt: skip


def test_a_trigger_that_mends_the_row_proves_nothing_for_or_against_its_constraint(sound: list[Attack]) -> None:
    (mended,) = [one for one in sound if one.outcome == "mended"]
    assert (mended.table, mended.constraint, mended.is_decided) == ("public.follows", "since", False)
    assert mended.reason == "a trigger or rule changes the row before it is checked"


def test_the_constraint_and_the_sqlstate_are_told(sound: list[Attack]) -> None:
    (one,) = [one for one in sound if one.constraint == "price_positive"]
    assert (one.outcome, one.sqlstate, one.refused_by) == ("refused", "23514", "price_positive")


def test_attacks_leave_nothing(filled: Scratch) -> None:
    def digests() -> list[object]:
        with filled.connect() as connection:
            return [
                connection.execute(f"select count(*), sum(hashtext(t::text)) from {table.sql} as t".encode()).fetchone()
                for table in filled.tables.values()
            ]

    before = digests()
    attacks(filled)
    assert digests() == before


# Each group is done to one clone; what is in it does not meet.
MUTATIONS = {
    "keys": {
        "alter table tenants drop constraint tenants_name_key": {("unique", "tenants_name_key")},
        'drop index "one open"': {("unique", "one open")},
        "drop index products_lower": {("unique", "products_lower")},
        "alter table products drop constraint products_barcode, add constraint products_barcode unique (barcode)": {
            ("unique of nulls", "products_barcode")
        },
        "alter table attachments drop constraint attachments_pkey": {("primary key", "attachments_pkey")},
        "alter table shards drop constraint shards_pkey": {("primary key", "shards_pkey")},
        "alter table rooms drop constraint rooms_free": {("exclusion", "rooms_free")},
    },
    "checks": {
        'alter table "Order" alter "Mixed Case" drop not null': {("not null", "Mixed Case")},
        "alter table products drop constraint price_positive": {("check", "price_positive")},
        'alter table "Order" drop constraint order_ends_later': {("check", "order_ends_later")},
        'alter table "Order" drop constraint order_doubled': {("check", "order_doubled")},
        "alter table attachments drop constraint attached_to_one": {("check", "attached_to_one")},
        "alter table events_2025 drop constraint only_2025": {("check", "only_2025")},
        "alter table events drop constraint event_kind": {("check", "event_kind")},
    },
    "one check": {'alter table "Order" drop constraint order_state': {("check", "order_state")}},
    "domains": {
        "alter domain positive drop constraint positive_is_positive": {
            ("domain", "positive_is_positive of size"),
            ("domain", "positive_is_positive of amount"),
        },
        "alter domain email drop constraint email_has_at": {("domain", "email_has_at of contact")},
        "alter domain email drop not null": {("domain", "email of contact")},
    },
    "foreign keys": {
        f"alter table {LINE} drop constraint line_product": {("foreign key", "line_product")},
        f'alter table {LINE} drop constraint "Line ""item""_parent_fkey"': {("foreign key", 'Line "item"_parent_fkey')},
        "alter table event_notes drop constraint note_event": {("foreign key", "note_event")},
        "alter table events drop constraint events_tenant_id_fkey": {("foreign key", "events_tenant_id_fkey")},
        "alter table attachments disable trigger all": {
            ("foreign key", "attachments_tenant_id_fkey"),
            ("foreign key", "attachments_product_key_fkey"),
        },
    },
    "one of two foreign keys": {f"alter table {LINE} drop constraint line_order": {("foreign key", "line_order")}},
    "the other of them": {f"alter table {LINE} drop constraint line_tenant": {("foreign key", "line_tenant")}},
}


@pytest.mark.parametrize("mutations", MUTATIONS.values(), ids=MUTATIONS)
def test_a_constraint_that_is_gone_is_the_one_that_accepts(
    clone: Clone, mutations: dict[str, set[tuple[str, str]]]
) -> None:
    found = attacks(clone(*mutations))
    assert told(found, "accepted") == set().union(*mutations.values())
    assert told(found, "mended") == {("not null", "since")}


def test_a_domain_that_takes_null_is_not_saved_by_its_column(clone: Clone) -> None:
    scratch = clone("alter table tenants alter contact set not null", "alter domain email drop not null")
    (one,) = [one for one in attacks(scratch) if (one.kind, one.constraint) == ("domain", "email of contact")]
    assert (one.outcome, one.refused_by) == ("refused by another", "contact")


def test_a_foreign_key_that_is_not_validated_still_refuses(clone: Clone) -> None:
    found = attacks(
        clone(
            "alter table event_notes drop constraint note_event",
            "alter table event_notes add constraint note_event foreign key (event, day) references events not valid",
        )
    )
    assert ("foreign key", "note_event") in told(found, "refused")


def test_a_foreign_key_that_is_not_enforced_accepts(clone: Clone, filled: Scratch) -> None:
    statement = "alter table event_notes alter constraint note_event not enforced"
    if filled.version < 180000:  # which does not know it
        with pytest.raises(psycopg.errors.SyntaxError):
            clone(statement)
    else:
        assert told(attacks(clone(statement)), "accepted") == {("foreign key", "note_event")}


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        ("return null", {"swallowed": {("check", "price_positive")}, "mended": {("not null", "since")}}),
        # An update is not mended, and so shows that the constraint is at work.
        ("new.price := abs(new.price) + 1; return new", {"swallowed": set(), "mended": {("not null", "since")}}),
    ],
    ids=["kept out", "changed"],
)
def test_a_trigger_that_swallows_the_violation_is_told(
    clone: Clone, body: str, outcomes: dict[str, set[tuple[str, str]]]
) -> None:
    scratch = clone(
        "create function public.swallow() returns trigger language plpgsql as "
        f"$$ begin if new.price <= 0 then {body}; end if; return new; end $$",
        "create trigger swallow before insert on public.products for each row execute function public.swallow()",
    )
    found = attacks(scratch)
    assert {outcome: told(found, outcome) for outcome in outcomes} == outcomes


def test_a_table_that_lets_no_row_in_is_not_tried(clone: Clone) -> None:
    scratch = clone(
        "create function public.closed() returns trigger language plpgsql as "
        "$$ begin raise exception 'closed for today'; end $$",
        "create trigger closed before insert or update on public.rooms for each row execute function public.closed()",
    )
    closed = [one for one in attacks(scratch) if one.table == "public.rooms"]
    assert {one.outcome for one in closed} == {"not tried"}
    assert {one.reason for one in closed} == {"a row cannot be changed: closed for today"}


def test_another_constraint_that_comes_first_is_no_proof(clone: Clone) -> None:
    scratch = clone(
        "alter table products add constraint a_price check (price > 0)",
        "alter table products drop constraint price_positive",
    )
    (one,) = [one for one in attacks(scratch) if one.constraint == "price_positive"]
    assert (one.outcome, one.refused_by, one.is_decided) == ("refused by another", "a_price", False)
