"""Rehearsed deletions: what becomes of the children, what else goes along, and that nothing stays deleted."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from dsaudit.scratch import Link, Rehearsal, Scratch, links, rehearsals
from dsaudit.scratch.reflection import reflected
from tests.scratch.conftest import Clone

pytestmark = pytest.mark.xdist_group("scratch")
NOTES = Link("public.event_notes", ("event", "day"), "public.events", ("id", "day"), "cascade")


def by_child(found: list[Rehearsal]) -> dict[str, str]:
    return {f"{one.link.child.rpartition('.')[2]} {' '.join(one.link.columns)}": one.fate for one in found}


def test_every_foreign_key_of_a_hard_schema_is_rehearsed(filled: Scratch) -> None:
    found = rehearsals(filled)
    assert by_child(found) == {
        'Line "item" parent': "nulled",
        'Line "item" tenant_id order_id': "nulled",
        'Line "item" tenant_id': "refused",
        'Line "item" product': "refused",
        "Order tenant_id": "deleted",
        "attachments tenant_id": "refused",
        "attachments product_key": "defaulted",
        "chickens egg": "refused",
        "eggs chicken": "refused",
        "event_notes event day": "deleted",
        "events tenant_id": "deleted",
        "follows follower": "deleted",
        "follows followed": "deleted",
        "left_ right_id": "nulled",
        "right_ left_id": "deleted",
        "needs_signed signed_id": "not tried",
    }
    assert all(one.is_as_declared for one in found if one.fate != "not tried")
    assert all(one.children > 0 for one in found if one.fate != "not tried")
    assert not any(one.too_much for one in found)


def test_what_goes_along_is_told_with_what_was_expected(filled: Scratch) -> None:
    (found,) = [one for one in rehearsals(filled) if one.link.child == "public.events"]
    assert found.along["public.event_notes"].deleted == found.along["public.event_notes"].expected > 0
    assert found.along["public.tenants"].deleted == 1
    assert "line_tenant" in str(found.reason)  # its children refuse the deletion, and were cleared away


def test_children_that_other_references_change_meanwhile_are_told_apart(clone: Clone) -> None:
    # Deleting a parent also nulls what refers to its children, in the same table.
    scratch = clone(
        "create table made_1 (id integer primary key, up integer references made_1 on delete set null, "
        "over integer references made_1 on delete cascade)",
        "insert into made_1 values (1, null, null), (2, null, 1), (3, 2, null), (4, 2, null), (5, 1, null)",
    )
    with psycopg.connect(scratch.url) as connection:
        scratch = replace(scratch, tables=reflected(connection, ["public"]))
    over = Link("public.made_1", ("over",), "public.made_1", ("id",), "cascade")
    up = Link("public.made_1", ("up",), "public.made_1", ("id",), "set_null")
    first, second = rehearsals(scratch, [over, up])
    assert (first.fate, first.children, first.deleted, first.along["public.made_1"].changed) == ("deleted", 1, 1, 3)
    assert (second.fate, second.children, second.nulled) == ("nulled", 2, 2)


def test_rehearsals_leave_nothing(filled: Scratch) -> None:
    rehearsals(filled)
    with psycopg.connect(filled.url) as connection:
        for name, table in filled.tables.items():
            assert connection.execute(f"select count(*) from {table.sql}".encode()).fetchone() == (filled.counts[name],)


@pytest.mark.parametrize(
    ("rule", "fate"),
    [
        ("on delete set null", "nulled"),
        ("on delete restrict", "refused"),
        ("", "refused"),
        ("on delete cascade", "deleted"),
    ],
)
def test_another_rule_than_the_declared_one_is_found(clone: Clone, rule: str, fate: str) -> None:
    scratch = clone(
        "alter table event_notes drop constraint note_event, alter event drop not null, alter day drop not null",
        f"alter table event_notes add constraint note_event foreign key (event, day) references events {rule}",
    )
    (found,) = rehearsals(scratch, [NOTES])
    assert (found.fate, found.is_as_declared) == (fate, fate == "deleted")


def test_without_a_foreign_key_the_children_are_left(clone: Clone) -> None:
    (found,) = rehearsals(clone("alter table event_notes drop constraint note_event"), [NOTES])
    assert (found.fate, found.left, found.deleted, found.is_as_declared) == ("left", found.children, 0, False)


def test_a_trigger_that_keeps_children_back_leaves_orphans(clone: Clone) -> None:
    scratch = clone(
        "create function public.keep() returns trigger language plpgsql as $$ begin return null; end $$",
        "create trigger keep before delete on public.event_notes for each row execute function public.keep()",
    )
    (found,) = rehearsals(scratch, [NOTES])
    assert (found.fate, found.left, found.is_as_declared) == ("left", found.children, False)


def test_a_cascade_that_takes_too_much_is_found(clone: Clone) -> None:
    scratch = clone(
        "create function public.sweep() returns trigger language plpgsql as "
        "$$ begin delete from public.rooms where room <= 7; return old; end $$",
        "create trigger sweep after delete on public.events for each row execute function public.sweep()",
    )
    (found,) = rehearsals(scratch, [NOTES])
    assert (found.fate, found.too_much) == ("deleted", {"public.rooms": 7})


def test_a_cascade_that_nobody_declared_takes_too_much(filled: Scratch) -> None:
    orders = Link("public.Order", ("tenant_id",), "public.tenants", ("id",), "cascade")
    (alone,) = rehearsals(filled, [orders])
    assert (alone.fate, {*alone.too_much}) == ("deleted", {"public.events", "public.event_notes", "public.follows"})


def test_children_of_other_parents_that_go_along_are_too_much(clone: Clone) -> None:
    scratch = clone(
        "create function public.sweep() returns trigger language plpgsql as "
        "$$ begin delete from public.event_notes where event in (old.id + 1, old.id - 1); return old; end $$",
        "create trigger sweep after delete on public.events for each row execute function public.sweep()",
    )
    (found,) = rehearsals(scratch, [NOTES])
    assert (found.deleted, found.children) == (3, 3)
    assert found.too_much["public.event_notes"] > 0


def test_what_is_not_in_the_copy_is_not_tried(filled: Scratch) -> None:
    gone, lacking = rehearsals(filled, [replace(NOTES, child="public.gone"), replace(NOTES, columns=("event", "hour"))])
    assert (gone.fate, gone.reason) == ("not tried", "public.gone is not in the copy")
    assert (lacking.fate, lacking.reason) == ("not tried", "the copy has no column public.event_notes.hour")
    assert gone.is_as_declared is None


def test_links_are_the_foreign_keys_with_their_rules(filled: Scratch) -> None:
    assert NOTES in links(filled)
    assert len(links(filled)) == 16
