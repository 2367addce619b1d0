"""Values of every type, and odd ones: a few records and many are compared in two ways, which say the same."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from dsaudit.reconcile import settled
from dsaudit.reconcile.sides import MOST_WHOLE
from tests.shapes.systems import Shape
from tests.shapes.test_shapes import System, made  # noqa: F401  (a fixture)

ACCURACY = (
    "source_missing_in_raw",
    "source_missing_in_refined",
    "refined_missing_at_source",
    "field_differences",
    "raw_differs_from_source",
)
WAYS = {"whole": (MOST_WHOLE, settled.STRAIGHT), "spooled": (0, 10**9), "as it lies": (0, 0)}
Making = Callable[[Shape], System]
Told = dict[str, tuple[str, list[tuple[Any, ...]]]]
# What a database may have set for all its sessions.
SETTINGS = ("extra_float_digits = 0", "datestyle = 'German'", "intervalstyle = 'iso_8601'", "bytea_output = 'escape'")


def judged(system: System, *names: str) -> Told:
    """Return of each check the status, and id, field and kind of each row; all ways of comparing must agree on it."""
    answers = []
    for most, straight in WAYS.values():
        with pytest.MonkeyPatch.context() as patch:
            # By way of sys.modules: the package shows a function of the module's name.
            patch.setattr(sys.modules["dsaudit.reconcile.sides"], "MOST_WHOLE", most)
            patch.setattr(settled, "STRAIGHT", straight)
            patch.setenv("SHAPE_URL", system.url)
            found = system.audit(*names)
        answers.append({name: (verdict.status.value, _said(rows)) for name, (verdict, rows) in found.items()})
    assert answers[1:] == answers[:1] * 2
    return answers[0]


def _said(rows: list[dict[str, object]]) -> list[tuple[Any, ...]]:
    return sorted(((row["source_id"], row.get("field"), row.get("kind")) for row in rows), key=str)


@pytest.mark.parametrize("source", ["kind: files, folder: FOLDER", "kind: sql, url_env: SHAPE_URL"])
def test_how_a_database_writes_its_values_is_not_left_to_its_settings(made: Making, source: str) -> None:  # noqa: F811
    columns = "(id bigint primary key, f float8, d date, t timestamptz)"
    tables = [
        f"create table {name} {columns}; insert into {name} values"
        f" (1, 0.1, '2026-02-01', '2026-02-01T00:00:00Z'), (2, {other}, '2026-02-01', '2026-02-01T00:00:00Z');"
        for name, other in (("here", "0.1 + 0.2::float8"), ("there", "0.3"))
    ]
    record = '"d": "2026-02-01", "t": "2026-02-01T00:00:00Z"}'
    lines = f'{{"id": 1, "f": 0.1, {record}\n{{"id": 2, "f": 0.3, {record}'
    read = "there" if "sql" in source else "there.jsonl"
    parameters = f"source: {{{source}}}\nresources:\n  x: {{table: here, key: id, read: {read}"
    parameters += ", fields: {f: decimal, d: date, t: instant}}\n"
    system = made(Shape("".join(tables), {"there.jsonl": lines}, parameters, {}))
    for setting in SETTINGS:
        system.execute(f"alter database {system.url.rpartition('/')[2]} set {setting}")
    assert judged(system, "field_differences")["field_differences"] == ("fail", [("2", "f", "last digits")])


RECEIVED = """
create table raw (id serial primary key, object_type text, source_id text, payload jsonb, status text,
                  received_at timestamp default '2026-02-01', changed_at timestamp);
create table x (id bigint primary key, n integer);
insert into x values (1, 1), (2, 2);
insert into raw (object_type, source_id, payload, status)
  select 'x', id, jsonb_build_object('id', id, 'n', n), 'processed' from x;
