"""Attacks every constraint of the copy: a row that it must refuse is inserted, and one that is there changed into one.

Each statement is taken back. What it was refused by decides: another constraint that came first proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import psycopg

from dsaudit.database.errors import first_line
from dsaudit.scratch.model import Scratch, quoted
from dsaudit.scratch.rows import Row, inserted, new_row, some_row, updated
from dsaudit.scratch.targets import Target, targets

Outcome = Literal["accepted", "swallowed", "refused", "mended", "refused by another", "not tried"]
# What occurs first among the statements of one attack is its outcome.
RANK: tuple[Outcome, ...] = ("accepted", "swallowed", "refused", "mended", "refused by another", "not tried")


@dataclass(frozen=True)
class Attack:
    """What became of the attack on one constraint.

    `outcome` is "refused" by just this constraint; "accepted"; "swallowed": no error, though a trigger or a rule kept
    the row out, so that whoever writes is not told; "mended": a trigger or a rule gave the row another value before the
    constraint was asked, as one does that sets the time of a change; "refused by another"; "not tried", with the
    reason.
    """

    table: str
    constraint: str
    kind: str
    outcome: Outcome
    sqlstate: str | None = None
    refused_by: str | None = None
    reason: str | None = None
    statement: str | None = None

    @property
    def is_decided(self) -> bool:
        """Whether the attack says anything about the constraint."""
        return self.outcome in ("refused", "accepted", "swallowed")


@dataclass(frozen=True)
class _Rows:
    """The rows of one table that attacks start from, the partition of the new one, and why one is lacking."""

    new: Row | None
    leaf: str | None
    there: Row | None
    lacking: tuple[str, ...]


def attacks(scratch: Scratch) -> list[Attack]:
    """Attack each constraint of a filled copy, by insert and by update, and return what became of it."""
    found: list[Attack] = []
    with scratch.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute("set constraints all immediate")
        for name in scratch.tables:
            rows = _rows(connection, scratch, name)
            for target in targets(scratch, name):
                with connection.transaction(force_rollback=True):
                    found.append(_attacked(connection, scratch, name, target, rows))
    return found


def _rows(connection: psycopg.Connection[Any], scratch: Scratch, name: str) -> _Rows:
    """The rows to start from; each is let through as long as nothing of it is changed."""
    table = scratch.tables[name]
    new, leaf, why_not_new = new_row(connection, scratch, name)
    if new and (why := _refusal(connection, inserted(table, new, {}))):
        new, why_not_new = None, f"a new row is refused: {why}"
    there = some_row(connection, table)
    why_not_there = "" if there else scratch.shortfalls.get(name, "the table is empty")
    same = next((column.name for column in table.settable if column.identity != "a"), None)
    if there and same and (why := _refusal(connection, updated(table, there, {same: f"t.{quoted(same)}"}))):
        there, why_not_there = None, f"a row cannot be changed: {why}"
    lacking = (why_not_there or why_not_new,) if not there else (why_not_new,) if not new else ()
    return _Rows(new, leaf, there, lacking)


def _refusal(connection: psycopg.Connection[Any], statement: str) -> str:
    try:
        with connection.transaction(force_rollback=True):
            return "" if connection.execute(statement.encode()).rowcount == 1 else "it vanishes without an error"
    except psycopg.Error as error:
        return first_line(error)


def _attacked(connection: psycopg.Connection[Any], scratch: Scratch, name: str, target: Target, rows: _Rows) -> Attack:
    """Try the statements that break one constraint, and return the one that decides."""
    best = Attack(name, target.name, target.kind, "not tried", reason=target.impossible or None)
    if target.impossible:
        return best
    for statements in _ways(connection, scratch, name, target, rows):
        for statement in statements:
            told = _tried(connection, statement, target, best)
            best = min(best, told, key=lambda one: RANK.index(one.outcome))
            if told.is_decided:
                break
    if best.outcome == "not tried":
        nothing = "no value was found that breaks it and that its column takes"
        return replace(best, reason="; ".join(rows.lacking) if not (rows.new or rows.there) else nothing)
    return best


def _ways(
    connection: psycopg.Connection[Any], scratch: Scratch, name: str, target: Target, rows: _Rows
) -> Iterator[list[str]]:
    """The statements for each way to write, to be tried one after another until one decides."""
    table = scratch.tables[name]
    if rows.new:
        with connection.transaction(force_rollback=True):
            changes = target.changes(connection, rows.new)
            yield [inserted(table, rows.new, values) for values in changes]
            if rows.leaf and table.bounds:
                # Through the partitioned table a row is routed, and refused there, before its constraints are asked.
                yield [inserted(table, rows.new, values, rows.leaf) for values in changes]
    if rows.there and not any(table.columns[column].identity == "a" for column in target.columns):
        with connection.transaction(force_rollback=True):
            yield [updated(table, rows.there, values) for values in target.changes(connection, rows.there)]


def _tried(connection: psycopg.Connection[Any], statement: str, target: Target, attack: Attack) -> Attack:
    """Run one statement that breaks the constraint, take it back, and tell what became of it."""
    told = replace(attack, statement=statement, reason=None)
    try:
        with connection.transaction(force_rollback=True):
            broken = connection.execute(f"{statement} returning ({target.violated})".encode()).fetchall()
    except psycopg.Error as error:
        return _refused(told, target, error)
    if any(is_broken for (is_broken,) in broken):
        return replace(told, outcome="accepted")
    if broken:
        return replace(told, outcome="mended", reason="a trigger or rule changes the row before it is checked")
    return replace(told, outcome="swallowed", reason="a trigger or rule kept the row out, without an error")


def _refused(told: Attack, target: Target, error: psycopg.Error) -> Attack:
    said = error.diag
    names = {said.constraint_name, said.column_name, said.datatype_name} - {None}
    if error.sqlstate in target.states and names & target.names:
        return replace(told, outcome="refused", sqlstate=error.sqlstate, refused_by=target.name)
    by = said.constraint_name or said.column_name or said.datatype_name
    return replace(
        told,
        outcome="refused by another",
        sqlstate=error.sqlstate,
        refused_by=by,
        reason=f"{by} came first" if by else first_line(error),
    )
