"""Keys first, tolerances, broken streams, bounded memory, and the engine's answer held against the naive one."""

from __future__ import annotations

import gzip
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsaudit import server
from dsaudit.database import QueryError, ShortRead, SnapshotLost, TimeLimit
from dsaudit.reconcile import inputs
from dsaudit.reconcile.clearing import set_apart
from dsaudit.reconcile.compare import workspace
from dsaudit.reconcile.inputs import Lines, Rows
from dsaudit.reconcile.values import agree, at_source, same_json, typed
from dsaudit.source.reading import SourceError, parse
from tests.reconcile.tables import Tables, column, found, kinds, opened, payload

ID = [column("id", "integer")]
N = [column("n", "integer")]


def test_keys_that_stand_for_several_rows_are_told_first(tables: Tables) -> None:
    table = tables.table("id bigint, n bigint", [(1, 1), (1, 2), (2, 2), (3, 3), (5, 5), (5, 5), (None, 9)])
    records = [{"id": n, "n": n} for n in (1, 2, 2, 3, 4, 4)] + [{"id": None, "n": 1}, {"n": 1}, {"id": "x", "n": 1}]
    told = tables.compare(tables.lines(records), table, ID, N)
    assert found(told) == {
        "repeated": [(1, 1, 2), (2, 2, 1), (4, 2, 0), (5, 0, 2)],
        "missing": [(4,)],
        "extra": [(5,)],
        "different": [(1, "n", "another number", 1, 2)],
    }
    assert told.problems[0].startswith("4 keys stand for several rows each")
    assert told.counts["keyless_there"] == 3 and told.counts["keyless_here"] == 1
    assert told.counts["equal"] == 1


def test_copies_of_one_key_make_no_square(tables: Tables) -> None:
    tables.execute("create table many as select 1::bigint as id, n from generate_series(1, 30000) as n")
    tables.database._catalogue = None
    table = inputs.Table(tables.database, "select * from public.many")
    told = tables.compare(tables.lines([{"id": 1, "n": n} for n in range(1, 30001)]), table, ID, N)
    assert found(told) == {"repeated": [(1, 30000, 30000)]}


# Tolerances


@pytest.mark.parametrize(
    ("rule", "there", "here", "declared", "equal"),
    [
        ({"as": "money", "within": "0.01"}, "10.00", "10.01", "numeric", True),
        ({"as": "money", "within": "0.01"}, "10.00", "10.011", "numeric", False),
        ({"as": "decimal", "within": "1e-30"}, "1." + "0" * 29 + "1", "1." + "0" * 29 + "3", "numeric", False),
        ({"as": "integer", "within": 2}, 5, 7, "bigint", True),
        ({"as": "integer", "within": 2}, 5, None, "bigint", False),
        ({"as": "instant", "within": 1}, "2026-01-01T00:00:00Z", "2026-01-01 00:00:01+00", "timestamptz", True),
        ({"as": "instant", "within": 1}, "2026-01-01T00:00:00Z", "2026-01-01 00:00:01.000001+00", "timestamptz", False),
        ({"as": "instant", "within": "0.000001"}, "2026-01-01T00:00:00.1234567Z", "2026-01-01 00:00:00.123457+00",
         "timestamptz", True),
        ({"as": "money", "minor": 2}, 1999, "19.99", "numeric(12,2)", True),
        ({"as": "money", "minor": 2}, "-5", "-0.05", "numeric(12,2)", True),
        ({"as": "money", "minor": 2}, 1999, "1999", "numeric(12,2)", False),
        ({"as": "money", "minor": 0}, 1999, "1999", "numeric(12,2)", True),
        ({"as": "money", "minor": 2}, "19.99", "0.1999", "numeric", True),
        ({"as": "money", "minor": 2}, "9" * 60, "9" * 58 + ".99", "numeric", True),
        ({"as": "money", "minor": 2}, "9" * 60, "9" * 58 + ".98", "numeric", False),
        ({"as": "money", "minor": 2}, 1999, 19.99, "float8", True),
        ({"as": "instant", "epoch": "seconds"}, 1764115200, "2025-11-26 00:00:00+00", "timestamptz", True),
        ({"as": "instant", "epoch": "milliseconds"}, 1764115200001, "2025-11-26 00:00:00.001+00", "timestamptz", True),
        ({"as": "instant", "epoch": "seconds"}, 1764115200.5, "2025-11-26 00:00:00.5+00", "timestamptz", True),
        ({"as": "instant", "epoch": "seconds"}, 1764115200, "2025-11-26 00:00:01+00", "timestamptz", False),
        ({"as": "instant", "epoch": "seconds"}, 99999999999999, "2025-11-26 00:00:01+00", "timestamptz", False),
        ({"as": "text", "ignore": True}, "a", "b", "text", True),
    ],
)  # fmt: skip
def test_a_field_is_read_and_let_pass_as_declared(
    tables: Tables, rule: dict[str, Any], there: Any, here: Any, declared: str, equal: bool
) -> None:
    table = tables.table(f"id bigint, a {declared}", [(1, here)])
    kind = rule.pop("as")
    told = tables.compare(tables.lines([{"id": 1, "a": there}]), table, ID, [column("a", kind, **rule)])
    assert told.counts["different"] == (0 if equal else 1), found(told)