"""
RAW = (
    "source: {kind: files, folder: FOLDER}\n"
    "raw: {table: raw, columns: {changed_at: changed_at, content_hash: none, via: none, error: none}}\n"
    "resources:\n  x: {table: x, key: id, read: x.jsonl, fields: {n: integer}}\n"
)
SHAPE_WITH_RAW = Shape(RECEIVED, {"x.jsonl": '{"id": 1, "n": 1}\n{"id": 2, "n": 2}'}, RAW, {})


def test_a_time_without_a_zone_is_taken_as_utc(made: Making) -> None:  # noqa: F811
    assert judged(made(SHAPE_WITH_RAW), *ACCURACY) == dict.fromkeys(ACCURACY, ("pass", []))


@pytest.mark.parametrize("when", ["infinity", "-infinity", "10000-03-15 00:00:00+00", "0044-03-15 00:00:00+00 BC"])
def test_a_time_of_change_that_python_does_not_know_ends_nothing_and_hides_nothing(made: Making, when: str) -> None:  # noqa: F811
    columns = "(id bigint primary key, n integer, changed timestamptz)"
    rows = f"(1, 1, '2026-02-01Z'), (2, 2, '{when}'), (3, 3, '2026-02-01Z')"
    tables = "".join(f"create table {one} {columns}; insert into {one} values {rows};" for one in ("x", "there"))
    parameters = "source: {kind: sql, url_env: SHAPE_URL}\nresources:\n  x: {table: x, key: id, read: there, "
    parameters += "updated: changed, updated_column: changed, fields: {n: integer}}\n"
    system = made(Shape(tables, {}, parameters, {}))
    names = ("source_missing_in_refined", "refined_missing_at_source", "field_differences")
    assert judged(system, *names) == dict.fromkeys(names, ("pass", []))
    system.execute("update x set n = 9 where id = 2; delete from there where id = 3")
    for part in ({}, {"since": "2026-01-01"}):
        found = system.audit(*names, **part)
        told = {name: (verdict.status.value, _said(rows)) for name, (verdict, rows) in found.items()}
        assert told["field_differences"] == ("fail", [("2", "n", "another number")])
        assert told["refined_missing_at_source"] == ("fail", [("3", None, None)])


@pytest.mark.parametrize("payload", ["null", "'null'", "'[]'", "'[{\"id\": 2}]'", "'\"x\"'", "'{}'"])
def test_a_payload_that_is_no_object_is_another_one(made: Making, payload: str) -> None:  # noqa: F811
    system = made(SHAPE_WITH_RAW)
    system.execute(f"update raw set payload = {payload} where source_id = '2'")
    found = judged(system, "raw_differs_from_source")["raw_differs_from_source"]
    assert found == ("fail", [("2", None, None)])


# PostgreSQL's types, each with a value that a copy must not be blamed for.
TYPES = {
    "array": ("int[]", "'{1,2}'"),
    "bigint": ("bigint", "9007199254740993"),
    "bit": ("bit(3)", "b'101'"),
    "boolean": ("boolean", "true"),
    "bytea": ("bytea", "'\\x00ff'"),
    "char": ("char(2)", "'ab'"),
    "cidr": ("cidr", "'10.0.0.0/8'"),
    "composite": ("pair", "row(1, 'x')"),
    "date": ("date", "'2026-01-01'"),
    "date without end": ("date", "'infinity'"),
    "decimal": ("numeric(10, 3)", "1.5"),
    "document": ("jsonb", """'{"b": [1.50, null], "a": "x"}'"""),
    "domain": ("words", "'Ab'"),
    "enum": ("mood", "'happy'"),
    "far instant": ("timestamptz", "'10000-03-15 00:00:00+00'"),
    "float": ("float8", "1"),
    "infinite float": ("float8", "'-Infinity'"),
    "inet": ("inet", "'10.0.0.1'"),
    "instant": ("timestamptz", "'2026-01-01 00:00:00.5+00'"),
    "instant without end": ("timestamptz", "'infinity'"),
    "interval": ("interval", "'1 day 02:00:00.5'"),
    "large float": ("float8", "1e20"),
    "money": ("money", "1234.5"),
    "nested texts": ("text[]", """array['a "b"', null, '{}']"""),
    "no number": ("numeric", "'NaN'"),
    "old date": ("date", "'0044-03-15 BC'"),
    "old instant": ("timestamptz", "'0044-03-15 00:00:00+00 BC'"),
    "plain document": ("json", """'{"b": 1, "a": "x"}'"""),
    "range": ("int4range", "'[1,5)'"),
    "real": ("real", "0.1"),
    "small decimal": ("numeric", "0.0000001"),
    "small float": ("float8", "1e-7"),
    "text": ("text", "E' \\ta\"\\\\'"),
    "time": ("time", "'10:00:00.5'"),
    "time with zone": ("timetz", "'10:00+02'"),
    "timestamp": ("timestamp", "'2026-01-01 00:00:00.1'"),
    "uuid": ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
    "last time": ("time", "'24:00'"),
}
OF_ITS_OWN = "create type mood as enum ('happy'); create domain words as text; create type pair as (a int, b text);"
NUMBERS = ("bigint", "numeric(10, 3)", "numeric", "float8", "real", "money")


@pytest.mark.parametrize(
    ("kind", "types"),
    [
        ("text", TYPES),
        ("decimal", {name: one for name, one in TYPES.items() if one[0] in NUMBERS}),
        ("instant", {name: one for name, one in TYPES.items() if one[0].startswith("timestamp")}),
        ("date", {name: one for name, one in TYPES.items() if one[0] == "date"}),
    ],
)
def test_a_table_is_equal_to_itself(made: Making, kind: str, types: dict[str, tuple[str, str]]) -> None:  # noqa: F811
    columns = {f"c{number}": one for number, one in enumerate(types.values())}
    declared = ", ".join(f"{name} {one}" for name, (one, _) in columns.items())
    row = ", ".join(value for _, value in columns.values())
    system = made(
        Shape(
            f"{OF_ITS_OWN} create table x (id bigint primary key, {declared}); insert into x values (1, {row});"
            "create table here as select * from x",
            {},
            "source: {kind: sql, url_env: SHAPE_URL}\nresources:\n"
            f"  x: {{table: here, key: id, read: x, fields: {{{', '.join(f'{name}: {kind}' for name in columns)}}}}}\n",
            {},
        )
    )
    assert judged(system, "field_differences") == dict.fromkeys(["field_differences"], ("pass", []))
    for name in columns:
        system.execute(f"update here set {name} = null where id = 1")
    found = judged(system, "field_differences")["field_differences"]
    assert found == ("fail", sorted((("1", name, "null here") for name in columns), key=str))


# A column's type and value, how it is declared, what the source's JSON says, and how that differs.
ODD = [
    ("char(5)", "'ab'", "text", '"ab"', None),
    ("float8", "1", "text", "1", None),
    ("float8", "1", "text", '"1"', None),
    ("numeric", "0.0000001", "text", '"0.0000001"', None),
    ("numeric", "0.0000001", "text", "1e-7", None),
    ("timestamptz", "'2026-01-01T00:00:00Z'", "text", '"2026-01-01T00:00:00+00:00"', None),
    ("text[]", "array['a','b']", "text", '["a", "b"]', None),
    ("text[]", "array['a','b']", "text", '["a", "c"]', "another content"),
    ("text", "'[1, 2'", "text", "[1, 2]", "another content"),
    ("text", '\'{"a":1,"b":2}\'', "text", '{"b": 2, "a": 1.0}', None),
    ("jsonb", '\'{"a": "x"}\'', "text", '{"a": "x"}', None),
    ("jsonb", "'\"x\"'", "text", '"x"', None),
    ("jsonb", '\'"{\\"a\\": 1}"\'', "json", '{"a": 1}', "another content"),
    ("json", "'\"x\"'", "text", '"x"', None),
    ("interval", "'1 day'", "text", '"1 day"', None),
    ("bytea", "'\\x6162'", "text", '"\\\\x6162"', None),
    ("int4range", "'[1,5)'", "text", '"[1,5)"', None),
    ("timestamp", "'2026-01-01 00:00:00.1'", "instant", '"2026-01-01 00:00:00.1"', None),
    ("timestamp", "'2026-01-01 00:00:00.1'", "instant", '"2026-01-01T00:00:00.2"', "not of its type here"),
    ("timestamptz", "'infinity'", "instant", '"infinity"', None),
    ("timestamptz", "'infinity'", "instant", "null", "null at the source"),
    ("timestamptz", "'0044-03-15 00:00:00+00 BC'", "instant", '"2026-01-01T00:00:00Z"', "not of its type here"),
    ("timestamptz", "'10000-03-15 00:00:00+00'", "instant", '"2026-01-01T00:00:00Z"', "not of its type here"),
    ("date", "'infinity'", "date", '"9999-12-31"', "not of its type here"),
    ("date", "'0044-03-15 BC'", "date", '"2026-01-01"', "not of its type here"),
    ("time", "'24:00'", "text", '"24:00:00"', None),
    ("boolean", "true", "integer", "1", "not of its type here"),
    ("boolean", "true", "text", "true", None),
    ("numeric", "'NaN'", "decimal", '"NaN"', None),
    ("numeric", "1000", "decimal", '"1_000"', "not of its type at the source"),
    ("real", "16777217", "decimal", "16777216", None),
]


def test_both_ways_say_the_same_of_odd_values(made: Making) -> None:  # noqa: F811
    columns = [f"c{number}" for number in range(len(ODD))]
    declared = ", ".join(f"{name} {one[0]}" for name, one in zip(columns, ODD, strict=True))
    record = ", ".join(f'"{name}": {one[3]}' for name, one in zip(columns, ODD, strict=True))
    fields = ", ".join(f"{name}: {one[2]}" for name, one in zip(columns, ODD, strict=True))
    system = made(
        Shape(
            f"create table x (id bigint primary key, {declared}, n integer);"
            f"insert into x values (1, {', '.join(one[1] for one in ODD)}, 1);",
            {"x.jsonl": f'{{"id": 1, {record}, "n": 2}}'},
            "source: {kind: files, folder: FOLDER}\nresources:\n"
            f"  x: {{table: x, key: id, read: x.jsonl, fields: {{{fields}, n: integer}}}}\n",
            {},
        )
    )
    wanted = [("1", name, one[4]) for name, one in zip(columns, ODD, strict=True) if one[4]]
    wanted = sorted([*wanted, ("1", "n", "another number")], key=str)
    assert judged(system, "field_differences")["field_differences"] == ("fail", wanted)
