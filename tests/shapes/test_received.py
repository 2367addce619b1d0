"""What was received and stands otherwise in the tables: which of it is late, and which of it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dsaudit.verdict import Status
from tests.checks.auditing import opened
from tests.shapes import test_shapes
from tests.shapes.systems import EMBEDDED_CHILDREN, Shape
from tests.shapes.test_shapes import System

made = test_shapes.made  # the fixture
Make = Callable[[Shape], System]
CHECKS = ("raw_missing_in_refined", "refined_built_from_newest", "children_match_payload")


def invoices(made: Make, column: str, declared: str) -> System:
    parameters = EMBEDDED_CHILDREN.parameters.replace("invoice, key: id,", f"invoice, key: id, {declared},")
    return made(replace(EMBEDDED_CHILDREN, parameters=parameters, tables=EMBEDDED_CHILDREN.tables + column))


def found(system: System, *names: str) -> dict[str, set[str]]:
    return {name: {str(row["source_id"]) for row in rows} for name, (_, rows) in system.audit(*names).items()}


def test_what_was_received_in_the_future_is_not_about_to_be_refined(made: Make) -> None:
    column = "alter table invoice add from_raw int; update invoice set from_raw = id;"
    system = invoices(made, column, "built_from: from_raw")
    assert {verdict.status for verdict, _ in system.audit(*CHECKS).values()} == {Status.PASS}
    system.execute(
        "insert into inbox (object_type, source_id, payload, status, received_at) values"
        """ ('invoice', '1', '{"id": 1, "lines": []}', 'pending', '2099-01-01'),"""
        """ ('invoice', '3', '{"id": 3}', 'pending', '2099-01-01')"""
    )
    assert found(system, *CHECKS) == dict(zip(CHECKS, ({"3"}, {"1"}, {"1"}), strict=True))


def test_whether_what_was_received_is_deleted_by_right_its_source_says(made: Make) -> None:
    system = invoices(made, "alter table invoice add gone boolean; update invoice set gone = id = 2;", "deleted: gone")
    checks = ("raw_missing_in_refined", "source_missing_in_refined")
    assert found(system, *checks) == {checks[0]: set(), checks[1]: {"2"}}
    export = system.parameters.parents[1] / "invoices.jsonl"
    export.write_text(export.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert {verdict.status for verdict, _ in system.audit(*checks).values()} == {Status.PASS}
    text = system.parameters.read_text(encoding="utf-8")
    without = "\n".join(line for line in text.splitlines() if not line.startswith("source:"))
    system.parameters.write_text(without, encoding="utf-8")
    with opened(system.parameters, {"SHAPE_URL": system.url}) as one:
        assert one.check(checks[0]).status is Status.FAIL, "nothing else judges it then"
