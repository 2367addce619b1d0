"""Fills the copy with generated rows that satisfy its constraints, parents before children, on the server's side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from dsaudit.database.errors import first_line
from dsaudit.scratch.model import Foreign, Scratch, Table, listed, literal, quoted
from dsaudit.scratch.planning import LATER, OWN, PICKED, Plan, planned

CHILDREN = 3  # of each parent, where nothing asks for one alone
REFERRED_LATER = 1000  # rows that get a reference afterwards; enough to rehearse with


def fill(scratch: Scratch, rows: int, seed: int = 1) -> dict[str, int]:
    """Fill every table with generated rows and return how many each has now.

    What stood in the way of the rows that a table lacks is in `scratch.shortfalls`, by table. Triggers of the schema do
    not run meanwhile: an audit trail or a counter would be filled with rows that nobody planned.

    Parameters
    ----------
    rows
        How many rows each table is to have.
    seed
        Another one gives other texts and uuids.
    """
    scratch.shortfalls.clear()
    scratch.plans.clear()
    scratch.counts.clear()
    roots = {name: table for name, table in scratch.tables.items() if not table.partition_of}
    with psycopg.connect(scratch.url, autocommit=True) as owner, scratch.connect() as connection:
        for table in roots.values():
            owner.execute(f"alter table {table.sql} disable trigger user".encode())
        try:
            scratch.counts.update(_fill_all(owner, connection, scratch, rows, seed))
        finally:
            for table in roots.values():
                owner.execute(f"alter table {table.sql} enable trigger user".encode())
    return {name: count for name, count in scratch.counts.items() if name in roots}


def _fill_all(
    owner: psycopg.Connection[Any], connection: psycopg.Connection[Any], scratch: Scratch, rows: int, seed: int
) -> dict[str, int]:
    tables = scratch.tables
    counts: dict[str, int] = {}
    order, modes = ordered(tables)
    for names in order:
        for name in names:
            try:
                scratch.plans[name] = planned(connection, tables[name], modes[name], rows, seed)
            except LookupError as error:
                scratch.shortfalls[name] = f"no row: {error}"
            connection.commit()
        counts |= _fill_together(connection, scratch, names, counts, rows)
        for part in (part for part, table in tables.items() if table.partition_of in names):
            counts[part] = _one(connection.execute(f"select count(*) from {tables[part].sql}".encode()))
            connection.commit()
        for name in names:
            _continue_sequences(owner, tables[name])
        # Without statistics a join of two large tables may take for ever.
        owner.execute(f"analyze {', '.join(tables[name].sql for name in names)}".encode())
    for name in counts:
        for foreign in tables[name].foreigns if name in modes else ():
            if modes[name][foreign.name] == LATER and counts[name] and counts.get(foreign.parent):
                why = _refer_later(connection, tables, name, foreign)
                if why:
                    scratch.shortfalls.setdefault(name, f"no row refers by {foreign.name}: {why}")
    return counts


def _continue_sequences(owner: psycopg.Connection[Any], table: Table) -> None:
    """Let the next row that takes its number from a sequence get one that is free."""
    for column in table.settable:
        if column.identity or "nextval(" in (column.default or ""):
            sequence = f"pg_get_serial_sequence({literal(table.sql)}, {literal(column.name)})"
            owner.execute(f"select setval({sequence}, max({quoted(column.name)})) from {table.sql}".encode())


def _fill_together(
    connection: psycopg.Connection[Any], scratch: Scratch, names: Sequence[str], before: Mapping[str, int], rows: int
) -> dict[str, int]:
    """Fill the tables of one circle, or one table alone, in one transaction; with fewer rows where that many fail."""
    if not all(name in scratch.plans for name in names):
        for name in names:
            scratch.shortfalls.setdefault(name, "no row: it refers in a circle to a table that has none")
        return dict.fromkeys(names, 0)
    why = ""
    for many in dict.fromkeys((rows, min(rows, 50), 1)):
        counts = {**before, **dict.fromkeys(names, many)}
        try:
            with connection.transaction():
                connection.execute("set constraints all deferred")
                done = {}
                for name in names:
                    statement = insertion(scratch.tables, scratch.plans, name, counts, (1, many))
                    done[name] = connection.execute(statement.encode()).rowcount
                connection.execute("set constraints all immediate")
        except psycopg.Error as error:
            why = why or _in_the_way(error)
            continue
        for name, count in done.items():
            if count < rows:
                scratch.shortfalls[name] = f"{count} of {rows} rows: {why or 'its keys allow no more of these'}"
        return done
    for name in names:
        foreigns = scratch.tables[name].foreigns
        parents = {one.parent for one in foreigns if not before.get(one.parent) and one.parent not in names}
        empty = f"{why}; nothing is in {', '.join(sorted(parents))}" if parents else why
        scratch.shortfalls[name] = f"no row: {empty}"
    return dict.fromkeys(names, 0)


def _one(cursor: psycopg.Cursor[Any]) -> int:
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def _in_the_way(error: psycopg.Error) -> str:
    name = error.diag.constraint_name or error.diag.column_name
    return f"{name} stood in the way" if name else first_line(error)


def insertion(
    tables: Mapping[str, Table],
    plans: Mapping[str, Plan],
    name: str,
    counts: Mapping[str, int],
    numbers: tuple[int, int],
) -> str:
    """Return the statement that inserts the rows of these numbers as planned; rows that a key refuses are left out."""
    table, plan = tables[name], plans[name]
    values = {column.name: f"({plan.values[column.name]})::{column.type}" for column in table.settable}
    joins, given = "", dict[str, str]()
    only_keys = any(_of_foreigns_alone(key.columns, plan) for key in table.keys)
    picked = [one for one, mode in plan.foreigns if mode == PICKED]
    for foreign, mode in plan.foreigns:
        if mode == OWN:
            for column, key in zip(foreign.columns, foreign.keys, strict=True):
                given[column] = plans[foreign.parent].values[key]
                values[column] = f"({given[column]})::{table.columns[column].type}"
    for at, foreign in enumerate(picked):
        if not {*foreign.columns} - {*given}:
            continue  # the parent's row, picked before, refers itself
        alone = only_keys or any({*key.columns} <= {*foreign.columns} for key in table.keys)
        joins += _pick(at, foreign, tables[foreign.parent], given, counts, alone)
        for n, column in enumerate(foreign.columns):
            if column not in given:
                given[column] = f"p{at}.k{n}"
                values[column] = given[column]
                if plan.referring.get(column):
                    values[column] = f"case when {plan.referring[column]} then null else {given[column]} end"
    columns, expressions = listed(values), ", ".join(values.values())
    source = f"generate_series({numbers[0]}::bigint, {numbers[1]}) as numbers (i)"
    overriding = " overriding system value" if any(column.identity for column in table.settable) else ""
    # A key that is checked later can't be asked beforehand.
    skipping = " on conflict do nothing" if all(key.is_immediate for key in table.keys) else ""
    return f"insert into {table.sql} as t ({columns}){overriding} select {expressions} from {source}{joins}{skipping}"


def _of_foreigns_alone(columns: Sequence[str], plan: Plan) -> bool:
    return {*columns} <= {name for one, mode in plan.foreigns if mode == PICKED for name in one.columns}


def _pick(
    at: int, foreign: Foreign, parent: Table, given: Mapping[str, str], counts: Mapping[str, int], alone: bool
) -> str:
    """Join the parent's rows so that each new row gets one, which agrees with what was given before."""
    pairs = list(enumerate(zip(foreign.columns, foreign.keys, strict=True)))
    keys = ", ".join(f"{quoted(key)} as k{n}" for n, (_, key) in pairs)
    known = " and ".join(f"{quoted(key)} is not null" for _, (_, key) in pairs)
    shared = [(n, column, key) for n, (column, key) in pairs if column in given]
    size = max(1, counts.get(foreign.parent, 0))
    number = "i - 1" if alone else f"(i - 1) / {CHILDREN}"
    # Two references of one row take different ways through their parents, so that their pairs do not repeat.
    index = f"{number} + {at} * (1 + (i - 1) / {size})"
    if not shared:
        rows = f"select {keys}, row_number() over () - 1 as n from {parent.sql} where {known}"
        return f" left join ({rows}) as p{at} on p{at}.n = ({index}) % {size}"
    groups = listed(key for _, _, key in shared)
    rows = f"select {keys}, row_number() over (partition by {groups}) - 1 as n, count(*) over (partition by {groups})"
    same = " and ".join(f"p{at}.k{n} = {given[column]}" for n, column, _ in shared)
    return (
        f" left join ({rows} as size from {parent.sql} where {known}) as p{at} "
        f"on {same} and p{at}.n = ({index}) % p{at}.size"
    )


