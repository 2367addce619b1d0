"""Reads the tables of the copy, with everything that constrains them, out of its catalogue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.rows import namedtuple_row

from dsaudit.scratch import catalogue
from dsaudit.scratch.model import Check, Column, Domain, Foreign, Key, Policy, Table

One = TypeVar("One")


def reflected(connection: psycopg.Connection[Any], schemas: Sequence[str]) -> dict[str, Table]:
    """Return the tables of these schemas by "schema.name"; partitions are tables of their own, with their own rules."""
    by_name: Any = namedtuple_row  # its own type knows no names
    with connection.transaction(), connection.cursor(row_factory=by_name) as cursor:
        # The catalogue's own names need no path, and any other comes out with its schema.
        cursor.execute("set local search_path = ''")
        tables = cursor.execute(catalogue.TABLES, {"schemas": list(schemas)}).fetchall()
        values = {"tables": [table.oid for table in tables]}
        domains = {row.oid: _domain(row) for row in cursor.execute(catalogue.DOMAINS).fetchall()}

        def grouped(query: str, make: Callable[[Any], One]) -> dict[int, list[One]]:
            found: dict[int, list[One]] = defaultdict(list)
            for row in cursor.execute(query.encode(), values).fetchall():
                found[row.oid].append(make(row))
            return found

        columns = grouped(catalogue.COLUMNS, lambda row: _column(row, domains))
        keys = grouped(catalogue.KEYS, lambda row: (row, _key(row)))
        checks = grouped(catalogue.CHECKS, _check)
        foreigns = grouped(catalogue.FOREIGNS, _foreign)
        policies = grouped(catalogue.POLICIES, _policy)
    return {
        f"{table.schema}.{table.name}": Table(
            table.schema,
            table.name,
            {column.name: column for column in columns[table.oid]},
            [key for row, key in keys[table.oid] if row.is_key],
            checks[table.oid],
            foreigns[table.oid],
            [row.definition for row, _ in keys[table.oid]],
            policies[table.oid],
            table.row_security,
            table.forced,
            table.partition_of,
            # A default partition, and a partitioned table without any, have no bound of their own.
            table.bounds,
        )
        for table in tables
    }


def _domain(row: Any) -> Domain:
    return Domain(row.name, tuple((name, expression) for name, expression in row.checks), row.not_null)


def _column(row: Any, domains: dict[int, Domain]) -> Column:
    domain = domains.get(row.domain) if row.domain else None
    return Column(
        row.name,
        row.type,
        row.base,
        row.kind,
        row.modifier,
        row.is_array,
        row.nullable,
        row.default,
        row.generated,
        row.identity,
        tuple(row.computed_from),
        tuple(row.labels),
        row.part,
        domain,
    )


def _key(row: Any) -> Key:
    kind = "primary key" if row.is_primary else "exclusion" if row.is_exclusion else "unique"
    columns = tuple(row.plain) if row.is_plain and not row.predicate else tuple(row.columns)
    return Key(
        row.name,
        kind,
        columns,
        tuple(row.operators),
        row.predicate,
        not row.nulls_not_distinct,
        tuple(row.expressions),
        row.is_immediate,
        row.inherited,
    )


def _check(row: Any) -> Check:
    return Check(row.name, tuple(row.columns), row.expression, row.validated, row.inherited)


def _foreign(row: Any) -> Foreign:
    return Foreign(
        row.name,
        frozenset(row.names),
        tuple(row.columns),
        row.parent,
        tuple(row.keys),
        row.on_delete,
        tuple(row.set_columns),
        row.deferrable,
        row.validated,
        row.inherited,
    )


def _policy(row: Any) -> Policy:
    return Policy(row.name, row.command, row.permissive, tuple(row.roles), row.using, row.check)
