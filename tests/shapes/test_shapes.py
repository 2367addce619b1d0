"""Each shape is green when it is clean, and a damaged row is found by its own name."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dsaudit import server
from dsaudit.checks import all_checks
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import all_rows, opened, told
from tests.shapes.systems import EMBEDDED_CHILDREN, SHAPES, TENANT_OF_THE_PARENT, Shape

JUDGING = ("source_missing_in_refined", "refined_missing_at_source", "field_differences", "orphans")
RECEIVED = ("source_missing_in_raw", "raw_differs_from_source", "raw_missing_in_refined")
HEAD = "integration: shape\ndatabase: {url_env: SHAPE_URL}\npolicy: {in_flight_seconds: 0, clock_error_seconds: 0}\n"
Rows = list[dict[str, object]]


@dataclass(frozen=True)
class System:
    """A shape that was made."""

    url: str
    parameters: Path

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def audit(self, *names: str, **part: Any) -> dict[str, tuple[Verdict, Rows]]:
        with opened(self.parameters, {"SHAPE_URL": self.url}, **part) as one:
            assert one.source.index
            found = {name: one.check(name) for name in names}
            return {name: (verdict, all_rows(one, verdict)) for name, verdict in found.items()}


@pytest.fixture
def made(postgres: server.Server, tmp_path: Path) -> Iterator[Callable[[Shape], System]]:
    with contextlib.ExitStack() as stack:
        yield lambda shape: stack.enter_context(_made(postgres.url, tmp_path, shape))


@contextlib.contextmanager
def _made(server_url: str, folder: Path, shape: Shape, head: str = HEAD) -> Iterator[System]:
    name = f"shape_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")  # type: ignore[call-overload]
    system = System(server_url.rsplit("/", 1)[0] + f"/{name}", folder / "parameters" / "shape.yml")
    system.execute(shape.tables)
    for path, text in {"parameters/shape.yml": head + shape.parameters, **shape.exports}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text.strip().replace("FOLDER", str(folder)) + "\n", encoding="utf-8")
    (folder / "notebooks").mkdir()
    try:
        yield system
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")  # type: ignore[call-overload]


@pytest.mark.parametrize("name", SHAPES)
def test_a_clean_system_of_any_shape_is_green(name: str, made: Callable[[Shape], System]) -> None:
    system = made(SHAPES[name])
    found = system.audit(*all_checks())
    judging = (*JUDGING, *(RECEIVED if "raw:" in SHAPES[name].parameters else ()))
    for check in judging:
        is_declared = check != "orphans" or "relations:" in SHAPES[name].parameters
        wanted = Status.PASS if is_declared else Status.SKIPPED
        assert found[check][0].status is wanted, told(found[check][0])
    broken = [told(verdict) for verdict, _ in found.values() if verdict.status is Status.ERROR]
    assert broken == []


def test_what_has_no_raw_rows_of_its_own_is_judged_by_no_check_of_raw_rows(made: Callable[[Shape], System]) -> None:
    system = made(EMBEDDED_CHILDREN)
    found = system.audit(*all_checks())
    open_ones = (Status.INCONCLUSIVE, Status.ERROR)
    judged = [
        (name, part) for name, (verdict, _) in found.items() for part in verdict.results if part.status in open_ones
    ]
    assert [name for name, part in judged if part.scope.get("resource") == "line"] == []
    system.execute("insert into line values (13, 1, 9, 1)")
    ((_, rows),) = system.audit("refined_missing_at_source").values()
    assert [row["cause"] for row in rows] == ["UNEXPLAINED"], "that it came inside an invoice nobody can rule out"
    system.execute("delete from line where id in (12, 13); update inbox set status = 'pending' where source_id = '1'")
    ((_, rows),) = system.audit("source_missing_in_refined").values()
    assert [row["cause"] for row in rows] == ["REFINE_PENDING"]


FAULTS = [(name, statement) for name, shape in SHAPES.items() for statement in shape.faults]


@pytest.mark.parametrize(("name", "statement"), FAULTS)
def test_a_damaged_row_is_found(name: str, statement: str, made: Callable[[Shape], System]) -> None:
    system = made(SHAPES[name])
    system.execute(statement)
    check, row = SHAPES[name].faults[statement]
    verdict, rows = system.audit(check)[check]
    assert verdict.status is Status.FAIL, told(verdict)
    named = [f"{one['source_id']}.{one['field']}" if "field" in one else str(one["source_id"]) for one in rows]
    assert named == [row], told(verdict)


def test_an_orphan_without_a_tenant_is_in_sight(made: Callable[[Shape], System]) -> None:
    system = made(TENANT_OF_THE_PARENT)
    system.execute("alter table line drop constraint line_parent_fkey")
    system.execute("update line set parent = 77, line_id = 'lx' where id = 3")
    verdict, rows = system.audit("orphans")["orphans"]
    assert verdict.status is Status.FAIL, told(verdict)
    assert len(rows) == 1
    (whole,), (north,), south = (
        system.audit("refined_missing_at_source", **part)["refined_missing_at_source"][1]
        for part in ({}, {"tenants": ["north"]}, {"tenants": ["south"]})
    )
    assert whole["tenant"] == north["tenant"] == "north"
    assert south == []


def test_rows_whose_tenant_nothing_tells_are_not_given_to_the_first(made: Callable[[Shape], System]) -> None:
    system = made(TENANT_OF_THE_PARENT)
    text = system.parameters.read_text(encoding="utf-8")
    system.parameters.write_text(text.split("relations:")[0], encoding="utf-8")
    verdict, _ = system.audit("field_differences")["field_differences"]
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "nothing tells whose its rows are" in " ".join(result.reason or "" for result in verdict.results)


def test_a_status_is_not_taken_for_a_time_of_deletion(made: Callable[[Shape], System]) -> None:
    system = made(SHAPES["status_and_nested_json"])
    text = system.parameters.read_text(encoding="utf-8")
    system.parameters.write_text(text.replace("{status: [void, deleted]}", "status"), encoding="utf-8")
    verdict, _ = system.audit("source_missing_in_refined")["source_missing_in_refined"]
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "say which of its values mean deleted" in " ".join(result.reason or "" for result in verdict.results)
