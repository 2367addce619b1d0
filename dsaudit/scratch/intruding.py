"""Tries the isolation of tenants: as the application's role, with another tenant's settings, none, or broken ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import psycopg

from dsaudit.database.errors import first_line
from dsaudit.scratch.model import Scratch, ScratchError, Table, literal, quoted
from dsaudit.scratch.rows import Row, inserted, new_row

Connection = psycopg.Connection[Any]
MALFORMED = "no'such;tenant"
# Row security or a missing grant, and a setting that a policy asks for and nobody has made.
REFUSALS = ("42501", "42704")
STATES = ("another tenant", "no setting", "an empty setting", "a malformed setting")


@dataclass(frozen=True)
class Intrusion:
    """One attempt: what was done to a row of one tenant, and under which settings.

    `outcome` is "kept out", "let in", or "not tried", with the reason.
    """

    table: str
    attempt: str
    state: str
    outcome: Literal["kept out", "let in", "not tried"]
    reason: str | None = None


@contextmanager
def as_tenant(scratch: Scratch, role: str, settings: Mapping[str, str]) -> Iterator[Connection]:
    """Yield a connection as a role with these settings, as the application has it in a transaction; it is taken back.

    Raises
    ------
    ScratchError
        The copy has no such role.
    """
    with psycopg.connect(scratch.url, application_name="dsaudit/scratch", prepare_threshold=None) as connection:
        try:
            connection.execute(f"set local role {quoted(role)}")
        except psycopg.Error as error:
            raise ScratchError(f"the copy has no role {role}: {first_line(error)}") from None
        try:
            for name, value in settings.items():
                connection.execute("select pg_catalog.set_config(%s, %s, true)", [name, value])
            yield connection
        finally:
            connection.rollback()


def intrusions(
    scratch: Scratch, role: str, settings: Mapping[str, str], tables: list[str] | None = None
) -> list[Intrusion]:
    """Try to read, change, take over, delete and plant rows of another tenant, table by table, in a filled copy.

    Parameters
    ----------
    role
        The application's.
    settings
        For each column that tells whose a row is: the setting by which the policies know it.
    tables
        As "schema.table"; by default all that have every one of these columns.

    Raises
    ------
    ScratchError
        The copy has no such role.
    """
    named = tables or [
        name for name, table in scratch.tables.items() if {*settings} <= {*table.columns} and not table.partition_of
    ]
    return [one for name in named for one in _of_table(scratch, role, settings, name)]


def _of_table(scratch: Scratch, role: str, settings: Mapping[str, str], name: str) -> Iterator[Intrusion]:
    table = scratch.tables.get(name)
    if table is None or not {*settings} <= {*table.columns}:
        yield Intrusion(name, "any", "any", "not tried", f"the copy has no table {name} with {', '.join(settings)}")
        return
    with scratch.connect() as connection:
        victim, own = _two(connection, table, [*settings])
        new, _, why_not = new_row(connection, scratch, name)
    if victim is None or own is None:
        yield Intrusion(name, "any", "any", "not tried", scratch.shortfalls.get(name, "it has no rows of two tenants"))
        return
    place, whose = victim
    blind = _blind(
        scratch, role, _given(settings, STATES[0], own[1]), f"select from {table.sql} as t where {own[0].format('t')}"
    )
    for state in STATES:
        given = _given(settings, state, own[1])
        for attempt, statement in _attempts(table, settings, place, whose, own, new, state):
            made = Intrusion(name, attempt, state, "not tried", why_not)
            told = made if statement is None else _tried(scratch, role, given, made, statement)
            yield replace(told, outcome="not tried", reason=blind) if blind and told.outcome == "kept out" else told


def _two(connection: Connection, table: Table, columns: list[str]) -> tuple[Any, Any]:
    """A row, and one of another tenant: where each lies, and whose it is."""
    whose = ", ".join(f"t.{quoted(column)}::text" for column in columns)
    differs = " and ".join(f"t.{quoted(column)} is not null" for column in columns)
    found = connection.execute(
        f"select distinct on ({whose}) t.tableoid::bigint, t.ctid::text, {whose} from {table.sql} as t "
        f"where {differs} order by {whose} limit 2".encode()
    ).fetchall()
    rows = [
        (f"{{0}}.tableoid = {oid} and {{0}}.ctid = '{at}'", dict(zip(columns, of, strict=True)))
        for oid, at, *of in found
    ]
    return (rows[0], rows[1]) if len(rows) == 2 else (None, None)


def _given(settings: Mapping[str, str], state: str, own: Mapping[str, str]) -> dict[str, str]:
    values = {"another tenant": own, "an empty setting": dict.fromkeys(settings, "")}
    values["a malformed setting"] = dict.fromkeys(settings, MALFORMED)
    return {settings[column]: value for column, value in values.get(state, {}).items()}


def _attempts(
    table: Table,
    settings: Mapping[str, str],
    place: str,
    whose: Mapping[str, str],
    own: tuple[str, Mapping[str, str]],
    new: Row | None,
    state: str,
) -> Iterator[tuple[str, str | None]]:
    """Statements that must touch no row: of the one tenant's row, or in its name."""
    there = place.format("t")
    planted = {column: f"{literal(value)}::{table.columns[column].type}" for column, value in whose.items()}
    sets = ", ".join(f"{quoted(column)} = {value}" for column, value in planted.items())
    first = next(iter(settings))
    yield "read", f"select from {table.sql} as t where {there}"
    yield "change", f"update {table.sql} as t set {quoted(first)} = {quoted(first)} where {there}"
    yield "delete", f"delete from {table.sql} as t where {there}"
    yield "plant", inserted(table, new, planted) if new else None
    if state == STATES[0]:
        taken = ", ".join(
            f"{quoted(column)} = {literal(value)}::{table.columns[column].type}" for column, value in own[1].items()
        )
        yield "take over", f"update {table.sql} as t set {taken} where {there}"
        yield "give away", f"update {table.sql} as t set {sets} where {own[0].format('t')}"


def _tried(scratch: Scratch, role: str, given: Mapping[str, str], made: Intrusion, statement: str) -> Intrusion:
    with as_tenant(scratch, role, given) as connection:
        try:
            touched = connection.execute(statement.encode()).rowcount
        except psycopg.Error as error:
            if error.sqlstate in REFUSALS or (error.sqlstate or "").startswith("22"):
                return replace(made, outcome="kept out", reason=first_line(error))
            # It got past the policies, or they were not asked yet: something else refused it.
            by = error.diag.constraint_name or first_line(error)
            return replace(made, reason=f"refused by another: {by}")
    return replace(made, outcome="let in" if touched else "kept out", reason=None)


def _blind(scratch: Scratch, role: str, given: Mapping[str, str], statement: str) -> str | None:
    """Why the role does not even see a row of its own tenant: then it is kept out by something else than policies."""
    with as_tenant(scratch, role, given) as connection:
        try:
            seen = connection.execute(statement.encode()).rowcount
        except psycopg.Error as error:
            return f"the tenant cannot read its own row: {first_line(error)}"
    return None if seen else "the tenant does not see its own row"