def test_the_currency_says_what_its_minor_unit_is(tables: Tables) -> None:
    cases: list[tuple[str | None, Any, str, bool]] = [
        ("EUR", 1999, "19.99", True), ("JPY", 1999, "1999", True), ("KWD", 1999, "1.999", True),
        ("CLF", 5, "0.0005", True),
        ("JPY", 1999, "19.99", False), ("KWD", 1999, "19.99", False), ("eur", 1999, "19.99", False),
        (None, 1999, "19.99", False), ("KWD", -7, "-0.007", True), ("EUR", None, "0", False),
    ]  # fmt: skip
    table = tables.table("id bigint, a numeric(12,4)", [(n, case[2]) for n, case in enumerate(cases)])
    records = [{"id": n, "a": case[1], "money": {"code": case[0]}} for n, case in enumerate(cases)]
    told = tables.compare(tables.lines(records), table, ID, [column("a", "money", currency="money.code")])
    assert list(told.different["id"]) == [n for n, case in enumerate(cases) if not case[3]]
    assert told.counts["looked_at"] == len(told.different)


# Files


def test_parquet_and_csv_are_compared_as_their_columns_are(tables: Tables) -> None:
    path = tables.folder / "x.parquet"
    duckdb.execute(
        "copy (select * from (values (1, 'a', 1.50::decimal(9,2), timestamptz '2026-01-01 00:00:00.000001+00',"
        " 0.1::double, {'b': 'x'}, '{\"q\": 1}'), (2, null, null, null, null, null, null),"
        " (3, '', 0, timestamptz 'infinity',"
        " 'nan'::double, {'b': ''}, '[]')) as t (id, s, d, t, f, n, payload)) to '" + str(path) + "' (format parquet)"
    )  # fmt: skip
    rows = [(1, "a", "1.5", "2026-01-01 00:00:00.000001+00", 0.1, "x", '{"q": 1.0}'), (2,) + (None,) * 6,
            (3, None, "0.00", "infinity", float("nan"), None, "{}")]  # fmt: skip
    table = tables.table("id bigint, s text, d numeric, t timestamptz, f float8, n text, payload jsonb", rows)
    columns = [column("s"), column("d", "decimal"), column("t", "instant"), column("f", "decimal")]
    told = tables.compare(Rows.of(path, 3), table, ID, [*columns, column("n", "text", "n.b"), payload()])
    assert [row[:2] for row in kinds(told)] == [(3, "s"), (3, "f"), (3, "n"), (3, "payload")]


