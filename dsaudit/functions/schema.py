"""The database's catalogue, held against the parameter file: tables, columns, types, unique keys."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dsaudit.database import RelationMissing, TableInfo
from dsaudit.facts.schema import Column, declared_columns, declared_tables, misfit
from dsaudit.facts.schema.indexes import is_unique, unique_indexes
from dsaudit.functions import Found, frames

if TYPE_CHECKING:
    from dsaudit.audit import Audit


# A domain is judged by what it is made of; an enumeration holds texts.
COLUMN_TYPES = """
with recursive types (oid, base, modifier) as (
  select t.oid, t.oid, -1 from pg_type as t where t.typtype <> 'd'
  union all
  select t.oid, types.base, case when t.typtypmod = -1 then types.modifier else t.typtypmod end
  from pg_type as t join types on types.oid = t.typbasetype
  where t.typtype = 'd'
)
select a.attrelid::bigint as oid, a.attname::text as column,
       format_type(a.atttypid, a.atttypmod) as declared,
       case b.typtype when 'e' then 'text' else
         format_type(types.base, case when a.atttypmod = -1 then types.modifier else a.atttypmod end) end as type
from pg_attribute as a
join types on types.oid = a.atttypid
join pg_type as b on b.oid = types.base
where a.attrelid::bigint = any(%(tables)s) and a.attnum > 0 and not a.attisdropped
order by 1, a.attnum
"""


def declared_tables_exist(audit: Audit) -> Found:
    """Every table that the parameter file names is in the database.

    why: a type of data without its table is stored nowhere, and every check that would miss it has nothing to read
    requirement: DS1.2, DS0, DI1
    severity: critical
    needs: resources
    key: table
    show: table, similar, problem, declared_by
    explains: declared_columns_exist, column_types_fit, instants_have_a_zone, source_keys_are_unique
    remedy: run the migrations, or correct the name in the parameter file
    """
    tables = declared_tables(audit.parameters)
    known = sorted({name for _, name in audit.database.catalogue()})
    rows = []
    for table, declared_by in tables.items():
        _, problem = _find(audit, table)
        if problem:
            similar = ", ".join(difflib.get_close_matches(table.rpartition(".")[2], known, n=1))
            rows.append(
                {"table": table, "similar": similar or None, "problem": problem, "declared_by": ", ".join(declared_by)}
            )
    return frames(rows, [{"examined": len(tables)}])


def declared_columns_exist(audit: Audit) -> Found:
    """Every column that the parameter file names is in its table.

    why: a field without its column is dropped at every refinement, and nothing says so
    requirement: DS1.2
    severity: high
    needs: resources
    key: column, table
    show: table, column, similar, declared_by
    explains: column_types_fit, source_keys_are_unique
    remedy: run the migrations, or correct the name in the parameter file
    """
    rows, examined = [], 0
    for column in declared_columns(audit.parameters):
        table, _ = _find(audit, column.table)
        if table is None:
            continue
        examined += 1
        if column.name not in table.columns:
            similar = ", ".join(difflib.get_close_matches(column.name, table.columns, n=1))
            rows.append(
                {
                    "table": column.table,
                    "column": column.name,
                    "similar": similar or None,
                    "declared_by": ", ".join(column.declared_by),
                }
            )
    return frames(rows, [{"examined": examined, "reason": _unseen(audit)}])


def column_types_fit(audit: Audit) -> Found:
    """Every declared column has a type that holds the source's values exactly.

    why: money in a binary float is rounded, a 64-bit id overflows an integer, and neither is seen until it happens
    requirement: DS1.2
    severity: high
    scope: resource
    key: column
    show: column, declared_as, type, problem
    explains: field_differences, failed_refinements
    remedy: alter the column's type, then refine the rows again, since what was rounded stays rounded
    """
    types = _types(audit)
    rows: list[dict[str, Any]] = []
    examined = []
    for name, resource in audit.parameters.resources.items():
        table, problem = _find(audit, resource.table)
        if table is None:
            examined.append({"resource": name, "examined": 0, "reason": problem})
            continue
        columns = [one for one in declared_columns(audit.parameters, name) if one.kind or one.holds_id]
        known = [(column, types[table.oid, column.name]) for column in columns if column.name in table.columns]
        rows += [row for column, found in known for row in _misfits(name, column, found)]
        lacking = [column.name for column in columns if column.name not in table.columns]
        reason = f"the table has no column {lacking[0]}" if lacking else None
        examined.append({"resource": name, "examined": len(known), "reason": reason})
    return frames(rows, examined)


def instants_have_a_zone(audit: Audit) -> Found:
    """No declared table, and where none is declared no table at all, keeps a time without its zone.

    why: a naive time is right only as long as every writer and every reader happen to mean the same zone
    requirement: DS1.2
    severity: high
    key: column, table
    show: table, column, type
    remedy: alter the column to timestamptz, using column at time zone 'UTC' if that is what was meant
    """
    types = _types(audit)
    names = {table.oid: name for name, table in _tables(audit).items()}
    rows = [
        {"table": names[oid], "column": column, "type": found["declared"]}
        for (oid, column), found in types.items()
        if found["type"].endswith("without time zone") and found["type"].startswith("timestamp")
    ]
    rows.sort(key=lambda row: (row["table"], row["column"]))
    return frames(rows, [{"examined": len(types), "reason": _unseen(audit)}])


def source_keys_are_unique(audit: Audit) -> Found:
    """A unique constraint keeps every refined table to one row for each tenant and source id.

    why: without it two writers at once make two rows, however careful the code is
    requirement: DS1.2, DS4.3
    severity: high
    scope: resource
    key: table
    show: table, columns, statement
    explains: one_refined_row_per_source_id, lookups_use_an_index
    remedy: remove the duplicates, then run the statement that the table shows
    """
    indexes = unique_indexes(audit.database)
    rows, examined = [], []
    for name, resource in audit.parameters.resources.items():
        try:
            table = audit.relations.table(resource.table)
        except RelationMissing as error:
            examined.append({"resource": name, "examined": 0, "reason": str(error)})
            continue
        if not is_unique(indexes, table, resource):
            columns = ", ".join(f'"{column}"' for column in resource.whole_key)
            statement = f'alter table "{table.schema}"."{table.name}" add unique ({columns})'
            named = ", ".join(resource.whole_key)
            rows.append({"resource": name, "table": table.name, "columns": named, "statement": statement})
        examined.append({"resource": name, "examined": 1, "reason": None})
    return frames(rows, examined)


def _find(audit: Audit, name: str) -> tuple[TableInfo | None, str | None]:
    """Return a declared table, or why it cannot be found."""
    try:
        return audit.relations.table(name), None
    except RelationMissing as error:
        return None, str(error)


def _unseen(audit: Audit) -> str | None:
    """Return why the declared tables could not all be looked at, or None."""
    problems = [problem for table in declared_tables(audit.parameters) if (problem := _find(audit, table)[1])]
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    return f"{problems[0]}{more}" if problems else None


def _tables(audit: Audit) -> dict[str, TableInfo]:
    """Return the declared tables that there are, or all of the database where none is declared, by name."""
    declared = declared_tables(audit.parameters)
    if not declared:
        return {f"{table.schema}.{table.name}": table for table in audit.database.catalogue().values()}
    return {name: table for name in declared if (table := _find(audit, name)[0])}


def _types(audit: Audit) -> dict[tuple[int, str], dict[str, str]]:
    """Return the types of all columns of these tables, by the table's object id and the column's name."""
    tables = [table.oid for table in _tables(audit).values()]
    frame = audit.database.query(COLUMN_TYPES, {"tables": tables}, most=None).frame
    return {
        (row["oid"], row["column"]): {"declared": row["declared"], "type": row["type"]}
        for row in frame.to_dict("records")
    }


def _misfits(resource: str, column: Column, found: dict[str, str]) -> Iterator[dict[str, Any]]:
    problem = misfit(column.kind or "", found["type"], column.holds_id)
    if problem:
        yield {
            "resource": resource,
            "column": column.name,
            "declared_as": "id" if column.holds_id else column.kind,
            "type": found["declared"],
            "problem": problem,
        }
