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
Place = tuple[str, dict[str, str]]  # where a row lies, and whose it is
RANK = ("let in", "kept out", "not tried")
MALFORMED = "no'such;tenant"
# Row security or a missing grant, and a setting that a policy asks for and nobody has made.
REFUSALS = ("42501", "42704")
ANOTHER = "another tenant"


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
    with psycopg.connect(scratch.url, autocommit=True) as owner, scratch.connect() as connection:
        worker = quoted(connection.info.user)
        try:
            # A session that was a superuser's could become one again, from inside a trigger of the audited schema.
            owner.execute(f"grant {quoted(role)} to {worker}")
            connection.execute(f"set local role {quoted(role)}")
        except psycopg.Error as error:
            raise ScratchError(f"the copy has no role {role} to be used: {first_line(error)}") from None
        try:
            for name, value in settings.items():
                connection.execute("select pg_catalog.set_config(%s, %s, true)", [name, value])
            yield connection
        finally:
            connection.rollback()
            owner.execute(f"revoke {quoted(role)} from {worker}")


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
    own_values = {settings[column]: value for column, value in own[1].items()}
    blind = _blind(scratch, role, own_values, f"select from {table.sql} as t where {own[0].format('t')}")
    for state, given in _states(settings, victim[1], own[1]):
        # A session for each state: in one that has ever had a setting, it is empty afterwards, and not unknown.
        with as_tenant(scratch, role, given) as connection:
            for attempt, statements in _attempts(table, victim, own, new, state):
                told = Intrusion(name, attempt, state, "not tried", why_not)
                for statement in statements:
                    one = _tried(connection, told, statement, f"{table.sql} as t where {victim[0].format('t')}")
                    told = min(told, one, key=lambda one: RANK.index(one.outcome))
                yield replace(told, outcome="not tried", reason=blind) if blind and told.outcome == "kept out" else told


def _two(connection: Connection, table: Table, columns: list[str]) -> tuple[Place | None, Place | None]:
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


def _states(
    settings: Mapping[str, str], victim: Mapping[str, str], own: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield under which settings the row is tried: those of another tenant, in all columns or in one alone, or none."""
    values: dict[str, Mapping[str, str]] = {ANOTHER: own}
    if len(settings) > 1:  # a policy may have forgotten one of them
        values |= {f"another {one}": {**victim, one: own[one]} for one in settings if own[one] != victim[one]}
    values |= {"no setting": {}, "an empty setting": dict.fromkeys(settings, "")}
    values["a malformed setting"] = dict.fromkeys(settings, MALFORMED)
    for state, of in values.items():
        yield state, {settings[column]: value for column, value in of.items()}


def _attempts(table: Table, victim: Place, own: Place, new: Row | None, state: str) -> Iterator[tuple[str, list[str]]]:
    """What must not touch one tenant's row, nor be done in its name, and the statements that try it.

    A statement that reads nothing is held against fewer policies, so each change is tried without a condition too.
    """
    there = victim[0].format("t")
    planted, taken = (
        {column: f"{literal(value)}::{table.columns[column].type}" for column, value in one[1].items()}
        for one in (victim, own)
    )
    as_victim, as_own = (
        ", ".join(f"{quoted(column)} = {value}" for column, value in values.items()) for values in (planted, taken)
    )
    first = quoted(next(iter(planted)))
    yield "read", [f"select from {table.sql} as t where {there}"]
    yield "change", [f"update {table.sql} as t set {first} = {first} where {there}"]
    yield "delete", [f"delete from {table.sql} as t where {there}", f"delete from {table.sql} as t"]
    yield "plant", [inserted(table, new, planted)] if new else []
    if state == ANOTHER:
        change = f"update {table.sql} as t set"
        yield "take over", [f"{change} {as_own} where {there}", f"{change} {as_own}"]
        yield "give away", [f"{change} {as_victim} where {own[0].format('t')}", f"{change} {as_victim}"]


def _tried(connection: Connection, made: Intrusion, statement: str, victim: str) -> Intrusion:
    """Run one statement, see whether the victim's row is still there, and take all of it back, the role's end too."""
    try:
        with connection.transaction(force_rollback=True):
            touched = connection.execute(statement.encode()).rowcount
            connection.execute("reset role")
            is_there = connection.execute(f"select from {victim}".encode()).rowcount
    except psycopg.Error as error:
        if error.sqlstate in REFUSALS or (error.sqlstate or "").startswith("22"):
            return replace(made, outcome="kept out", reason=first_line(error))
        # It got past the policies, or they were not asked yet: something else refused it.
        by = error.diag.constraint_name or first_line(error)
        return replace(made, outcome="not tried", reason=f"refused by another: {by}")
    # Without a condition a tenant may well change rows of its own, unless it gives them away.
    counts = made.attempt in ("read", "plant", "give away") or not made.state.startswith("another")
    return replace(made, outcome="let in" if not is_there or (counts and touched) else "kept out", reason=None)


def _blind(scratch: Scratch, role: str, given: Mapping[str, str], statement: str) -> str | None:
    """Why the role does not even see a row of its own tenant: then it is kept out by something else than policies."""
    with as_tenant(scratch, role, given) as connection:
        try:
            seen = connection.execute(statement.encode()).rowcount
        except psycopg.Error as error:
            return f"the tenant cannot read its own row: {first_line(error)}"
    return None if seen else "the tenant does not see its own row"
