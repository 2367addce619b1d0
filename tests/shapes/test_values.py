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


@pytest.mark.parametrize("payload", ["null", "'null'", "'[]'", "'[{\"id\": 2}]'", "'\"x\"'", "'{}'"])
def test_a_payload_that_is_no_object_is_another_one(made: Making, payload: str) -> None:  # noqa: F811
    system = made(SHAPE_WITH_RAW)
    system.execute(f"update raw set payload = {payload} where source_id = '2'")
    found = judged(system, "raw_differs_from_source")["raw_differs_from_source"]
    assert found == ("fail", [("2", None, None)])
