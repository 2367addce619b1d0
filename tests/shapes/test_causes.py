# ruff: noqa: E501  (a record stands on one line in a file of JSON lines)
"""A cause that only seems to hold is not given: small systems in which something else is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dsaudit import server
from tests.shapes.systems import Shape
from tests.shapes.test_shapes import System, _made

RAW = """
create table raw (
  id serial primary key, tenant text, object_type text, source_id text, payload jsonb, status text default 'processed',
  gone boolean default false, via text, changed_at timestamptz, received_at timestamptz);
"""
HEAD = """
source: {kind: files, folder: FOLDER}
raw:
  table: raw
  webhook: [webhook]
  columns: {TENANTchanged_at: changed_at, deleted: gone, content_hash: none, via: via, state: status, error: none}
"""
Make = Callable[..., System]


@pytest.fixture
def made(postgres: server.Server, tmp_path: Path) -> Iterator[Make]:
    """Yield a maker of a system with a raw table: tables, files of the source, resources."""
    with ExitStack() as stack:

        def make(tables: str, exports: dict[str, str], resources: str) -> System:
            tenant = "tenant: tenant, " if "tenants:" in resources else ""
            shape = Shape(RAW + tables, exports, HEAD.replace("TENANT", tenant) + resources, {})
            return stack.enter_context(_made(postgres.url, tmp_path, shape))

        yield make


def causes(system: System, check: str) -> dict[str, str]:
    """Return the cause of each row of a check, by record, or by record and field."""
    rows = system.audit(check)[check][1]
    return {
        ".".join(str(row[name]) for name in ("source_id", "field") if name in row): str(row["cause"]) for row in rows
    }


def received(kind: str, source_id: int, payload: str, changed: str, tenant: str = "") -> str:
    """Return the statement that stores a version received the moment it changed."""
    values = f"'{tenant}', '{kind}', '{source_id}', '{payload}', '{changed}', '{changed}'"
    return f"insert into raw (tenant, object_type, source_id, payload, changed_at, received_at) values ({values});"


# Differences of a type


TYPED = """
  o:
    table: o
    key: id
    read: o.jsonl
    updated: updated
    updated_column: changed
    fields: {total: money, large: integer, quantity: integer, due: instant}
"""


def typed(made: Make, *records: str) -> System:
    """Return a system whose rows were made of these records and are of their state, all with wrong values."""
    sql = "create table o (id bigint primary key, total numeric, large numeric, quantity int, due timestamptz, changed timestamptz);"
    lines = [f'{{"id": {number}, "updated": "2026-02-01T00:00:00Z", {one}}}' for number, one in enumerate(records, 1)]
    for number, line in enumerate(lines, 1):
        sql += received("o", number, line, "2026-02-01")
        sql += f"insert into o values ({number}, 10, null, 10, '2026-03-01T09:00:00Z', '2026-02-01');"
    return made(sql, {"o.jsonl": "\n".join(lines)}, "resources:" + TYPED)


def test_a_value_that_only_looks_like_one_of_another_unit_size_or_zone_is_not_called_so(made: Make) -> None:
    system = typed(made, '"total": 1, "large": 3000000000, "quantity": 1, "due": "2026-03-01T10:15:00Z"')
    assert causes(system, "field_differences") == {
        "1.total": "UNIT_OR_SCALE",
        "1.large": "REFINE_WRONG",
        "1.quantity": "REFINE_WRONG",
        "1.due": "REFINE_WRONG",
    }
    system.execute("alter table o alter large type integer")
    assert causes(system, "field_differences")["1.large"] == "PRECISION"


@pytest.mark.parametrize(
    ("due", "cause"),
    [
        (["2026-03-01T09:00:00-05:00"], "TIMEZONE"),  # the clock face stands here
        (["2026-03-01T14:00:00Z"], "REFINE_WRONG"),  # five hours off, as any other instant could be
        (["2026-03-01T14:00:00Z", "2026-03-01T13:00:00Z", "2026-03-01T14:00:00Z", "2026-03-01T14:00:00Z"], "TIMEZONE"),
        (["2026-03-01T14:00:00Z", "2026-03-01T13:00:00Z", "2026-03-01T12:00:00Z"], "REFINE_WRONG"),
    ],
)
def test_an_instant_is_shifted_by_a_zone_where_the_text_or_several_rows_tell_it(
    made: Make, due: list[str], cause: str
) -> None:
    system = typed(made, *(f'"total": 10, "large": null, "quantity": 10, "due": "{one}"' for one in due))
    assert causes(system, "field_differences")["1.due"] == cause
