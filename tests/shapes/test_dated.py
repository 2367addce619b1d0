"""A long list in DuckDB is dated as Python dates it, however a source writes ids and times."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dsaudit.reconcile import settled
from dsaudit.reconcile.dated import dated, microseconds
from dsaudit.source.recording import changed_at
from tests.checks.auditing import opened
from tests.shapes import test_shapes
from tests.shapes.systems import Shape
from tests.shapes.test_shapes import System

made = test_shapes.made  # the fixture
TIMES = [
    *('"2026-01-02T03:04:05Z"', '"2026-01-02 03:04:05.123456+05:30"', '"2026-01-02T03:04:05.1234567Z"'),
    *(
        '"2026-01-02T03:04:05"',
        '"2026-02-30T03:04:05Z"',
        '"2026-01-02"',
        '"20260102T030405Z"',
        '"2026-01-02T03:04:05-00:00"',
    ),
    *(
        '"0999-01-02T03:04:05Z"',
        '"9899-12-31T23:59:59Z"',
        '"\\u0032026-01-02T03:04:05Z"',
        '""',
        '"soon"',
        '"1767323045"',
    ),
    *("1767323045", "1767323045123", "1767323045.25", "1.767323045e9", "-5", "0", "95617583999", "95617584000"),
    *("9999999999999", "95617583999999", "99999999999999", "true", "null", "{}", "[1]"),
]
IDS = ["1", '"b"', '"007"', "1e3", "7.50", "true", '"\\u00e9"', '"a b "', "123456789012345678901234567890"]
LINES = {
    "at": [f'{{"id": {n}, "at": {time}}}' for n, time in enumerate(TIMES, 100)]
    + [f'{{"id": {one}, "at": "2026-01-02T03:04:05Z"}}' for one in IDS]
    + ['{"id": 50}', '{"id": 51, "odd": "\\ud800", "at": 4}'],
    "told.at": [
        *('{"id": 1, "told": {"at": 1}}', '{"id": 2, "told.at": 2}', '{"id": 3, "told": {"at": 3}, "told.at": 4}'),
        *('{"id": 4, "told": null}', '{"id": 5}', '{"id": 6, "told": [{"at": 7}]}', '{"id": 7, "told": {"at": null}}'),
    ],
}  # fmt: skip
KEYS = {"text": "text", "numeric": "numeric"}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("updated", LINES)
def test_a_list_as_it_lies_is_dated_as_record_by_record(
    updated: str, key: str, made: Callable[[Shape], System], monkeypatch: pytest.MonkeyPatch
) -> None:
    system = made(Shape(
        f"create table o (id {KEYS[key]} primary key, total int);",
        {"o.jsonl": "\n".join(LINES[updated])},
        "source: {kind: files, folder: FOLDER}\nresources:\n"
        f"  o: {{table: o, key: id, read: o.jsonl, updated: {updated}, fields: {{total: integer}}}}",
        {},
    ))  # fmt: skip
    monkeypatch.setattr(settled, "STRAIGHT", 0)
    with opened(system.parameters, {"SHAPE_URL": system.url}) as audit:
        (tenant,) = audit.parameters.tenant_names
        assert audit.source.problem(tenant, "o") is None
        resource = audit.parameters.resources["o"]
        plain = [(item.source_id, changed_at(resource, item.record)) for item in audit.source.items(tenant, "o")]
        with dated(audit, "o") as connection:
            found: list[Any] = connection.execute("select source_id, changed from source").fetchall()
    assert len(plain) == len(LINES[updated])
    assert sorted(found) == sorted((one, None if at is None else microseconds(at)) for one, at in plain), json.dumps(
        found
    )
