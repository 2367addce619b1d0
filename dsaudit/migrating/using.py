"""What the migrated schema does at a size that matters: indexes that find rows, and inserts one at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg

from dsaudit.database.errors import first_line
from dsaudit.migrating.fingerprints import of_json
from dsaudit.migrating.stage import Stage
from dsaudit.scratch import Scratch
from dsaudit.scratch.filling import insertion
from dsaudit.scratch.model import quoted
from dsaudit.scratch.rows import Row, inserted

INSERTS = 100
COMPARING = {"btree", "hash"}  # kinds of index that are asked for one value

_INDEXES = """
select n.nspname || '.' || c.relname, i.relname, m.amname, x.indisvalid,
       pg_get_indexdef(x.indexrelid, 1, true), pg_get_expr(x.indpred, x.indrelid), n.nspname, c.relname
from pg_catalog.pg_index as x join pg_catalog.pg_class as i on i.oid = x.indexrelid
join pg_catalog.pg_class as c on c.oid = x.indrelid join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_am as m on m.oid = i.relam
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p')
order by 1, 2
"""
_PARTS = """
select part.relname, whole.relname from pg_catalog.pg_inherits as i
join pg_catalog.pg_class as part on part.oid = i.inhrelid and part.relkind in ('i', 'I')
join pg_catalog.pg_class as whole on whole.oid = i.inhparent
"""


@dataclass(frozen=True)
class Index:
    """An index after all revisions; `problem` is what is wrong with it, `untried` why its use was not tried."""

    table: str
    name: str
    problem: str | None
    untried: str | None = None
    rows: int = 0


@dataclass(frozen=True)
class Inserts:
    """How long inserts into a table took, one by one; the median in milliseconds, or why there is none."""

    table: str
    count: int
    milliseconds: float | None
    untried: str | None = None


def indexes(stage: Stage, made: Scratch, wanted: Sequence[tuple[str, str]]) -> Iterator[Index]:
    """Yield each index that models or revisions declare, looked at in a filled database.

    Parameters
    ----------
    wanted
        Tables and names of the indexes.
    """
    with stage.owner() as connection:
        connection.execute("set enable_seqscan = off")
        there = {(row[0], row[1]): row for row in connection.execute(_INDEXES).fetchall()}
        parts = {str(part): str(whole) for part, whole in connection.execute(_PARTS).fetchall()}
        leading: dict[tuple[str, str], list[str]] = {}
        for (table, name), row in there.items():
            leading.setdefault((table, row[4]), []).append(name)
        for table, name in wanted:
            row = there.get((table, name))
            if row is None:
                yield Index(table, name, "it is not there")
            elif not row[3]:
                yield Index(table, name, "it is not valid, so that no query uses it")
            else:
                yield _used(connection, made, row, leading[(table, row[4])], parts)


def _used(
    connection: psycopg.Connection[Any],
    made: Scratch,
    row: tuple[Any, ...],
    alike: Sequence[str],
    parts: Mapping[str, str],
) -> Index:
    table, name, kind, _, column, predicate, *where = row
    rows = made.counts.get(table, 0)
    if kind not in COMPARING:
        return Index(table, name, None, f"{name}: an index of kind {kind} is not asked for one value", rows)
    source = ".".join(map(quoted, where))
    condition = f" and ({predicate})" if predicate else ""
    try:
        one = f"select ({column})::text from {source} where {column} is not null{condition} limit 1"
        value = connection.execute(one.encode()).fetchone()
        if value is None:
            return Index(table, name, None, f"{name}: no row that was made up is in it", rows)
        kind_of = connection.execute(f"select pg_typeof({column})::text from {source} limit 1".encode()).fetchone()
        assert kind_of is not None
        text = psycopg.sql.Literal(value[0]).as_string(connection)
        asked = f"select * from {source} where {column} = {text}::{kind_of[0]}{condition}"
        plan = connection.execute(f"explain (format json) {asked}".encode()).fetchone()
    except psycopg.Error as error:
        return Index(table, name, None, f"{name}: {first_line(error)}", rows)
    assert plan is not None
    used = {whole for name in _names(plan[0][0]["Plan"]) for whole in _wholes(name, parts)}
    problem = None if used & {*alike} else "no plan uses it for its leading column"
    return Index(table, name, problem, None, rows)


def _names(step: Mapping[str, Any]) -> Iterator[str]:
    if "Index Name" in step:
        yield str(step["Index Name"])
    for inner in step.get("Plans", ()):
        yield from _names(inner)


def _wholes(name: str, parts: Mapping[str, str]) -> Iterator[str]:
    """Yield an index, and those of the partitioned tables that it is a part of: a plan names that of the partition."""
    yield name
    if name in parts:
        yield from _wholes(parts[name], parts)


def inserts(made: Scratch) -> Iterator[Inserts]:
    """Yield how long inserts into each table of a filled database take, each a transaction of its own."""
    with made.connect() as connection:
        connection.autocommit = True
        for name, table in made.tables.items():
            if table.partition_of:
                continue
            plan = made.plans.get(name)
            if plan is None:
                yield Inserts(name, 0, None, f"{name}: {made.shortfalls.get(name, 'no row is planned for it')}")
                continue
            statement = insertion(made.tables, made.plans, name, made.counts, (plan.rows + 1, plan.rows + INSERTS))
            times = []
            try:
                with connection.transaction(force_rollback=True):
                    told = connection.execute(f"{statement} returning to_jsonb(t)::text".encode()).fetchall()
                for (values,) in told:
                    one = inserted(table, Row(of_json(table, values)), {}).encode()
                    begun = time.perf_counter()
                    connection.execute(one)
                    times.append(1000 * (time.perf_counter() - begun))
            except psycopg.Error as error:
                yield Inserts(name, len(times), None, f"{name}: {first_line(error)}")
                continue
            took = median(times) if times else None
            yield Inserts(name, len(times), took, None if times else f"{name}: its keys allow no more rows")