def test_a_csv_tells_null_from_an_empty_text(tables: Tables) -> None:
    path = tables.folder / "x.csv"
    path.write_text('id,s,d\n1,,1.50\n2,"",007\n3,"a,""b"" ",\n', encoding="utf-8")
    table = tables.table("id bigint, s text, d numeric", [(1, None, "1.5"), (2, "", "7"), (3, 'a,"b" ', None)])
    told = tables.compare(Rows.of(path, 3), table, ID, [column("s"), column("d", "decimal")])
    assert found(told) == {} and told.counts["equal"] == 3


def test_a_compressed_file_and_blank_lines_are_read(tables: Tables) -> None:
    path = tables.folder / "x.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write('{"id": 1, "n": 1}\n\n  \n{"id": 2, "n": "\\ud800"}\n')
    table = tables.table("id bigint, n text", [(1, "1"), (2, "x")])
    told = tables.compare(Lines(path), table, ID, [column("n")])
    assert kinds(told) == [(2, "n", "another text")]


@pytest.mark.parametrize("what", ["cut line", "cut file", "cut archive", "no file", "no UTF-8", "no JSON"])
def test_a_source_that_is_not_whole_judges_nothing(tables: Tables, what: str) -> None:
    lines = tables.lines([{"id": n, "n": n} for n in range(1000)])
    text = lines.path.read_bytes()
    if what == "cut archive":
        lines = Lines(tables.folder / "x.jsonl.gz", 1000)
        lines.path.write_bytes(gzip.compress(text)[:-20])
    else:
        cut = {
            "cut line": text[:-5],
            "cut file": text[: text.rindex(b"\n", 0, -1) + 1],
            "no UTF-8": text + b'{"id": "\xff"}',
        }
        lines.path.write_bytes(cut.get(what, text + b'{"id": NaN}\n'))
    if what == "no file":
        lines.path.unlink()
    table = tables.table("id bigint, n bigint", [(n, n) for n in range(1000)])
    with pytest.raises(SourceError) as raised:
        tables.compare(lines, table, ID, N)
    assert lines.path.name in str(raised.value) and "\n" not in str(raised.value)


# PostgreSQL that breaks off


@pytest.fixture
def large(tables: Tables, postgres: server.Server, monkeypatch: pytest.MonkeyPatch) -> tuple[Lines, inputs.Table]:
    """A table of several pieces, and its source."""
    monkeypatch.setattr(inputs, "PIECE", 200)
    rows = [(n, "x" * 800) for n in range(5000)]
    table = tables.table("id bigint primary key, n text", rows)
    assert len(table.pieces()) > 2
    return tables.lines([{"id": n, "n": "x" * 800} for n, _ in rows]), table


def test_pieces_bring_every_row_once(tables: Tables, large: tuple[Lines, inputs.Table]) -> None:
    told = tables.compare(*large, ID, [column("n")])
    assert told.counts["equal"] == told.counts["here"] == 5000


def test_a_connection_that_is_cut_is_an_error(tables: Tables, large: tuple[Lines, inputs.Table]) -> None:
    lines, table = large
    slow = inputs.Table(table.database, f"select *, pg_sleep(0.002) from ({table.sql}) as s", {}, table.tables, "place")

    def cut() -> None:
        with psycopg.connect(tables.url, autocommit=True) as connection:
            for _ in range(3000):
                busy = "query ilike 'copy%pg_sleep%' and state = 'active'"
                sql = f"select pg_terminate_backend(pid) from pg_stat_activity where {busy}"
                if connection.execute(sql).fetchall():  # type: ignore[call-overload]
                    return
                time.sleep(0.01)

    cutter = threading.Thread(target=cut)
    cutter.start()
    with pytest.raises((ShortRead, TimeLimit)) as raised:
        tables.compare(lines, slow, ID, [column("n"), column("pg_sleep")])
    cutter.join()
    assert "\n" not in str(raised.value)


