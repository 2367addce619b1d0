"""Statements at once: a deadlock is told, patience that ends is told, and orderly transactions come through."""

from __future__ import annotations

import pytest

from dsaudit.scratch import Scratch, deadlocks

pytestmark = pytest.mark.xdist_group("scratch")
FIRST, SECOND = (f"update public.shards set v = v || '!' where id = {number}" for number in (1, 2))


def test_transactions_in_opposite_order_are_a_deadlock(filled: Scratch) -> None:
    found = deadlocks(filled, [[FIRST, SECOND], [SECOND, FIRST]], rounds=4)
    assert found.deadlocks >= 1
    assert not found.is_clean
    assert found.examples[0].startswith("deadlock: update public.shards")


def test_transactions_in_one_order_come_through(filled: Scratch) -> None:
    found = deadlocks(filled, [[FIRST, SECOND]] * 3, rounds=2)
    assert (found.finished, found.deadlocks, found.timeouts, found.is_clean) == (6, 0, 0, True)


def test_a_lock_that_is_held_too_long_is_told(filled: Scratch) -> None:
    found = deadlocks(filled, [[FIRST, "select pg_sleep(0.6)"]] * 2, rounds=1, lock_seconds=0.4)
    assert (found.timeouts, found.finished) == (1, 1)


def test_another_refusal_is_told_in_words(filled: Scratch) -> None:
    found = deadlocks(filled, [["update public.products set price = -1 where key = 1"]], rounds=2)
    assert found.refused == {'new row for relation "products" violates check constraint "price_positive"': 2}


def test_what_was_written_is_taken_back(filled: Scratch) -> None:
    deadlocks(filled, [[FIRST]], rounds=1)
    with filled.connect() as connection:
        assert connection.execute("select v from public.shards where id = 1").fetchone() == ("v 1",)
