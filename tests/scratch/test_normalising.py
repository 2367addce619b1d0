"""Conditions as PostgreSQL writes them: another spelling is the same, another meaning is not."""

from __future__ import annotations

import pytest

from dsaudit.scratch import Scratch, ScratchError, normalised

pytestmark = pytest.mark.xdist_group("scratch")


@pytest.mark.parametrize(
    ("table", "check", "condition"),
    [
        ("public.products", "price_positive", "price>0"),
        ("public.Order", "order_percent", "percent BETWEEN 0 AND 100"),
        ("public.Order", "order_state", "state in ('open','paid', 'it''s done')"),
        ("public.primes", "n_is_prime", "public.is_prime(n)"),
    ],
)
def test_another_spelling_is_the_same(filled: Scratch, table: str, check: str, condition: str) -> None:
    (constraint,) = [one for one in filled.tables[table].checks if one.name == check]
    assert normalised(filled, table, [condition, "true"]) == [constraint.expression, "true"]


def test_another_meaning_is_not(filled: Scratch) -> None:
    first, second = normalised(filled, "public.products", ["price > 0", "price >= 0"])
    assert first != second


@pytest.mark.parametrize("condition", ["prize > 0", "price", "true); drop table products; --", ""])
def test_what_is_no_condition_is_refused(filled: Scratch, condition: str) -> None:
    with pytest.raises(ScratchError, match=r"public\.products: .* is no condition on its columns"):
        normalised(filled, "public.products", [condition])


def test_a_table_that_is_not_there_is_told(filled: Scratch) -> None:
    with pytest.raises(ScratchError, match=r"the copy has no table public\.gone"):
        normalised(filled, "public.gone", ["true"])
