"""What an attack breaks: each constraint of a table, and how the values of a row are changed so that they break it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from dsaudit.scratch.model import Check, Column, Domain, Foreign, Key, Scratch, Table, quoted
from dsaudit.scratch.rows import Row, missing_parent, some_row, violations
from dsaudit.scratch.values import TEXTS

Connection = psycopg.Connection[Any]
Changes = Callable[[Connection, Row], list[dict[str, str]]]


@dataclass(frozen=True)
class Target:
    """A constraint, and how it is broken.

    `violated` is the condition on the stored row ``t`` that says that it was broken; `changes` gives values for some
    columns of a row, several where one may meet another constraint first.
    """

    kind: str
    name: str
    names: frozenset[str]  # under which PostgreSQL may tell it: a partition has names of its own
    states: tuple[str, ...]
    columns: tuple[str, ...]
    violated: str
    changes: Changes
    impossible: str = ""


def targets(scratch: Scratch, name: str) -> Iterator[Target]:
    """Yield what can be attacked of one table; what a partition inherits is attacked where it inherits it from."""
    table = scratch.tables[name]
    is_root = not table.partition_of
    for column in table.columns.values():
        if is_root and not column.nullable:
            yield _not_null(column)
        if is_root and column.domain:
            yield from _domain(scratch, table, column, column.domain)
    for key in table.keys:
        if not key.inherited:
            yield _key(scratch, name, key)
            if not key.nulls_distinct and any(table.columns[one].may_be_null for one in key.columns):
                yield _nulls(scratch, name, key)
    for check in table.checks:
        if not check.inherited:
            yield _check(scratch, table, check)
    for foreign in table.foreigns:
        if not foreign.inherited:
            yield _foreign(scratch, table, foreign)


def _not_null(column: Column) -> Target:
    def changes(connection: Connection, row: Row) -> list[dict[str, str]]:
        return [{column.name: "null"}]

    computed = "it is computed, and cannot be set" if column.generated else ""
    names = frozenset({column.name})
    violated = f"t.{quoted(column.name)} is null"
    return Target("not null", column.name, names, ("23502",), (column.name,), violated, changes, computed)


def _domain(scratch: Scratch, table: Table, column: Column, domain: Domain) -> Iterator[Target]:
    known = domain.name.rpartition(".")[2].strip('"')
    computed = "its column is computed, and cannot be set" if column.generated else ""
    if domain.not_null:
        null = f"t.{quoted(column.name)} is null"
        yield Target(
            "domain", f"{known} of {column.name}", frozenset({known}), ("23502",), (column.name,), null,
            lambda connection, row: [{column.name: f"null::{column.storage}"}], computed,
        )  # fmt: skip
    for name, expression in domain.checks:
        condition = f"({_of_domain(column, expression)}) is false"

        def changes(connection: Connection, row: Row, condition: str = condition) -> list[dict[str, str]]:
            others = [
                _of_domain(column, text) for _, text in domain.checks if _of_domain(column, text) not in condition
            ]
            texts = [text for _, text in domain.checks]
            return violations(connection, scratch, table, row, (column.name,), condition, others, texts)

        label = f"{name} of {column.name}"
        yield Target("domain", label, frozenset({name}), ("23514",), (column.name,), condition, changes, computed)


def _of_domain(column: Column, expression: str) -> str:
    return re.sub(r"\bVALUE\b", lambda _: f"(t.{quoted(column.name)})::{column.storage}", expression)


def _key(scratch: Scratch, name: str, key: Key) -> Target:
    table = scratch.tables[name]
    differing = {column for column, operator in zip(key.columns, key.operators, strict=False) if operator == "<>"}
    columns = table.sources(column for column in key.columns if column not in differing)
    plain = [(c, o) for c, o in zip(key.columns, key.operators, strict=False) if c not in differing]
    # A null, or an empty range, is in conflict with nothing.
    usable = " and ".join(f"t.{quoted(c)} {_operator(o)} t.{quoted(c)}" for c, o in plain)
    usable = usable or " and ".join(f"t.{quoted(column)} is not null" for column in key.columns)
    usable += f" and ({key.predicate})" if key.predicate else ""

    def changes(connection: Connection, row: Row) -> list[dict[str, str]]:
        other = some_row(connection, table, usable, row.place or "")
        if other is None:
            return []
        same = {column: other.value(column) for column in columns}
        # Under an expression another spelling is the same key, where a plain key beside it would come first.
        texts = [column for column in columns if key.expressions and table.columns[column].base in TEXTS]
        spelt = [same | {c: f"{how}({same[c]})" for c in texts} for how in ("upper", "lower", "initcap")]
        return [same, *(spelt if texts else [])]

    def image(alias: str) -> str:
        read = ", ".join(key.expressions or [quoted(column) for column in columns])
        return f"(select row({read})::text from (select {alias}.*) as image)"

    # A statement does not see what it writes, so whatever is found was there before.
    another = "(n.tableoid, n.ctid) <> (t.tableoid, t.ctid)"
    violated = f"exists (select from {table.sql} as n where {another} and {image('n')} = {image('t')})"
    states = ("23P01",) if key.kind == "exclusion" else ("23505",)
    return Target(key.kind, key.name, _names(scratch, name, key), states, columns, violated, changes)


def _operator(name: str) -> str:
    return name if name in ("=", "&&", "-|-", "@>", "<@") else "="


def _nulls(scratch: Scratch, name: str, key: Key) -> Target:
    """A key under which two nulls are the same: a second row with one is refused."""
    table = scratch.tables[name]
    null = next(column for column in key.columns if table.columns[column].may_be_null)
    empty = f"t.{quoted(null)} is null" + (f" and ({key.predicate})" if key.predicate else "")
    columns = table.sources(key.columns)

    def changes(connection: Connection, row: Row) -> list[dict[str, str]]:
        if some_row(connection, table, empty, row.place or "") is None:
            first = some_row(connection, table, "true", row.place or "")
            if first is None:
                return []
            connection.execute(f"update {table.sql} as t set {quoted(null)} = null where {first.place}".encode())
        other = some_row(connection, table, empty, row.place or "")
        return [{column: other.value(column) for column in columns}] if other else []

    return Target(
        f"{key.kind} of nulls", key.name, _names(scratch, name, key), ("23505",), columns,
        f"t.{quoted(null)} is null", changes,
    )  # fmt: skip


def _names(scratch: Scratch, name: str, key: Key) -> frozenset[str]:
    parts = [table for table in scratch.tables.values() if table.partition_of == name]
    inherited = {one.name for part in parts for one in part.keys if one.inherited and {*one.columns} == {*key.columns}}
    return frozenset({key.name} | inherited)


def _check(scratch: Scratch, table: Table, check: Check) -> Target:
    columns = table.sources(check.columns)
    condition = f"({check.expression}) is false"

    def changes(connection: Connection, row: Row) -> list[dict[str, str]]:
        others = list(_others(scratch, table, columns, check.name))
        return violations(connection, scratch, table, row, columns, condition, others, [check.expression])

    return Target("check", check.name, frozenset({check.name}), ("23514",), columns, condition, changes)


def _foreign(scratch: Scratch, table: Table, foreign: Foreign) -> Target:
    shared = {name for one in table.foreigns if one.name != foreign.name for name in one.columns}
    # What no other foreign key reads is changed first.
    columns = sorted(table.sources(foreign.columns), key=lambda name: name in shared)
    condition = missing_parent(foreign, table, scratch.tables[foreign.parent])

    companions = list(_companions(table, foreign))

    def changes(connection: Connection, row: Row) -> list[dict[str, str]]:
        others = list(_others(scratch, table, [*columns, *companions], foreign.name))
        return violations(connection, scratch, table, row, columns, condition, others, [], companions)

    return Target("foreign key", foreign.name, foreign.names, ("23503",), tuple(columns), condition, changes)


def _companions(table: Table, foreign: Foreign) -> Iterator[str]:
    """What a check or another foreign key reads together with this one, and may be null."""
    own = {*table.sources(foreign.columns)}
    groups = [table.sources(check.columns) for check in table.checks] + [one.columns for one in table.foreigns]
    met = {name for group in groups if own & {*group} for name in group} - own
    yield from (name for name in table.columns if name in met and table.columns[name].may_be_null)


def _others(scratch: Scratch, table: Table, columns: tuple[str, ...] | list[str], name: str) -> Iterator[str]:
    """The rules that a change of these columns should not break as well, as conditions on the row."""
    touched = {*columns}
    for check in table.checks:
        if check.name != name and touched & {*table.sources(check.columns)}:
            yield check.expression
    for foreign in table.foreigns:
        if foreign.name != name and touched & {*foreign.columns}:
            yield f"not ({missing_parent(foreign, table, scratch.tables[foreign.parent])})"
    for column in (table.columns[one] for one in columns):
        if not column.may_be_null:
            yield f"t.{quoted(column.name)} is not null"
        for _, text in column.domain.checks if column.domain else ():
            yield _of_domain(column, text)
    if table.bounds:
        yield f"({table.bounds}) is true"