def test_a_stream_that_loses_rows_is_an_error(
    tables: Tables, large: tuple[Lines, inputs.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = inputs.Table.pieces
    monkeypatch.setattr(inputs.Table, "pieces", lambda side: whole(side)[1:])
    with pytest.raises(ShortRead, match="a part is missing"):
        tables.compare(*large, ID, [column("n")])


def test_what_comes_after_the_instant_is_not_seen(tables: Tables, large: tuple[Lines, inputs.Table]) -> None:
    lines, table = large
    with tables.database.held_snapshot() as name:
        tables.database.snapshot = name
        try:
            tables.execute(table.sql.replace("select x.*, x.ctid as place from", "delete from").replace(" as x", ""))
            assert tables.compare(lines, table, ID, [column("n")]).counts["equal"] == 5000
        finally:
            tables.database.snapshot = None


def test_a_stream_runs_a_select_alone_and_shows_no_value(tables: Tables) -> None:
    with pytest.raises(QueryError, match="only a select"), tables.database.stream("drop table x"):
        pass
    with pytest.raises(QueryError) as raised, tables.database.stream("select 'a secret'::int"):
        pass
    assert "secret" not in str(raised.value)


def test_a_refused_query_a_lost_snapshot_and_a_time_limit_are_told_apart(tables: Tables, database: Any) -> None:
    table = tables.table("id bigint, n text", [(1, "1")])
    broken = inputs.Table(tables.database, f"select id, (1 / (id - 1))::text as n from ({table.sql}) as s")
    with pytest.raises(QueryError):
        tables.compare(tables.lines([{"id": 1}]), broken, ID, [column("n")])
    late = opened(tables.url, statement_timeout=0.2)
    try:
        with pytest.raises(TimeLimit):
            slow = inputs.Table(late, f"select id, pg_sleep(3)::text as n from ({table.sql}) as s")
            tables.compare(tables.lines([{"id": 1}]), slow, ID, [column("n")])
        late.snapshot = "00000003-0000001B-1"
        with pytest.raises(SnapshotLost):
            tables.compare(tables.lines([{"id": 1}]), inputs.Table(late, table.sql), ID, [column("n")])
    finally:
        late.close()


# Memory


def test_memory_is_bounded_and_the_rest_goes_to_a_private_folder(tmp_path: Path) -> None:
    with workspace("60MB", tmp_path) as connection:
        folder = next(tmp_path.iterdir())
        assert folder.stat().st_mode & 0o777 == 0o700
        connection.execute("create table there as select i as k0, hash(i) as h from range(3000000) as r (i)")
        connection.execute("create table here as select * from there where k0 <> 7")
        task = inputs.Task(ID, [])
        set_apart(connection, task, False)
        assert connection.execute("select k0, there, here from apart").fetchall() == [(7, 1, 0)]
    assert not list(tmp_path.iterdir())


# The naive answer

TEXTS = st.sampled_from(["", "a", "A", "a ", " a", "<null>", "null", "NULL", "p|q", "é", "e\u0301", "1", "01", "1.0",
                         "1.50", "true", "1e2", "\\", '"', "🦊", "NaN", "[]", "{}"])  # fmt: skip
NUMBERS = st.sampled_from(["0", "-0", "1", "1.0", "1.50", "1.5", "1e2", "100", "0.1", "0.1000000000000000055", "NaN",
                           "9007199254740993", "9007199254740992", "123456789012345678901234567890.5", "-0.30", "0.3",
                           "0.30000000000000004", "1e-7", "0.0000001"])  # fmt: skip
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.0000001Z",
                         "2026-01-01T00:00:00.000001Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
                         "2026-01-01 00:00:00+00:00", "2026-01-01T00:00:00"])  # fmt: skip
