"""A large resource is held in part: what every check says of it is what it says of the whole."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dsaudit import audit, handoff, source
from dsaudit.database import Database
from dsaudit.database.identity import identify
from dsaudit.parameters import load
from dsaudit.reconcile import inputs, settled, sides
from dsaudit.reconcile.sides import MOST_WHOLE
from dsaudit.verdict import Verdict
from tests import ledger
from tests.checks.auditing import opened, variables

CHECKS = [
    "source_missing_in_raw",
    "source_missing_in_refined",
    "refined_missing_at_source",
    "field_differences",
    "raw_differs_from_source",
]
DAMAGES = [
    "update ledger.invoice set total = total + 0.001 where store = 'A' and org = 'N'",
    "update ledger.invoice set void = true where store = 'a' and org = 'N'",
    "delete from ledger.invoice_line where line = 1 and org = 'S'",
    "insert into ledger.invoice (org, store, number) values ('S', 'x', 'y')",
    "alter table ledger.invoice alter number drop not null;"
    " insert into ledger.invoice (org, store, number) values ('S', 'x', null)",
    'update ledger."Member" set "Full Name" = \' trailing\' where "Full Name" = \' trailing \'',
    "update ledger.invoice set stored = now() + interval '1 day', changed = null where store = 'a '",
]


def told(verdict: Verdict) -> Any:
    told = verdict.to_json()
    said = {name: told[name] for name in ("status", "results", "columns", "rows", "findings", "limits")}
    # The evidence tells when this very reading began.
    return re.sub(r"from [-0-9]+ [:0-9]+ UTC, the database [-0-9]+ [:0-9]+ UTC", "now", repr(said))


def answers(
    parameters: Any, environment: Any, most: int, monkeypatch: pytest.MonkeyPatch, straight: int = 0
) -> tuple[Any, Any, int]:
    # By way of sys.modules: the package shows a function of the module's name.
    monkeypatch.setattr(sys.modules["dsaudit.reconcile.sides"], "MOST_WHOLE", most)
    monkeypatch.setattr(settled, "STRAIGHT", straight)
    with opened(parameters, environment) as one:
        assert one.source.index
        verdicts = {name: told(one.check(name)) for name in CHECKS}
        counts = one.frame("counts_on_all_sides").to_dict("records")
        held = sum(len(sides(one, name).source) for name in one.parameters.resources)
        return verdicts, counts, held


@pytest.mark.parametrize("number", range(len(DAMAGES)))
def test_the_ledger_in_part_is_judged_as_the_whole(
    new_ledger: Callable[..., ledger.Ledger], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    one = new_ledger()
    one.execute(DAMAGES[number])
    whole = answers(one.parameters, one.environment, MOST_WHOLE, monkeypatch)
    part = answers(one.parameters, one.environment, 0, monkeypatch)
    assert part[:2] == whole[:2]
    assert part[2] < whole[2]


def test_the_ledger_read_politely_in_pieces_is_judged_as_the_whole(
    new_ledger: Callable[..., ledger.Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = new_ledger()
    one.execute(";".join(DAMAGES))
    one.execute("insert into ledger.invoice (org, store, number) select 'S', 'many', g from generate_series(1, 500) g")
    whole = answers(one.parameters, one.environment, MOST_WHOLE, monkeypatch)
    one.edit("parameters/ledger.yml", "{url_env: LEDGER_URL}", "{url_env: LEDGER_URL, polite: {rest: 0}}")
    monkeypatch.setattr(inputs, "POLITE_PIECE", 1)
    asked = pieces_of(monkeypatch)
    assert answers(one.parameters, one.environment, 0, monkeypatch)[:2] == whole[:2]
    assert max(asked) > 2


def pieces_of(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list that will tell how many pieces each table was read in."""
    counts: list[int] = []
    pieces = inputs.Table.pieces

    def counted(table: inputs.Table) -> list[str]:
        counts.append(len(pieces(table)))
        return pieces(table)

    monkeypatch.setattr(inputs.Table, "pieces", counted)
    return counts


def test_the_sample_in_part_is_judged_as_the_whole(sample: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answers(sample.parameters, sample.environment, MOST_WHOLE, monkeypatch)
    for straight in (0, 10**9):
        part = answers(sample.parameters, sample.environment, 0, monkeypatch, straight)
        assert part[:2] == whole[:2]
        assert part[2] < whole[2] / 2


def test_a_job_that_touches_all_rows_makes_none_of_them_looked_at(
    new_ledger: Callable[..., ledger.Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = new_ledger()
    one.execute("update ledger.invoice set changed = coalesce(changed, '2026-01-01')")
    _, _, before = answers(one.parameters, one.environment, 0, monkeypatch)
    one.execute("update ledger.invoice set stored = now() + interval '1 day'")
    _, _, after = answers(one.parameters, one.environment, 0, monkeypatch)
    assert after == before


# Once in a run


@contextlib.contextmanager
def running(one: ledger.Ledger, private: Path) -> Iterator[None]:
    """Be the process of a phase, of a run with this private folder, at an instant of the block."""
    parameters = load(one.parameters)
    with variables(one.environment):
        if not private.exists():
            private.mkdir()
            source.record(parameters, private / "recording")
        database = Database.open(parameters.database)
        with contextlib.closing(database), database.held_snapshot() as snapshot:
            given = handoff.Handoff("run", "nonce", snapshot, identify(database).time, private)
            with variables({handoff.VARIABLE: str(given.write())}):
                yield


def judging(parameters: Path) -> Any:
    """Return what a phase of its own says."""
    one = audit.open(str(parameters), "datasource/a_test")
    try:
        return {name: told(one.check(name)) for name in CHECKS}
    finally:
        one.close()


@pytest.mark.parametrize("straight", [0, 10**9])
def test_a_segment_is_compared_once_in_a_run_and_anew_at_another_instant(
    new_ledger: Callable[..., ledger.Ledger], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, straight: int
) -> None:
    one = new_ledger()
    monkeypatch.setattr(sys.modules["dsaudit.reconcile.sides"], "MOST_WHOLE", 0)
    monkeypatch.setattr(settled, "STRAIGHT", straight)
    compared = comparisons(monkeypatch)
    with running(one, tmp_path / "private"), ThreadPoolExecutor(2) as pool:
        first, second = pool.map(judging, [one.parameters] * 2)
        # The members of each tenant, then invoices and lines together; or the members together as well.
        once = (
            [["north"], ["north", "south"], ["north", "south"], ["south"]] if not straight else [["north", "south"]] * 3
        )
        assert sorted(compared) == once
        for path in (tmp_path / "private" / "segments").iterdir():
            path.write_bytes(path.read_bytes()[:-1])  # as if whoever wrote it had died
        assert judging(one.parameters) == first == second
        assert sorted(compared) == sorted(once * 2)
    one.execute(DAMAGES[0])
    with running(one, tmp_path / "private"):
        third = judging(one.parameters)
    assert sorted(compared) == sorted(once * 3)
    assert third["field_differences"] != first["field_differences"] and third.keys() == first.keys()


def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the list that will tell of which tenants records were compared with the tables."""
    found: list[list[str]] = []
    compare = settled.compare

    def counted(lines: inputs.Lines, table: inputs.Table, *others: Any, **more: Any) -> Any:
        found.append(sorted(table.values["good"]))
        return compare(lines, table, *others, **more)

    monkeypatch.setattr(settled, "compare", counted)
    return found
