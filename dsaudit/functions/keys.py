"""Phase 5: what tells records apart, at the source and in the tables; without it no comparison means anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from dsaudit.database import RelationMissing, TableInfo
from dsaudit.functions import Found, frames

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def duplicate_source_ids(audit: Audit) -> Found:
    """No id of the source stands for two records.

    why: of two records under one id a table keeps one; which one depends on the order in which they came
    requirement: DS5.1
    severity: critical
    scope: tenant, resource
    needs: source
    whole: a second record of an id may be any other
    key: source_id
    explains: children_match_payload, field_differences, raw_differs_from_source, refined_built_from_newest
    remedy: declare what tells the records apart under `key` and `id_from`, or ask the provider which record is right
    """
    rows: list[dict[str, Any]] = []
    examined: list[dict[str, Any]] = []
    for tenant in audit.parameters.tenant_names:
        for name in audit.parameters.resources:
            scope = {"tenant": tenant, "resource": name}
            problem = audit.source.problem(tenant, name)
            shared = audit.source.shared_ids(tenant, name)  # where there are any, the list has a problem too
            rows += [{**scope, "source_id": key} for key in shared]
            examined.append({**scope, "examined": audit.source.count(tenant, name) or 0, "reason": problem})
    return frames(rows, examined)


def null_keys(audit: Audit) -> Found:
    """No row lacks its tenant or a part of its source id.

    why: NULL equals nothing, so such a row is found by no look-up, and a unique constraint lets any number of them in
    requirement: DS4.1, DS4.3
    severity: high
    needs: resources
    key: table, column
    show: table, column
    remedy: find out to whom the rows belong, then make the column not null
    """
    rows, total = [], 0
    for table, columns in _keyed_tables(audit):
        source = sql.Identifier(table.schema, table.name)
        counted = [sql.SQL("count(*) filter (where {} is null)").format(sql.Identifier(column)) for column in columns]
        query = sql.SQL("select count(*), {} from {}").format(sql.SQL(", ").join(counted), source)
        answer = audit.database.query(query.as_string(None)).frame.iloc[0].to_list()
        total += answer[0]
        found = zip(columns, answer[1:], strict=True)
        rows += [{"table": table.name, "column": column, "rows": count} for column, count in found if count]
    rows.sort(key=lambda row: (row["table"], row["column"]))
    return frames(rows, [{"examined": total}])


def _keyed_tables(audit: Audit) -> list[tuple[TableInfo, list[str]]]:
    """Return each declared table that there is, with the columns that say whose record a row is, and which."""
    parameters = audit.parameters
    wanted = [(table, parameters.raw_key) for table in parameters.raw_tables(parameters.resources)]
    for resource in parameters.resources.values():
        wanted.append((resource.table, resource.whole_key))
    found: dict[int, tuple[TableInfo, list[str]]] = {}
    for name, columns in wanted:
        try:
            table = audit.relations.table(name)
        except RelationMissing:
            continue  # phase 1 says so
        known = found.setdefault(table.oid, (table, []))[1]  # two resources may share a table
        known += [column for column in columns if column in table.columns and column not in known]
    return [(table, columns) for table, columns in found.values() if columns]
