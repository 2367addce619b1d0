"""Rows to attack with: one that is there, and a new one that all constraints let through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

import psycopg

from dsaudit.database.errors import first_line
from dsaudit.scratch.filling import insertion, root_of
from dsaudit.scratch.model import Column, Foreign, Scratch, Table, listed, literal, quoted
from dsaudit.scratch.planning import MOST_COMBINATIONS
from dsaudit.scratch.values import candidates

MOST_VIOLATIONS = 5
MOST_LOOKS = 25
MOST_ONE_BY_ONE = 200


@dataclass(frozen=True)
class Row:
    """A row of a table as SQL reads it: the source, named ``r``; of a row that is there also where it lies."""

    source: str
    place: str | None = None  # a condition on the alias t

    def value(self, column: str) -> str:
        """One value of it, as an expression that stands alone."""
        return f"(select r.{quoted(column)} from {self.source})"


def new_row(connection: psycopg.Connection[Any], scratch: Scratch, name: str) -> tuple[Row | None, str | None, str]:
    """Return a row that can be inserted, the partition it goes to, and the reason where there is none.

    The row is inserted as planned and taken back, so its own triggers have had their say.
    """
    table, root = scratch.tables[name], root_of(scratch.tables, name)
    plan = scratch.plans.get(root)
    if plan is None:
        return None, None, "no new row is planned for it"
    why = "no further row is let in"
    # Which of a table's next rows go to one partition is not known beforehand.
    for number in range(plan.rows + 1, plan.rows + (2 if root == name else MOST_LOOKS)):
        statement = insertion(scratch.tables, scratch.plans, root, scratch.counts, (number, number))
        try:
            with connection.transaction(force_rollback=True):
                connection.execute("set constraints all immediate")
                told = connection.execute(
                    f"{statement} returning pg_catalog.to_jsonb(t)::text, t.tableoid::regclass::text, "
                    f"t.tableoid = {literal(table.sql)}::regclass".encode()
                ).fetchone()
        except psycopg.Error as error:
            why = f"a new row is refused: {first_line(error)}"
            continue
        if told and (root == name or told[2]):
            source = f"pg_catalog.jsonb_populate_record(null::{table.sql}, {literal(told[0])}::jsonb) as r"
            return Row(source), told[1], ""
    return None, None, why


def some_row(connection: psycopg.Connection[Any], table: Table, condition: str = "true", skip: str = "") -> Row | None:
    """Return a row that is there and meets a condition on ``t``, other than the one at the place `skip`."""
    other = f" and not ({skip})" if skip else ""
    told = connection.execute(
        f"select t.tableoid::bigint, t.ctid::text from {table.sql} as t where ({condition}){other} limit 1".encode()
    ).fetchone()
    if told is None:
        return None
    place = f"{{0}}.tableoid = {told[0]} and {{0}}.ctid = '{told[1]}'"
    return Row(f"{table.sql} as r where {place.format('r')}", place.format("t"))


def violations(
    connection: psycopg.Connection[Any],
    scratch: Scratch,
    table: Table,
    row: Row,
    columns: Sequence[str],
    condition: str,
    other_rules: Sequence[str],
    texts: Sequence[str],
    companions: Sequence[str] = (),
) -> list[dict[str, str]]:
    """Return values for some columns of a row with which a condition holds; those that break fewest other rules first.

    Parameters
    ----------
    condition, other_rules
        In SQL on the row's columns; the first true, the others not false if possible.
    texts
        Constraints whose literals are worth trying.
    companions
        Further columns, which may be made null where another rule would come first.
    """
    plan = scratch.plans.get(f"{table.schema}.{table.name}")
    number = plan.rows + 3 if plan else 4
    lists = {name: _tried(table, table.columns[name], columns, texts) for name in columns}
    size = max(2, int(MOST_COMBINATIONS ** (1 / max(1, len(lists)))))
    lists = {name: ones[:size] for name, ones in lists.items()}
    lists |= {name: [f"r.{quoted(name)}", "null"] for name in companions[:3]}

    def asked(tried: Mapping[str, Sequence[tuple[int, str]]]) -> list[Any] | None:
        return _asked(connection, _breaking(table, row, number, tried, condition, other_rules))

    numbered = {name: list(enumerate(ones)) for name, ones in lists.items()}
    found = asked(numbered)
    if found is None:
        every = islice(product(*numbered.values()), MOST_ONE_BY_ONE)
        single = (asked({name: [one] for name, one in zip(lists, ones, strict=True)}) for ones in every)
        found = [one for answer in single for one in answer or []][:MOST_VIOLATIONS]
    source = f"(values ({number}::bigint)) as numbers (i), lateral (select * from {row.source}) as r"
    return [
        {
            name: f"(select ({lists[name][at]})::{table.columns[name].storage} from {source})"
            for name, at in zip(lists, marks, strict=True)
        }
        for marks in found
    ]


def _breaking(
    table: Table,
    row: Row,
    number: int,
    tried: Mapping[str, Sequence[tuple[int, str]]],
    condition: str,
    other_rules: Sequence[str],
) -> str:
    """The query for the numbers of the values with which the row breaks one rule, and few others."""
    source = f"(values ({number}::bigint)) as numbers (i), lateral (select * from {row.source}) as r"
    values: dict[str, str] = {}
    for at, (name, ones) in enumerate(tried.items()):
        union = " union all ".join(f"select {n} as n, ({one})::{table.columns[name].storage} as v" for n, one in ones)
        source += f" cross join lateral ({union}) as c{at}"
        values |= {f"dsaudit n {at}": f"c{at}.n"}
    given = {name: f"c{at}.v" for at, name in enumerate(tried)}
    values |= {one.name: given.get(one.name, f"r.{quoted(one.name)}") for one in table.settable}
    marks = ", ".join(quoted(f"dsaudit n {at}") for at in range(len(tried)))
    broken = " + ".join(["0 + 0", *(f"(({rule}) is false)::int" for rule in other_rules)])
    image = table.image(values, source)
    return f"select {marks} from ({image}) as t where {condition} order by {broken}, {marks} limit {MOST_VIOLATIONS}"


def _tried(table: Table, column: Column, together: Sequence[str], texts: Sequence[str]) -> list[str]:
    """The value that is there, those of the other columns, and everything that may break a rule of these texts."""
    same = [f"r.{quoted(other)}" for other in together if table.columns[other].storage == column.storage]
    ones = [f"r.{quoted(column.name)}", *same, *candidates(column, 1, texts)]
    null = [one for one in ones if one.startswith("(null)")]
    return list(dict.fromkeys([*ones[:1], *null, *ones[1:]]))


def missing_parent(foreign: Foreign, table: Table, parent: Table, row: str = "t") -> str:
    """A condition on a `row`: it refers to a parent that is not there, and not to itself either."""
    pairs = list(zip(foreign.columns, foreign.keys, strict=True))
    known = " and ".join(f"{row}.{quoted(column)} is not null" for column, _ in pairs)
    same = " and ".join(f"p.{quoted(key)} = {row}.{quoted(column)}" for column, key in pairs)
    missing = f"{known} and not exists (select from {parent.sql} as p where {same})"
    if table.sql != parent.sql:
        return missing
    itself = " and ".join(f"{row}.{quoted(key)} = {row}.{quoted(column)}" for column, key in pairs)
    return f"{missing} and not ({itself})"


def inserted(table: Table, row: Row, values: Mapping[str, str], target: str | None = None) -> str:
    """The statement that inserts a row with some of its values replaced."""
    columns = [column.name for column in table.settable]
    given = ", ".join(values.get(name, f"r.{quoted(name)}") for name in columns)
    overriding = " overriding system value" if any(column.identity for column in table.settable) else ""
    return f"insert into {target or table.sql} as t ({listed(columns)}){overriding} select {given} from {row.source}"


def updated(table: Table, row: Row, values: Mapping[str, str]) -> str:
    """The statement that changes some values of a row that is there."""
    sets = ", ".join(f"{quoted(name)} = {value}" for name, value in values.items())
    return f"update {table.sql} as t set {sets} where {row.place}"


def _asked(connection: psycopg.Connection[Any], query: str) -> list[Any] | None:
    try:
        with connection.transaction():
            return connection.execute(query.encode()).fetchall()
    except psycopg.Error:
        return None
