"""The refined rows by themselves, and what the ready view makes of them: asked of the database alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql as names

from dsaudit.database import RelationMissing
from dsaudit.database.catalogue import TableInfo
from dsaudit.database.expressions import field_column
from dsaudit.functions import Found, Row, frames
from dsaudit.reconcile.domains import misfits

if TYPE_CHECKING:
    from dsaudit.audit import Audit

DOMAINS = "select source_id, tenant, {columns} from {{refined}} as f where not deleted order by tenant, source_id"
MATCHED = """
select v.{key}::text as {key_name}, {told} from {view} as v left join {table} as t on t.{own} = v.{key} order by 1
"""


def domains_are_normalised(audit: Audit) -> Found:
    """Every domain stands in its one normal form.

    why: customers are told apart by their domain; one that is written in two ways is two customers
    requirement: BS6
    severity: high
    scope: resource
    having: domains
    key: source_id, field
    show: field, kind
    explains: field_differences, ready_view_has_its_columns
    remedy: bring each into small letters, without scheme, www., port, path and the dot at its end, other scripts in
        Punycode, where it is written; then refine again what stands there already
    """
    rows: list[Row] = []
    examined: list[Row] = []
    for resource in audit.parameters.resources:
        fields = audit.parameters.resources[resource].domains
        count = 0
        for record in _refined(audit, resource, fields) if fields else []:
            for field in fields:
                value = record[field_column(field)]
                count += value is not None
                kinds = ", ".join(misfits(value)) if value is not None else ""
                if kinds:
                    rows.append({"resource": resource, "tenant": record["tenant"], "source_id": record["source_id"],
                                 "field": field, "kind": kinds, "domain": value})  # fmt: skip
        examined.append({"resource": resource, "examined": count})
    return frames(rows, examined)


def _refined(audit: Audit, resource: str, fields: list[str]) -> list[dict[str, Any]]:
    columns = [names.Identifier(field_column(field)).as_string(None).replace("%", "%%") for field in fields]
    frame = audit.query(
        DOMAINS.format(columns=", ".join(columns)).replace("{{", "{").replace("}}", "}"), {"resource": resource}
    )
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def ready_view_has_its_columns(audit: Audit) -> Found:
    """The view of what is ready has its columns, each filled as the table has it.

    why: whoever works with the view sees nothing else; a type that is missing there is missing to everybody
    requirement: BS6
    severity: critical
    needs: ready, resources
    key: column, source_id
    show: column, kind
    remedy: write the view anew with the column, by a migration, and see why a deployment left it out
    """
    ready = audit.parameters.ready
    assert ready is not None
    try:
        view = audit.relations.table(ready.view)
    except RelationMissing:
        return frames([{"column": None, "source_id": None, "kind": "no such view"}], [{"examined": 1}])
    wanted = list(dict.fromkeys([ready.key, *ready.columns]))
    lacking = [name for name in wanted if name not in view.columns]
    rows: list[Row] = [{"column": name, "source_id": None, "kind": "no such column"} for name in lacking]
    if ready.key in lacking:
        return frames(rows, [{"examined": 1}])
    table, own = _table_of(audit, ready.key)
    found = _matched(audit, view, table, own, [name for name in ready.columns if name not in lacking])
    for record in found:
        rows += _wrong(record)
    return frames(rows, [{"examined": len(found)}])


def _table_of(audit: Audit, key: str) -> tuple[TableInfo, str]:
    """Return the table that the view's rows are of, and the column of its key: that of the same name, or the first."""
    resources = list(audit.parameters.resources.values())
    one = next((one for one in resources if one.key == [key]), resources[0])
    return audit.relations.table(one.table), one.key[0]


def _matched(audit: Audit, view: TableInfo, table: TableInfo, own: str, columns: list[str]) -> list[dict[str, Any]]:
    """Return each row of the view with what its columns have in both."""

    def quoted(*name: str) -> str:
        return names.Identifier(*name).as_string(None).replace("%", "%%")

    ready = audit.parameters.ready
    assert ready is not None
    told = [f"t.{quoted(own)} is not null as is_there"]
    for place, name in enumerate(columns):
        has_it = name in table.columns
        told.append(f"v.{quoted(name)} is null as null_{place}")
        told.append(f"{f'v.{quoted(name)} is distinct from t.{quoted(name)}' if has_it else 'false'} as other_{place}")
    query = MATCHED.format(
        key=quoted(ready.key), key_name="source_id", told=", ".join(told), view=quoted(view.schema, view.name),
        table=quoted(table.schema, table.name), own=quoted(own),
    )  # fmt: skip
    answer = audit.database.query(query, audit.values(), most=None)
    return [{**record, "columns": columns} for record in answer.records]


def _wrong(record: dict[str, Any]) -> list[Row]:
    if not record["is_there"]:
        return [{"column": None, "source_id": record["source_id"], "kind": "no such row in the table"}]
    rows = []
    for place, name in enumerate(record["columns"]):
        kind = "null" if record[f"null_{place}"] else "another value" if record[f"other_{place}"] else ""
        if kind:
            rows.append({"column": name, "source_id": record["source_id"], "kind": kind})
    return rows
