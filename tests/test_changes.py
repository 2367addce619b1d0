"""What changed between two states of a record, path by path."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dsaudit.parameters import load
from dsaudit.parameters.keys import parts_of
from dsaudit.parameters.resource import Resource
from dsaudit.timeline.changes import Change, changes, declared_types, typed_change


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {"a": Decimal("1.0")}, []),
        ({"a": None}, {}, []),
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"a": True}, {"a": 1}, [("a", True, 1)]),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, [("a.b", "x", "y")]),
        ({"a": {"b": 1}}, {"a": None}, [("a", {"b": 1}, None)]),
        (None, {"a": 1}, [("(the record)", None, {"a": 1})]),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, [("a[2]", 2, 3), ("a[3]", None, 4)]),
        ({"a": [{"id": 7, "n": 1}]}, {"a": [{"id": 8}, {"id": 7, "n": 2}]},
         [("a[7].n", 1, 2), ("a[8]", None, {"id": 8})]),
        ({"a": [{"id": 7}, {"id": 8}]}, {"a": [{"id": 8}, {"id": 7}]}, [("a (order)", "7, 8", "8, 7")]),
        ({"ann@example.org": 1}, {"ann@example.org": 2}, [("…", 1, 2)]),
    ],
)  # fmt: skip
def test_changes_are_told_down_to_single_values(before: Any, after: Any, found: list[tuple[str, Any, Any]]) -> None:
    assert [tuple(one) for one in changes(before, after)] == found


def test_a_declared_number_or_instant_is_read_as_one_also_within_what_is_nested(tmp_path: Path) -> None:
    file = tmp_path / "small.yml"
    file.write_text(
        "integration: small\ndatabase: {url_env: SMALL_URL}\nresources:\n"
        "  order: {table: o, key: id, fields: {at: instant, name: text}}\n"
        "  line: {table: l, key: id, nested: {in: order, at: lines}, fields: {price: money}}\n",
        encoding="utf-8",
    )
    types = declared_types(load(file), "order")
    assert types == {"at": "instant", "name": "text", "lines.price": "money"}
    assert typed_change(Change("lines[7].price", "1.50", None), types) == ("lines[7].price", Decimal("1.50"), None)
    now = datetime(2026, 11, 20, 11, tzinfo=UTC)
    assert typed_change(Change("at", None, "2026-11-20T12:00:00+01:00"), types).after == now
    # What is not of its type stays a text, and is masked like one.
    assert typed_change(Change("at", "Ann", None), types).before == "Ann"
    assert typed_change(Change("name", "12", None), types).before == "12"


@pytest.mark.parametrize(
    ("joined", "source_id", "parts"),
    [
        (":", "1001:2", ["1001", "2"]),
        (":", "1001", None),
        (":", "a:b:c", None),
        (None, '["a", "b:c"]', ["a", "b:c"]),
        (None, "1001:2", None),
        (None, "[1, 2]", None),
    ],
)
def test_a_composite_id_is_taken_apart(joined: str | None, source_id: str, parts: list[str] | None) -> None:
    resource = Resource(table="t", key=["a", "b"], id_from=["../id", "#"], joined=joined)
    assert parts_of(resource, source_id) == parts