def _refer_later(
    connection: psycopg.Connection[Any], tables: Mapping[str, Table], name: str, foreign: Foreign
) -> str | None:
    """Give some rows a reference that could not be there while their parents were not; return why it was refused."""
    table, parent = tables[name], tables[foreign.parent]
    is_key = any({*key.columns} <= {*foreign.columns} for key in table.keys)
    which = "r.n - 1" if is_key else "r.n / 2"
    sets = ", ".join(
        f"{quoted(column)} = p.k{n}" for n, column in enumerate(foreign.columns) if table.columns[column].may_be_null
    )
    keys = ", ".join(f"{quoted(key)} as k{n}" for n, key in enumerate(foreign.keys))
    same = "".join(
        f" and c.{quoted(column)} = p.k{n}"
        for n, column in enumerate(foreign.columns)
        if not table.columns[column].may_be_null
    )
    half = "select tableoid as t, ctid as c, row_number() over () - 1 as n"
    statement = (
        f"update {table.sql} as c set {sets} from ({half} from {table.sql} limit {REFERRED_LATER}) as r "
        f"join (select {keys}, row_number() over () - 1 as n from {parent.sql} limit {REFERRED_LATER}) as p "
        f"on p.n = {which} where c.tableoid = r.t and c.ctid = r.c and r.n > 0{same}"
    )
    try:
        with connection.transaction():
            connection.execute("set constraints all immediate")
            connection.execute(statement.encode())
    except psycopg.Error as error:
        return _in_the_way(error)
    return None


