"""What a comparison that hashes text gets wrong: each difference alone in its row, and each found."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from dsaudit.reconcile.forms import Column
from tests.reconcile.tables import Tables, column, found, kinds, payload

ID = [column("id", "integer")]
NOT_THERE = "not of its type at the source"
NFC = unicodedata.normalize("NFC", "é")
NFD = unicodedata.normalize("NFD", "é")


def one_row(tables: Tables, kind: str, declared: str, there: str, here: Any, **how: Any) -> list[tuple[Any, ...]]:
    """Compare one value, as JSON text there, between two rows that are equal."""
    rows = [(1, None), (2, here), (3, None)]
    lines = ['{"id": 1, "a": null}', f'{{"id": 2, "a": {there}}}', '{"id": 3}']
    table = tables.table(f"id bigint primary key, a {declared}", rows)
    told = tables.compare(tables.lines(lines), table, ID, [column("a", kind, **how)])
    assert told.counts["there"] == told.counts["here"] == 3
    assert told.counts["equal"] == 3 - told.counts["different"]
    return [(row["id"], row["kind"]) for row in told.different.to_dict("records")]


@pytest.mark.parametrize(
    ("kind", "declared", "there", "here", "told"),
    [
        ("text", "text", "null", "<null>", "null at the source"),
        ("text", "text", '"<null>"', None, "null here"),
        ("text", "text", "null", "", "null at the source"),
        ("text", "text", '"null"', None, "null here"),
        ("text", "text", '""', None, "null here"),
        ("text", "text", '"a "', "a", "blanks at an end"),
        ("text", "text", '"Straße"', "STRASSE", "letter case"),
        ("text", "text", f'"{NFC}"', NFD, "another Unicode form"),
        ("text", "text", f'"{NFD}"', NFC, "another Unicode form"),
        ("text", "text", '"\\ud800"', "\ufffd", "another text"),
        ("text", "text", '"a\\u0000b"', "ab", "another text"),
        ("text", "text", "1.50", "1.5", "cut off here"),
        ("text", "text", "true", "1", "another text"),
        ("decimal", "float8", "0.30000000000000004", 0.3, "last digits"),
        ("decimal", "float8", "0.3", 0.30000000000000004, "last digits"),
        ("decimal", "numeric", "12345678901234567890.1230", "12345678901234567890.1231", "last digits"),
        ("decimal", "numeric", "0.1000000000000000055", "0.1", "last digits"),
        ("decimal", "numeric", f"{'9' * 60}.1", f"{'9' * 60}.2", "last digits"),
        ("decimal", "numeric", '"NaN0"', "NaN", "not of its type here"),
        ("decimal", "numeric", '"NaN.0"', "NaN", "not of its type here"),
        ("money", "numeric(12,2)", "10.00", "0.10", "100 times too small"),
        ("integer", "bigint", "9007199254740993", 9007199254740992, "last digits"),
        ("integer", "numeric", str(2**127), 2**127 + 1, "last digits"),
        ("integer", "bigint", "1.5", 2, NOT_THERE),
        ("integer", "bigint", "true", 1, NOT_THERE),
        ("boolean", "boolean", "1", True, NOT_THERE),
        ("boolean", "boolean", '"t"', True, NOT_THERE),
        ("boolean", "boolean", "false", None, "null here"),
        ("instant", "timestamptz", '"2026-01-01T00:00:00.000001Z"', "2026-01-01 00:00:00+00", "below a second"),
        ("instant", "timestamptz", '"2026-01-01T00:00:00.0000001Z"', "2026-01-01 00:00:00+00", NOT_THERE),
        ("instant", "timestamptz", '"2026-01-01T00:00:00"', "2026-01-01 00:00:00+00", NOT_THERE),
        ("instant", "timestamptz", '"2026-01-01T00:00:60Z"', "2026-01-01 00:01:00+00", NOT_THERE),
        ("instant", "timestamptz", '"2026-01-01T05:00:00Z"', "2026-01-01 00:00:00+00", "-5 h, like a time zone"),
        ("instant", "timestamptz", '"9999-12-31T00:00:00Z"', "infinity", "not of its type here"),
        ("date", "date", '"2028-02-29"', "2028-03-01", "another value"),
        ("date", "date", '"infinity"', "infinity", None),
    ],
)  # fmt: skip
def test_a_difference_is_found(
    tables: Tables, kind: str, declared: str, there: str, here: Any, told: str | None
) -> None:
    assert one_row(tables, kind, declared, there, here) == ([(2, told)] if told else [])


@pytest.mark.parametrize(
    ("kind", "declared", "there", "here"),
    [
        ("text", "text", '"\\u00e9 \\"q\\" \\\\ \\n"', 'é "q" \\ \n'),
        ("text", "text", "7", "7"),
        ("text", "text", "true", "true"),
        ("decimal", "numeric", "1e2", "100.000"),
        ("decimal", "numeric", "-0.0", "0"),
        ("decimal", "numeric", '"12345678901234567890.1230"', "12345678901234567890.12300"),
        ("decimal", "numeric", "12345678901234567890.1230", "12345678901234567890.12300"),
        ("decimal", "float8", "1e300", 1e300),
        ("decimal", "real", "0.1", 0.1),
        ("decimal", "numeric", f'"{"9" * 60}.10"', f"{'9' * 60}.1"),
        ("integer", "bigint", '"007"', 7),
        ("integer", "numeric", str(2**127), 2**127),
        ("integer", "bigint", "7.0", 7),
        ("instant", "timestamptz", '"2026-11-01T01:30:00.000001-04:00"', "2026-11-01 05:30:00.000001+00"),
        ("instant", "timestamptz", '"2026-11-01T01:30:00.0000010Z"', "2026-11-01 01:30:00.000001+00"),
        ("instant", "timestamptz", '"0001-01-02T00:00:00Z"', "0001-01-02 00:00:00+00"),
        ("boolean", "boolean", '"true"', True),
        ("date", "date", '"2028-02-29"', "2028-02-29"),
    ],
)
def test_the_same_value_in_another_dress_is_no_difference(
    tables: Tables, kind: str, declared: str, there: str, here: Any
) -> None:
    assert one_row(tables, kind, declared, there, here) == []


def test_no_border_between_columns_can_shift(tables: Tables) -> None:
    records = [{"id": 1, "a": "p|q", "b": "r"}, {"id": 2, "a": None, "b": "x"}, {"id": 3, "a": "x", "b": ""}]
    table = tables.table("id bigint, a text, b text", [(1, "p", "q|r"), (2, "x", None), (3, "", "x")])
    told = tables.compare(tables.lines(records), table, ID, [column("a"), column("b")])
    assert {row[:2] for row in kinds(told)} == {(n, name) for n in (1, 2, 3) for name in ("a", "b")}


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("there", "here", "equal"),
    [
        ('{"a": 1.0, "b": [1, {"c": "é"}]}', '{"b": [1, {"c": "\\u00e9"}], "a": 1}', True),
        ('{"a": 1e2}', '{"a": 100}', True),
        ('{"a": null}', "{}", True),
        ('{"a": true}', '{"a": 1}', False),
        ('{"a": [1, 2]}', '{"a": [2, 1]}', False),
        ('{"a": "x "}', '{"a": "x"}', False),
        ('{"a": 123456789012345678901234}', '{"a": 123456789012345678901235}', False),
        (f'{{"a": "{NFC}"}}', f'{{"a": "{NFD}"}}', False),
        ('{"a": ""}', '{"a": null}', False),
    ],
)
def test_a_payload_is_compared_by_what_it_means(
    tables: Tables, there: str, here: str, equal: bool, exact: bool
) -> None:
    table = tables.table("id bigint, payload jsonb", [(1, here)])
    lines = tables.lines([f'{{"id": 1, "payload": {there}}}'])
    told = tables.compare(lines, table, ID, [payload()], exact=exact)
    assert told.counts["different"] == (0 if equal else 1)
    assert [row["kind"] for row in told.different.to_dict("records")] == ([] if equal else ["in a"])


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("12345678901234567890.1230", "12345678901234567890.1231"),
        ("0.1000000000000000055", "0.1"),
        ("1e-400", "0"),
        ("12345678901234.56789", "12345678901234.567891"),
    ],
)
def test_a_payload_is_exact_unless_doubles_are_asked_for(tables: Tables, there: str, here: str) -> None:
    table = tables.table("id bigint, payload jsonb", [(1, f'{{"a": {here}}}')])
    lines = tables.lines([f'{{"id": 1, "payload": {{"a": {there}}}}}'])
    assert tables.compare(lines, table, ID, [payload()]).counts["different"] == 1
    by_doubles = tables.compare(lines, table, ID, [payload()], exact=False)
    assert "up to a double" in by_doubles.claim


def test_the_whole_record_can_be_the_payload(tables: Tables) -> None:
    record = {"id": 1, "z": [1], "a": {"b": None}}
    table = tables.table("id bigint, payload jsonb", [(1, json.dumps(record)), (2, "{}")])
    told = tables.compare(tables.lines([record, {"id": 2, "x": 1}]), table, ID, [payload(path="")])
    assert kinds(told) == [(2, "payload", "in id, x")]


KEYS = [
    "a:b",
    "a",
    "A",
    "a ",
    " a",
    "",
    "é",
    "e\u0301",
    "1",
    "01",
    '"q"',
    "\\",
    "'",
    "null",
    "<null>",
    "p|q",
    "a\nb",
    "🦊",
]


def test_text_keys_are_what_they_are(tables: Tables) -> None:
    table = tables.table("id text, n bigint", [(key, n) for n, key in enumerate(KEYS)])
    told = tables.compare(
        tables.lines([{"id": key, "n": n} for n, key in enumerate(KEYS)]),
        table,
        [column("id")],
        [column("n", "integer")],
    )
    assert found(told) == {} and told.counts["equal"] == len(KEYS)


def test_parts_of_a_composite_key_do_not_run_together(tables: Tables) -> None:
    keys: list[Column] = [column("a"), column("b")]
    table = tables.table("a text, b text", [("p", "q|r"), ("x", "")])
    told = tables.compare(tables.lines([{"a": "p|q", "b": "r"}, {"a": "x", "b": ""}]), table, keys, [])
    assert found(told) == {"missing": [("p|q", "r")], "extra": [("p", "q|r")]}
