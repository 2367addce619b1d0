"""PostgreSQL against PostgreSQL: the probes, keys of every kind, and where the servers cannot hash alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsaudit.database import QueryError, ShortRead
from dsaudit.reconcile import inputs, segments
from dsaudit.reconcile.inputs import Table
from dsaudit.reconcile.segments import compare_databases
from tests.reconcile.tables import Tables, found, kinds


def pair(tables: Tables, columns: str, there: Sequence[Any], here: Sequence[Any]) -> tuple[Table, Table]:
    return tables.table(columns, there), tables.table(columns, here)


@pytest.mark.parametrize(
    ("declared", "there", "here", "kind"),
    [
        ("text", None, "<null>", "null at the source"),
        ("text", None, "", "null at the source"),
        ("text", "a ", "a", "blanks at an end"),
        ("text", "A", "a", "letter case"),
        ("text", "é", "e\u0301", "another Unicode form"),
        ("float8", 0.30000000000000004, 0.3, "last digits"),
        ("real", 0.1, 0.10000001, "another number"),
        ("numeric", "12345678901234567890.1230", "12345678901234567890.1231", "last digits"),
        ("timestamptz", "2026-01-01 00:00:00.000001+00", "2026-01-01 00:00:00+00", "below a second"),
        ("timestamp", "2026-01-01 00:00:00.000001", "2026-01-01 00:00:00", "cut off here"),
        ("jsonb", '{"a": true}', '{"a": 1}', "in a"),
        ("json", '{"a": [1]}', '{"a": [1, null]}', "in a"),
        ("interval", "1 mon", "30 days", "another text"),
        ("xml", "<a/>", "<a></a>", "another text"),
        ("boolean", True, None, "null here"),
        ("text[]", ["p|q", "r"], ["p", "q|r"], "another text"),
        ("bytea", b"\x00", b"", "cut off here"),
    ],
)
def test_each_difference_is_found_alone(tables: Tables, declared: str, there: Any, here: Any, kind: str) -> None:
    both = pair(tables, f"id bigint primary key, a {declared}", [(1, there), (2, there)], [(1, here), (2, there)])
    told = compare_databases(*both, ["id"], ["a"])
    assert kinds(told) == [(1, "a", kind)]
    assert told.counts["equal"] == 1 and told.counts["looked_at"] <= 2


@pytest.mark.parametrize(
    ("declared", "there", "here"),
    [
        ("numeric", "1.0", "1.00"),
        ("jsonb", '{"a": 1.0, "b": 2}', '{"b": 2, "a": 1}'),
        ("json", '{"a": 1.0, "b": null}', '{"a":1}'),
        ("float8", -0.0, 0.0),
        ("timestamptz", "2026-01-01 00:00:00+00", "2026-01-01 01:00:00+01"),
    ],
)
def test_equal_values_in_another_dress_are_equal(tables: Tables, declared: str, there: Any, here: Any) -> None:
    both = pair(tables, f"id bigint, a {declared}", [(1, there)], [(1, here)])
    assert found(compare_databases(*both, ["id"], ["a"])) == {}


def test_no_border_between_columns_can_shift(tables: Tables) -> None:
    both = pair(tables, "id int, a text, b text", [(1, "p|q", "r"), (2, None, "x")], [(1, "p", "q|r"), (2, "x", None)])
    assert {row[:2] for row in kinds(compare_databases(*both, ["id"], ["a", "b"]))} == {
        (n, name) for n in (1, 2) for name in ("a", "b")
    }


@pytest.mark.parametrize(("declared", "one", "other"), [("numeric", "1.0", "1.00"), ("real", -0.0, 0.0)])
def test_equal_keys_in_another_dress_are_one(tables: Tables, declared: str, one: Any, other: Any) -> None:
    others = range(2, 10)  # so that one that differs stands in the same segment
    there, here = [(one, "x"), *((n, "x") for n in others)], [(other, "x"), *((n, "y") for n in others)]
    told = compare_databases(*pair(tables, f"k {declared}, a text", there, here), ["k"], ["a"])
    assert kinds(told) == [(str(n), "a", "another text") for n in others] and list(found(told)) == ["different"]


def test_a_key_of_json_is_refused(tables: Tables) -> None:
    with pytest.raises(QueryError, match="k: a key of JSON is written in many ways"):
        compare_databases(*pair(tables, "k jsonb, a text", [("1.0", "x")], [("1.00", "x")]), ["k"], ["a"])


KEYS = ["a:b", "a", "A", "a ", "", "é", "e\u0301", "1", "01", '"q"', "\\", "'", "%s", "null", "{}", "p|q", "a\nb", "🦊"]


def test_text_keys_are_what_they_are(tables: Tables) -> None:
    rows = [(key, n) for n, key in enumerate(KEYS)]
    both = pair(tables, "id text primary key, n int", rows[:-1], [*rows[1:-2], (KEYS[-2], 99), rows[-1]])
    told = compare_databases(*both, ["id"], ["n"])
    assert found(told) == {
        "missing": [("a:b",)], "extra": [("🦊",)], "different": [("a\nb", "n", "another number", 16, 99)],
    }  # fmt: skip
    assert told.counts["equal"] == len(KEYS) - 3


def test_composite_and_uuid_keys(tables: Tables) -> None:
    one, other = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
    columns = "a text, b uuid, c date, n int, primary key (a, b, c)"
    there = [("p", one, "2026-01-01", 1), ("p", other, "2026-01-01", 1), ("q|", one, "2026-01-01", 1)]
    here = [("p", one, "2026-01-01", 2), ("p", other, "2026-01-02", 1), ("q|", one, "2026-01-01", 1)]
    told = compare_databases(*pair(tables, columns, there, here), ["a", "b", "c"], ["n"])
    assert found(told) == {
        "missing": [("p", other, "2026-01-01")],
        "extra": [("p", other, "2026-01-02")],
        "different": [("p", one, "2026-01-01", "n", "another number", 1, 2)],
    }


def test_keys_that_stand_for_several_rows_are_told_first(tables: Tables) -> None:
    there = [(1, 1), (2, 2), (2, 2), (3, 3), (None, 1), (-(2**40), 5)]
    here = [(1, 1), (1, 2), (2, 2), (2, 2), (3, 3), (-(2**40), 5)]
    told = compare_databases(*pair(tables, "id bigint, n int", there, here), ["id"], ["n"])
    assert found(told) == {"repeated": [(1, 1, 2), (2, 2, 2)], "different": [(1, "n", "another number", 1, 2)]}
    assert told.problems[0].startswith("2 keys stand for several rows each")
    assert told.counts["keyless_there"] == 1 and told.counts["equal"] == 2


def test_two_seeds_are_told(tables: Tables) -> None:
    told = compare_databases(*pair(tables, "id int, n int", [(1, 1)], [(1, 2)]), ["id"], ["n"], seeds=2)
    assert "128 bits" in told.claim and told.counts["different"] == 1


def test_tables_of_other_types_are_compared_by_value(tables: Tables) -> None:
    there = tables.table("id bigint, a numeric, t timestamptz", [(1, "1.50", "2026-01-01 00:00+00"), (2, "2", None)])
    here = tables.table("id int, a float8, t timestamptz", [(1, 1.5, "2026-01-01 00:00+00"), (2, 2.5, None)])
    told = compare_databases(there, here, ["id"], ["a", "t"])
    assert kinds(told) == [(2, "a", "another number")]
    assert "form 1" in told.claim


def test_servers_of_other_majors_are_compared_by_value(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    majors = iter("1415")
    monkeypatch.setattr(segments, "_major", lambda side: next(majors))
    told = compare_databases(*pair(tables, "id int, n int", [(1, 1)], [(1, 2)]), ["id"], ["n"])
    assert "form 1" in told.claim and told.counts["different"] == 1


def test_pieces_add_up_and_lost_ones_are_an_error(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "PIECE", 20)
    rows = [(n, "x" * 200) for n in range(3000)]
    there, here = pair(tables, "id bigint primary key, a text", rows, [(n, text + "y" * (n == 7)) for n, text in rows])
    assert len(there.pieces()) > 2
    assert [row[:2] for row in kinds(compare_databases(there, here, ["id"], ["a"]))] == [(7, "a")]
    whole = Table.pieces
    monkeypatch.setattr(Table, "pieces", lambda side: whole(side)[1:])
    with pytest.raises(ShortRead, match="fewer rows"):
        compare_databases(there, here, ["id"], ["a"])


def test_all_may_differ_in_bounded_bundles(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "MOST_ROWS", 700)
    monkeypatch.setattr(segments, "MOST_NAMED", 100)
    there, here = pair(tables, "id int, n int", [(n, 1) for n in range(1500)], [(n, 2) for n in range(1500)])
    told = compare_databases(there, here, ["id"], ["n"], most=10)
    assert told.counts["different"] == 1500 and len(told.different) == 10
    assert told.problems == ["10 of 1500 rows are kept in different"]


CELLS = st.one_of(st.none(), st.sampled_from(["", "a", "A", "a ", "<null>", "p|q", "é", "e\u0301"]))
SIDE = st.dictionaries(st.integers(-3, 9), st.tuples(CELLS, CELLS), max_size=10)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SIDE, SIDE, st.booleans())
def test_the_answer_is_that_of_comparing_every_value(
    tables: Tables, there: dict[int, Any], here: dict[int, Any], as_text: bool
) -> None:
    kind = "text" if as_text else "bigint"
    both = pair(tables, f"id {kind}, a text, b text", *([(n, *row) for n, row in one.items()] for one in (there, here)))
    told = compare_databases(*(replace(one) for one in both), ["id"], ["a", "b"])
    assert {int(key) for key in told.missing["id"]} == there.keys() - here.keys()
    assert {int(key) for key in told.extra["id"]} == here.keys() - there.keys()
    shared = there.keys() & here.keys()
    expected = {(n, "ab"[place]) for n in shared for place in range(2) if there[n][place] != here[n][place]}
    assert {(int(row["id"]), row["field"]) for row in told.different.to_dict("records")} == expected