def ordered(tables: Mapping[str, Table]) -> tuple[list[list[str]], dict[str, dict[str, str]]]:
    """Return the tables, parents first and circles together, and how each foreign key gets its values."""
    roots = {name: root_of(tables, name) for name in tables}
    modes: dict[str, dict[str, str]] = {name: {} for name in tables if roots[name] == name}
    open_: dict[str, set[str]] = {name: set() for name in modes}
    for name in modes:
        for foreign in tables[name].foreigns:
            can_wait = any(tables[name].columns[column].may_be_null for column in foreign.columns)
            is_own = roots[foreign.parent] == name
            modes[name][foreign.name] = (LATER if can_wait else OWN) if is_own else PICKED
            if not is_own:
                open_[name].add(roots[foreign.parent])
    order: list[list[str]] = []
    while open_:
        ready = [name for name, parents in open_.items() if not parents & {*open_}]
        if ready:
            order += [[name] for name in ready]
        elif not _loosened(tables, open_, modes):
            ready = _circle(open_)
            for name in ready:
                modes[name] |= {one.name: OWN for one in tables[name].foreigns if one.parent in ready}
            # What may be checked later goes first.
            order.append(sorted(ready, key=lambda name: [one.deferrable for one in tables[name].foreigns].count(False)))
        for name in ready:
            del open_[name]
    return order, modes


def root_of(tables: Mapping[str, Table], name: str) -> str:
    """Return the table that a partition belongs to in the end, or the table itself."""
    above = tables[name].partition_of
    return root_of(tables, above) if above else name


def _loosened(tables: Mapping[str, Table], open_: dict[str, set[str]], modes: dict[str, dict[str, str]]) -> bool:
    """Let one table's references into a circle wait, if they may be null meanwhile."""
    for name, parents in open_.items():
        for parent in sorted(parents & {*open_}):
            foreigns = [one for one in tables[name].foreigns if root_of(tables, one.parent) == parent]
            if name in _reached(open_, parent) and all(
                any(tables[name].columns[column].may_be_null for column in one.columns) for one in foreigns
            ):
                modes[name] |= {one.name: LATER for one in foreigns}
                parents.discard(parent)
                return True
    return False


def _reached(open_: Mapping[str, set[str]], start: str) -> set[str]:
    found, ahead = {start}, [start]
    while ahead:
        for name in open_.get(ahead.pop(), set()) & {*open_}:
            if name not in found:
                found.add(name)
                ahead.append(name)
    return found


def _circle(open_: Mapping[str, set[str]]) -> list[str]:
    """The tables of a circle that waits for no other."""
    smallest = min((_reached(open_, name) for name in open_), key=len)
    return sorted(smallest)
