"""What is read from statements, how times are extrapolated, and how locks are drawn."""

from __future__ import annotations

import pandas as pd
import pytest

from dsaudit import plots
from dsaudit.migrating.fingerprints import Print, losses, renamed_columns, renamed_tables, updated_columns
from dsaudit.migrating.locking import _extrapolated


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ("ALTER TABLE listings RENAME price TO price_usd", {"price": "price_usd"}),
        ('alter table if exists public."listings" rename column "Price" to price_usd', {"Price": "price_usd"}),
        ("ALTER TABLE offers RENAME price TO price_usd", {}),
        ("ALTER TABLE listings RENAME TO offers", {}),
        ("ALTER TABLE listings RENAME CONSTRAINT a TO b", {}),
    ],
)
def test_a_renamed_column_is_known_by_both_names(statement: str, columns: dict[str, str]) -> None:
    assert renamed_columns([statement], "public.listings") == columns


def test_a_renamed_table_is_known_by_both_names() -> None:
    statements = ["ALTER TABLE listings RENAME TO offers", "alter table shop.a rename b to c"]
    assert renamed_tables(statements) == {"public.listings": "public.offers"}


def test_the_columns_that_an_update_sets_are_known() -> None:
    statements = [
        "UPDATE listings SET quality = 'a = b''c', \"title\" = lower(title) WHERE price = 0",
        "update public.listings set seller_id = (select max(id) from sellers where name = 'Zoë'), note = s.name "
        "from sellers as s where s.id = listings.id",
        "update listings set colour = %(colour)s",
        "update offers set a=1; with new as (update listings set price = 1 returning id) select id from new",
    ]
    assert updated_columns(statements, "public.listings") == {
        "quality",
        "title",
        "seller_id",
        "note",
        "colour",
        "price",
    }


@pytest.mark.parametrize(
    ("after", "updated", "is_meant"),
    [
        (Print(9, 0, 9, "q", "q"), True, True),  # other values, and none the fewer
        (Print(9, 0, 9, "q", "q"), False, False),
        (Print(9, 0, 1, "q", "q"), True, False),  # all the same now
        (Print(9, 9, 0, "q", "q"), True, False),
    ],
)
def test_values_that_a_revision_sets_itself_are_lost_where_they_become_fewer(
    after: Print, updated: bool, is_meant: bool
) -> None:
    before = {"public.a": {"b": Print(9, 0, 9, "p", "p")}}
    named = {"public.a": {"b"} if updated else set()}
    (loss,) = losses(before, {"public.a": {"b": after}}, {"public.a": "public.a"}, named)
    assert (loss.table, loss.column, loss.is_meant) == ("public.a", "b", is_meant)


def test_values_that_went_to_other_rows_are_lost() -> None:
    before = {"public.a": {"b": Print(9, 0, 9, "p", "same")}}
    after = {"public.a": {"b": Print(9, 0, 9, "q", "same")}}
    (loss,) = losses(before, after, {"public.a": "public.a"}, {})
    assert loss.problem == "values lie in other rows"


@pytest.mark.parametrize(
    ("seconds", "rows", "expected"),
    [
        ({100: 0.01}, 10**9, 0.01),
        ({100: 0.02, 400: 0.05, 1600: 0.17}, 1_000_000, 100.01),
        ({100: 0.02, 400: 0.01, 1600: 0.01}, 1_000_000, 0.01),
    ],
)
def test_the_time_grows_with_the_rows_where_it_was_seen_to(
    seconds: dict[int, float], rows: int, expected: float
) -> None:
    assert _extrapolated(seconds, rows) == pytest.approx(expected, rel=0.02)


def test_locks_are_drawn_and_told_in_a_sentence() -> None:
    about = {
        "revision": "0002",
        "table": "public.listings",
        "lock": "ShareLock",
        "expected_rows": 10**6,
        "allowed": 1.0,
    }
    rows = [{**about, "rows": size, "held": size / 10**5, "extrapolated": 10.0} for size in (100, 400, 1600)]
    rows.append({"revision": "0001", "told": "it locks nobody out"})
    axes = plots.migration_locks(pd.DataFrame(rows))
    assert axes.figure.said == "1 lock would be held for longer than 1 s"  # type: ignore[attr-defined]
    assert plots.migration_locks(pd.DataFrame(rows[-1:])).figure.said == "no revision locks anybody out"  # type: ignore[attr-defined]