RAW_NUMBERS = NUMBERS.filter(lambda text: text not in ("NaN", "01"))
VALUES = {
    "text": (st.one_of(TEXTS.map(json.dumps), RAW_NUMBERS, st.sampled_from(["true", "null", "[1, 2]", "{}"])),
             TEXTS, "text"),
    "decimal": (st.one_of(NUMBERS.map(json.dumps), RAW_NUMBERS, st.sampled_from(["true", "null"])), NUMBERS, "numeric"),
    "integer": (st.one_of(NUMBERS.map(json.dumps), RAW_NUMBERS, st.sampled_from(["true", "null"])),
                NUMBERS.filter(lambda text: "NaN" not in text), "numeric"),
    "instant": (st.one_of(TIMES.map(json.dumps), st.sampled_from(["null", "5"])),
                TIMES.filter(lambda text: text[-1] == "Z" or "+" in text), "timestamptz"),
    "boolean": (st.sampled_from(["true", "false", "null", "1", "0", '"true"', '"t"', '"True"']),
                st.sampled_from(["true", "false"]), "boolean"),
}  # fmt: skip
ROWS = st.lists(
    st.tuples(*(st.tuples(there, st.one_of(st.none(), here)) for there, here, _ in VALUES.values())),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.booleans())
def test_the_answer_is_that_of_comparing_every_value(tables: Tables, rows: list[Any], exact: bool) -> None:
    columns = [column(kind, kind) for kind in VALUES]
    records = [
        f'{{"id": {n}, ' + ", ".join(f'"{kind}": {there}' for kind, (there, _) in zip(VALUES, row, strict=True)) + "}"
        for n, row in enumerate(rows)
    ]
    table = tables.table("id bigint, " + ", ".join(f"{kind} {declared}" for kind, (*_, declared) in VALUES.items()),
                         [(n, *(here for _, here in row)) for n, row in enumerate(rows)])  # fmt: skip
    names = ", ".join(f"{kind}::text" for kind in VALUES)
    with psycopg.connect(tables.url) as connection:
        sql = f"select {names} from ({table.sql}) as t order by id"
        stored = connection.execute(sql).fetchall()  # type: ignore[call-overload]
    expected = []
    for n, (record, texts) in enumerate(zip(map(parse, records), stored, strict=True)):
        for one, text in zip(columns, texts, strict=True):
            assert one.field
            if not agree(at_source(record[one.name], one.field), typed(text, one.field.as_), one.field):
                expected.append((n, one.name))
    told = tables.compare(tables.lines(records), table, ID, columns, exact=exact)
    assert sorted((row["id"], row["field"]) for row in told.different.to_dict("records")) == sorted(expected)


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70),
                    st.sampled_from(["", "a ", "é", "e\u0301", "🦊"]),
                    st.sampled_from(["1.0", "1.50", "1e2", "0.1000000000000000055", "-0.0"]).map(Decimal))  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcAé"), inner, max_size=3)),
    max_leaves=6,
)


def written(value: Any, backwards: bool = False) -> str:
    """JSON text of a value, each decimal as it is written."""
    if isinstance(value, dict):
        pairs = [f"{json.dumps(name)}: {written(one, backwards)}" for name, one in value.items()]
        return "{" + ", ".join(reversed(pairs) if backwards else pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(one, backwards) for one in value) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(JSON, JSON, st.booleans()), min_size=1, max_size=12))
def test_payloads_are_equal_as_same_json_says(tables: Tables, rows: list[tuple[Any, Any, bool]]) -> None:
    pairs = [(one, one if twin else other) for one, other, twin in rows]
    table = tables.table("id bigint, payload jsonb", [(n, written(here, True)) for n, (_, here) in enumerate(pairs)])
    lines = tables.lines([f'{{"id": {n}, "payload": {written(there)}}}' for n, (there, _) in enumerate(pairs)])
    expected = [n for n, pair in enumerate(pairs) if not same_json(*(parse(written(one)) for one in pair))]
    told = tables.compare(lines, table, ID, [payload()])
    assert list(told.different["id"]) == expected


@settings(deadline=None)
@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(0, 10**7))
def test_instants_agree_within_what_is_declared(instant: datetime, apart: int) -> None:
    rule = column("a", "instant", within=1).field
    assert rule
    there = instant.replace(tzinfo=UTC)
    here = there + timedelta(microseconds=apart) if there.year < 9999 else there
    assert agree(there, here, rule) is (abs(here - there) <= timedelta(seconds=1))
