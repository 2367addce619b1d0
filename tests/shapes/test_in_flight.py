"""Rows that say that they changed while the source was read: what they say is no proof where it can be asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dsaudit.reconcile import recheck
from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, opened, told
from tests.shapes import test_shapes
from tests.shapes.systems import Shape
from tests.shapes.test_shapes import System
from tests.source.providers import Answer, Asked, serving

made = test_shapes.made  # the fixture
CHECKS = ("source_missing_in_refined", "refined_missing_at_source", "field_differences")
Make = Callable[[Shape], System]
WRITTEN = "update o set written = clock_timestamp() where id = {}"
TABLE = "create table o (id bigint primary key, total int, written timestamptz);"
FILE = """
source: {kind: rest, base_url: 'ADDRESS', paging: link}
resources:
  o: {table: o, key: id, read: o.json, refined_at: written, fields: {total: integer}ONE}
"""
Records = dict[int, dict[str, Any]]


@pytest.fixture
def source() -> Iterator[tuple[str, Records, list[Callable[[], None]]]]:
    """Serve records as a list and by id; yields the address, what there is, and what happens meanwhile."""
    records: Records = {}
    meanwhile: list[Callable[[], None]] = []

    def answer(asked: Asked) -> Answer:
        while meanwhile:
            meanwhile.pop()()
        name = asked[1].split("?")[0].strip("/").removesuffix(".json")
        found: Any = [*records.values()] if name == "o" else records.get(int(name.split("/")[1]))
        return (404, {}, b"{}") if found is None else (200, {}, json.dumps({"o": found}).encode())

    with serving(answer, set()) as address:
        yield address, records, meanwhile


def test_a_time_in_the_future_clears_nothing(made: Make) -> None:
    records = [
        {"id": 1, "total": 10, "at": "2020-01-01T00:00:00Z"},
        {"id": 2, "total": 10, "at": "2099-01-01T00:00:00Z"},
    ]
    system = made(Shape(
        "create table o (id bigint primary key, total int, at timestamptz);"
        "insert into o values (1, 999, now() + interval '2 hours'), (2, 999, '2099-01-01'), (77, 1, '2099-01-01')",
        {"o.jsonl": "\n".join(map(json.dumps, records))},
        "source: {kind: files, folder: FOLDER}\nresources:\n"
        "  o: {table: o, key: id, read: o.jsonl, updated: at, updated_column: at, fields: {total: integer}}",
        {},
    ))  # fmt: skip
    found = system.audit(*CHECKS)
    assert {str(row["source_id"]) for row in found["field_differences"][1]} == {"1", "2"}
    assert {str(row["source_id"]) for row in found["refined_missing_at_source"][1]} == {"77"}
    assert {str(row["cause"]) for name in CHECKS for row in found[name][1]} == {"UNEXPLAINED"}
    assert found["field_differences"][0].status is found["refined_missing_at_source"][0].status is Status.FAIL


@pytest.mark.parametrize(("one", "status"), [("", Status.INCONCLUSIVE), (", one: 'o/{id}.json'", Status.FAIL)])
def test_that_a_row_was_written_meanwhile_clears_nothing(one: str, status: Status, made: Make, source: Any) -> None:
    address, records, meanwhile = source
    records.update({key: {"id": key, "total": 10} for key in (1, 2)})
    rows = "insert into o values (1, 10, now() - interval '1 hour'), (2, 999, null)"
    system = made(Shape(TABLE + rows, {}, FILE.replace("ADDRESS", address).replace("ONE", one), {}))
    meanwhile.append(lambda: system.execute(WRITTEN.format(2)))
    verdict, found = system.audit("field_differences")["field_differences"]
    assert verdict.status is status, told(verdict)
    assert [row["source_id"] for row in found] == ["2"]


def test_the_items_of_a_record_are_made_once_a_look(made: Make, source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    address, records, _ = source
    records[1] = {"id": 1, "lines": [{"id": key, "n": 0} for key in range(50)]}
    parameters = FILE.replace("ADDRESS", address).replace("ONE", ", one: 'o/{id}.json'")
    parameters += "  l: {table: l, key: id, nested: {in: o, at: lines}, fields: {n: integer}}\n"
    parameters += "relations: [{child: l.o, parent: o.id}]\n"
    tables = TABLE + "create table l (id bigint primary key, o bigint, n int); insert into o values (1);"
    system = made(Shape(tables + "insert into l select k, 1, 1 from generate_series(0, 49) k", {}, parameters, {}))
    calls = []
    real = recheck.items_in
    monkeypatch.setattr(recheck, "items_in", lambda *given: calls.append(given[1]) or real(*given))
    _, rows = system.audit("field_differences")["field_differences"]
    assert len(rows) == 50 and all("looked at again" in str(row["evidence"]) for row in rows)
    assert calls == ["l"]


@pytest.mark.parametrize(("left", "status"), [([1], Status.PASS), ([1, 2], Status.FAIL)])
def test_what_left_its_parent_meanwhile_is_in_flight(left: list[int], status: Status, made: Make, source: Any) -> None:
    address, records, meanwhile = source
    records.update({1: {"id": 1, "lines": [{"id": 1}, {"id": 2}]}, 2: {"id": 2, "lines": []}})
    parameters = FILE.replace("ADDRESS", address).replace("ONE", ", one: 'o/{id}.json'")
    parameters += "  l: {table: l, key: id, nested: {in: o, at: lines}}\n"
    parameters += "relations: [{child: l.o, parent: o.id}]\n"
    tables = TABLE + "create table l (id bigint primary key, o bigint); insert into l values (1, 1);"
    system = made(
        Shape(tables + "insert into o values (1, null, null), (2, null, now() - interval '1 hour')", {}, parameters, {})
    )
    meanwhile.append(lambda: system.execute(WRITTEN.format(1)))
    with opened(system.parameters, {"SHAPE_URL": system.url}) as audit:
        assert audit.source.index
        records[1] = {"id": 1, "lines": [{"id": key} for key in left]}
        verdict = audit.check("source_missing_in_refined")
        found = all_rows(audit, verdict)
    assert verdict.status is status, told(verdict)
    assert [(row["resource"], str(row["source_id"])) for row in found] == [("l", "2")]
    assert (found[0]["cause"] == "IN_FLIGHT") is (left == [1])
