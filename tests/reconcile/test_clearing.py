"""What clears rows without a look at them must clear no row that differs: sums of segments, and lines as they lie."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsaudit.reconcile import clearing
from dsaudit.reconcile.inputs import Lines, Task
from dsaudit.reconcile.settled import written
from dsaudit.reconcile.values import Unreadable, agree, as_declared, same_json, typed
from dsaudit.source.reading import parse
from tests.reconcile.tables import Tables, column, found, kinds, payload

ID = [column("id", "integer")]
Row = tuple[int | None, int | None]


def apart(there: list[Row], here: list[Row], is_unique: bool = False) -> set[tuple[int, int, int]]:
    with duckdb.connect() as connection:
        for name, rows in (("there", there), ("here", here)):
            connection.execute(f"create table {name} (k0 bigint, h ubigint)")
            if rows:
                connection.executemany(f"insert into {name} values (?, ?)", rows)
        clearing.set_apart(connection, Task(ID, []), is_unique)
        return set(connection.execute("select k0, there, here from apart").fetchall())


SIDE = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(0, 12)), st.one_of(st.none(), st.integers(0, 2))), max_size=14
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SIDE, SIDE, st.booleans())
def test_only_a_row_that_stands_once_and_equal_on_both_sides_is_cleared(
    monkeypatch: pytest.MonkeyPatch, there: list[Row], here: list[Row], twin: bool
) -> None:
    monkeypatch.setattr(clearing, "SEGMENT_BITS", 2)  # several keys to each segment
    here = list(there) if twin else here
    rows = [Counter(key for key, _ in side if key is not None) for side in (there, here)]
    hashes = [dict(side) for side in (there, here)]
    equal = {
        key for key in rows[0] & rows[1]
        if rows[0][key] == rows[1][key] == 1 and hashes[0][key] is not None and hashes[0][key] == hashes[1][key]
    }  # fmt: skip
    expected = {(key, rows[0][key], rows[1][key]) for key in rows[0] | rows[1] if key not in equal}
    assert apart(there, here) == expected
    if max(rows[1].values(), default=0) < 2:
        assert apart(there, here, is_unique=True) == expected


def test_values_that_two_rows_have_swapped_do_not_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clearing, "SEGMENT_BITS", 1)
    there = [(key, key) for key in range(200)]
    here = [(key, key ^ 1) for key in range(200)]
    assert {key for key, *_ in apart(there, here, is_unique=True)} == set(range(200))


@pytest.mark.parametrize(("declared", "is_known"), [("bigint", True), ("text", False), ("numeric", False)])
def test_an_index_tells_of_keys_only_as_they_are_compared(tables: Tables, declared: str, is_known: bool) -> None:
    values = ["1", "01", "2"] if declared == "text" else ["1", "2", "3"]
    table = tables.table(f"id {declared} primary key, n text", [(value, "x") for value in values])
    assert table.is_unique(ID) is is_known
    if declared == "text":
        told = tables.compare(tables.lines([{"id": 1}, {"id": 1}, {"id": 2, "n": "x"}]), table, ID, [])
        assert found(told) == {"repeated": [(1, 2, 2)]}


def test_the_same_rows_twice_on_both_sides_are_told(tables: Tables) -> None:
    table = tables.table("id bigint, n text", [(1, "a"), (1, "a"), (2, "b")])
    records = [{"id": 1, "n": "a"}, {"id": 1, "n": "a"}, {"id": 2, "n": "b"}]
    told = tables.compare(tables.lines(records), table, ID, [column("n")])
    assert found(told) == {"repeated": [(1, 2, 2)]} and told.counts["equal"] == 1


def test_a_truth_is_no_key(tables: Tables) -> None:
    table = tables.table("id text, n text", [("true", "a"), ("x", "b")])
    told = tables.compare(tables.lines(['{"id": true, "n": "a"}', '{"id": "x", "n": "b"}']), table, [column("id")], [])
    assert told.counts["keyless_there"] == 1 and found(told) == {"extra": [("true",)]}


# Lines as they lie


@pytest.mark.parametrize(
    ("line", "here", "equal"),
    [
        ('{"id": 1, "a": "1", "a": "2"}', "1", False),
        ('{"id": 1, "a": "1", "a": "2"}', "2", True),
        ('{"id": 1, "a": "1", "\\u0061": "2"}', "1", False),
        ('{"id": 7, "a": "2", "id": 1}', "2", True),
        ('{"id": 1, "a": -0}', "-0", False),
        ('{"id": 1, "a": -0}', "0", True),
        ('{"id": 1, "a": "NaN"}', "NaN", True),
        ('{"id": 1, "a": "x "}', "x", False),
        ('{"id": 1, "a": "\\ud800"}', "\ufffd", False),
        ('{"id": 1, "a": "\\u00e9\\"\\\\"}', 'é"\\', True),
        ('{"id": 1, "a": "\\u0000"}', "", False),
        ('{"id": 1, "a": "\\"}", "b": "\\",\\"a\\":2"}', '"}', True),
        ('{"id": 1, "b": [{"a": 1, "a": 2}], "a": "x"}', "x", True),
    ],
)
def test_a_name_that_stands_twice_is_read_as_python_reads_it(tables: Tables, line: str, here: str, equal: bool) -> None:
    table = tables.table("id bigint primary key, a text", [(1, here), (2, None)])
    lines = Lines(tables.lines([line, '{"id": 2}']).path, 2, repeats=True)
    assert kinds_of(tables.compare(lines, table, ID, [column("a")])) == ([] if equal else [1])
    nested = Lines(tables.lines([f'{{"id": 1, "n": {line}}}', '{"id": 2}']).path, 2, repeats=True)
    assert kinds_of(tables.compare(nested, table, ID, [column("a", place="n.a")])) == ([] if equal else [1])


def kinds_of(told: Any) -> list[int]:
    assert not {"missing", "extra", "repeated"} & found(told).keys()
    return [row[0] for row in kinds(told)]


STRINGS = st.sampled_from(['"a"', '"a "', '"\\u00e9"', '"é"', '"e\\u0301"', '"\\n"', '"\\ud800"', '"1.0"', '"1e0"',
                           '"NaN"', '"null"', '"\\/"', '"/"', '"\\\\u0061"', '"[1]"', '"\\""'])  # fmt: skip
TOKENS = st.one_of(STRINGS, st.sampled_from(["1", "1.0", "1.00", "1e0", "-0", "-0.0", "0", "0.1", "true", "null",
                   "0.1000000000000000055", "123456789012345678901234567890", "1e-400", "[1]", "{}"]))  # fmt: skip
MEMBERS = st.lists(st.tuples(st.sampled_from(["a", "b", "\\u0061", "A", "n"]), TOKENS), max_size=4)
RECORD = st.tuples(MEMBERS, MEMBERS, st.booleans())


def record_text(members: list[tuple[str, str]], inner: list[tuple[str, str]], loose: bool) -> str:
    colon, comma = (" : ", "\t, ") if loose else (":", ",")
    nested = "{" + comma.join(f'"{name}"{colon}{token}' for name, token in inner) + "}"
    return comma.join([f'"{name}"{colon}{nested if name == "n" else token}' for name, token in members])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(RECORD, RECORD, st.booleans()), min_size=1, max_size=8), st.booleans())
def test_lines_as_they_lie_are_judged_as_the_slow_way_does(
    tables: Tables, rows: list[tuple[Any, Any, bool]], exact: bool
) -> None:
    columns = [column("a"), column("b", "decimal"), column("c", "text", place="n.a"), column("d", "decimal", "n.b")]
    texts = []
    for n, (there, here, twin) in enumerate(rows):
        pair = (there, there if twin else here)
        texts.append([f'{{"id": {n}{"".join(", " + text for text in [record_text(*one)] if text)}}}' for one in pair])
    stored = [[clean(as_declared(parse(here), one.field)) for one in columns if one.field] for _, here in texts]
    payloads = [here if storable(here) else "{}" for _, here in texts]
    table = tables.table(
        "id bigint primary key, a text, b numeric, c text, d numeric, payload jsonb",
        [(n, *row, whole) for n, (row, whole) in enumerate(zip(stored, payloads, strict=True))],
    )
    lines = Lines(tables.lines([there for there, _ in texts]).path, len(texts), repeats=True)
    with psycopg.connect(tables.url) as connection:
        select = f"select a, b::text, c, d::text, payload::text from ({table.sql}) as t order by id"
        held = connection.execute(select).fetchall()  # type: ignore[call-overload]
    apart = [
        (n, one.name)
        for n, ((there, _), row) in enumerate(zip(texts, held, strict=True))
        for one, text in zip(columns, row, strict=False)
        if one.field and not agree(as_declared(parse(there), one.field), typed(text, one.field.as_), one.field)
    ]
    told = tables.compare(lines, table, ID, columns, exact=exact)
    assert sorted((row["id"], row["field"]) for row in told.different.to_dict("records")) == sorted(apart)
    whole = tables.compare(lines, table, ID, [payload(path="")])
    differing = [n for n, ((there, _), row) in enumerate(zip(texts, held, strict=True))
                 if not same_json(parse(there), parse(row[-1]))]  # fmt: skip
    assert list(whole.different["id"]) == differing


def clean(value: Any) -> Any:
    """What a column of the declared type can hold of a value."""
    if isinstance(value, Unreadable):
        return None
    if isinstance(value, (dict, list)):
        return written(value)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def storable(text: str) -> bool:
    """Whether jsonb takes it: no half of a surrogate pair."""
    return "\\ud8" not in text
