"""Ids that are written in several ways, and such as PostgreSQL cannot hold, in all ways of comparing."""

from __future__ import annotations

import pytest

from tests.shapes.systems import Shape
from tests.shapes.test_shapes import made  # noqa: F401  (a fixture)
from tests.shapes.test_values import ACCURACY, Making, judged

UUID, OTHER = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12"
LOUD = UUID.upper()
# The key's type; of each record the key here, the id in the source's JSON, and the text of it that was stored raw.
SYSTEMS = {
    "integers": ("bigint", [("1000", "1e3", "1000.0"), ("2", "2.0", "2.0"), ("3", '"003"', "003"), ("4", "4", "4")]),
    "numbers": ("numeric(12,2)", [("7.00", "7.0", "7.00"), ("7.50", "7.5", "7.5"), ("8", '"8"', "8")]),
    "uuids": ("uuid", [(UUID, f'"{LOUD}"', LOUD), (OTHER, f'"{{{OTHER}}}"', OTHER)]),
    "padded": ("char(6)", [("ab", '"ab"', "ab"), ("cd", '"cd    "', "cd    ")]),
    "texts": ("text", [("2.0", '"2.0"', "2.0"), ("1E+3", "1e3", "1E+3"), (LOUD, f'"{LOUD}"', LOUD)]),
}  # fmt: skip
FIRST = {"integers": "1000", "numbers": "7", "uuids": UUID, "padded": "ab", "texts": "2.0"}
HEAD = (
    "source: {kind: files, folder: FOLDER}\n"
    "raw: {table: raw, columns: {content_hash: none, via: none, state: none, error: none}}\n"
    "resources:\n  x: {table: x, key: id, read: x.jsonl, fields: {n: integer}}\n"
)


def of_ids(key_type: str, records: list[tuple[str, str, str]]) -> Shape:
    tables = f"create table x (id {key_type} primary key, n integer);"
    tables += "create table raw (id serial, object_type text, source_id text, payload jsonb, received_at timestamptz);"
    for here, there, raw in records:
        tables += f"insert into x values ('{here}', 1);"
        tables += "insert into raw (object_type, source_id, payload, received_at) values "
        tables += f"""('x', '{raw}', '{{"id": {there}, "n": 1}}', '2026-01-01Z');"""
    return Shape(tables, {"x.jsonl": "\n".join(f'{{"id": {there}, "n": 1}}' for _, there, _ in records)}, HEAD, {})


@pytest.mark.parametrize("name", SYSTEMS)
def test_an_id_may_be_written_in_other_ways_at_the_source_and_as_received(name: str, made: Making) -> None:  # noqa: F811
    system = made(of_ids(*SYSTEMS[name]))
    assert judged(system, *ACCURACY) == dict.fromkeys(ACCURACY, ("pass", []))
    key, _, raw = SYSTEMS[name][1][0]
    system.execute(f"update x set n = 2 where id = '{key}'; delete from raw where source_id = '{raw}'")
    found, own = judged(system, "source_missing_in_raw", "field_differences"), FIRST[name]
    assert found["field_differences"] == ("fail", [(own, "n", "another number")])
    assert found["source_missing_in_raw"] == ("fail", [(own, None, None)])


@pytest.mark.parametrize(
    ("key_type", "there", "missing"),
    [
        ("bigint", ["1", '"abc"', "1.5", '"1a"'], ["1.5", "1a", "abc"]),
        ("uuid", [f'"{UUID}"', '"abc"'], ["abc"]),
        ("text", ['"1"', '"a\\u0000b"', '"\\ud800"', '"1.0"'], ["1.0", "\\ud800", "a\\u0000b"]),
    ],
)
def test_an_id_that_the_key_cannot_hold_is_missing(
    made: Making,  # noqa: F811
    key_type: str,
    there: list[str],
    missing: list[str],
) -> None:
    system = made(of_ids(key_type, [(there[0].strip('"'), there[0], there[0].strip('"'))]))
    path = system.parameters.parent.parent / "x.jsonl"
    path.write_text("\n".join(f'{{"id": {one}, "n": 1}}' for one in there), encoding="utf-8")
    found = judged(system, *ACCURACY)
    for name in ("source_missing_in_raw", "source_missing_in_refined"):
        assert found.pop(name) == ("fail", [(one, None, None) for one in missing])
    assert found == dict.fromkeys(ACCURACY[2:], ("pass", []))


def test_two_records_whose_ids_the_key_takes_for_one_are_not_told_apart(made: Making) -> None:  # noqa: F811
    system = made(of_ids("bigint", [("1", '"1"', "1")]))
    path = system.parameters.parent.parent / "x.jsonl"
    path.write_text('{"id": "1", "n": 1}\n{"id": "01", "n": 1, "more": 1}\n', encoding="utf-8")
    assert judged(system, "field_differences") == {"field_differences": ("inconclusive", [])}
