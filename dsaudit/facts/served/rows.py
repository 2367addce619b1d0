"""The rows that an endpoint has to serve to one owner, as the tables have them now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import TYPE_CHECKING, Any, Literal

from dsaudit.database import TableInfo
from dsaudit.database.expressions import as_text, id_of, quoted, value_of
from dsaudit.facts.served.owners import Owner, columns_of, from_table, table_of
from dsaudit.parameters.apis import Endpoint, named_by, relation_of
from dsaudit.parameters.fields import FieldOf, FieldType
from dsaudit.parameters.ids import id_text, kind_of
from dsaudit.reconcile.kinds import kind_of as difference_of
from dsaudit.reconcile.values import agree, typed

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Kind = FieldType | Literal["address"]
KINDS: dict[str, Kind] = {
    **dict.fromkeys(("smallint", "integer", "bigint"), "integer"),
    **dict.fromkeys(("numeric", "real", "double precision"), "decimal"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    **dict.fromkeys(("inet", "cidr"), "address"),
    **{"boolean": "boolean", "date": "date"},
}


@dataclass(frozen=True)
class Row:
    """A row as it has to be served: its fields as text, and the numbers and ids of what refers to it, by path."""

    parent: str | None
    fields: Mapping[str, str | None]
    related: Mapping[str, int | tuple[str, ...]]


def kinds_of(audit: Audit, endpoint: Endpoint) -> dict[str, Kind]:
    """Return as what each declared field is compared: as its column's type."""
    table = table_of(audit, endpoint)
    return {path: _kind(table.columns.get(column, "text")) for path, column in endpoint.fields.items()}


def _kind(column_type: str) -> Kind:
    return "instant" if column_type.startswith("timestamp") else KINDS.get(column_type.partition("(")[0], "text")


def agrees(served: Any, column: str | None, kind: Kind) -> bool:
    """Return whether a served value is that of a column; an address may be served without its netmask."""
    if kind == "address":
        return _is_address(served, column)
    field = FieldOf.model_validate({"from": "", "as": kind})
    return agree(served if kind == "json" else typed(served, kind), typed(column, kind), field)


def difference(served: Any, column: str | None, kind: Kind) -> str:
    """Say in a word or two how a served value differs from a column's."""
    if kind == "address":
        return "another address"
    words = difference_of(served if kind == "json" else typed(served, kind), typed(column, kind))
    return words.replace("at the source", "in the answer").replace(" here", " in the table")


def plain(value: Any, kind: Kind) -> Any:
    """Return a served value, or a column's, for a row of a verdict: what is a number or a time stays one."""
    if kind == "address" or kind == "json" or isinstance(value, (list, dict)):
        return None if value is None else str(value)
    return typed(value, kind)


def _is_address(served: Any, column: str | None) -> bool:
    if not isinstance(served, str) or column is None:
        return served is None and column is None
    try:
        there, here = ip_interface(served), ip_interface(column)
    except ValueError:
        return served == column
    return there == here if "/" in served else there.ip == here.ip


def key_in(audit: Audit, endpoint: Endpoint, value: Any) -> str:
    """Return a served id as the table's is written."""
    return id_text(value, kind_of(table_of(audit, endpoint).columns.get(endpoint.key_column, "")))


def rows_of(
    audit: Audit,
    endpoint: Endpoint,
    owner: Owner,
    only: Collection[str] | None = None,
    parents: Collection[str] | None = None,
) -> dict[str, Row]:
    """Return the owner's rows by their id: all, or those of the ids `only`, or of `parents`."""
    table = table_of(audit, endpoint)
    condition, values = own(audit, endpoint.resource, table, owner)
    selects = [f"{id_of(endpoint.key_column, table)} as key"]
    selects.append(f"{id_of(endpoint.within, table)} as parent" if endpoint.within else "null::text as parent")
    for place, column in enumerate(endpoint.fields.values()):
        kind = table.columns.get(column, "text")
        selects.append(f"{as_text(value_of(column, table), kind)} as f{place}")
    fields = list(endpoint.counts) + list(endpoint.ids)
    selects += [f"{_related(audit, endpoint, table, field)} as r{place}" for place, field in enumerate(fields)]
    for name, within, some in (("only", endpoint.key_column, only), ("parents", endpoint.within, parents)):
        if some is not None and within:
            condition += f" and {value_of(within, table)} = any(%({name})s::{_array_of(table, within)})"
            values[name] = list(some)
    query = f"select {', '.join(selects)} from {from_table(table)} where {condition} order by 1"
    found = audit.database.now().query(query, values, most=None).records
    return {
        row["key"]: Row(
            row["parent"],
            {path: row[f"f{place}"] for place, path in enumerate(endpoint.fields)},
            {
                field: tuple(sorted(row[f"r{place}"])) if field in endpoint.ids else row[f"r{place}"]
                for place, field in enumerate(fields)
            },
        )
        for row in found
        if row["key"] is not None
    }


def own(audit: Audit, resource: str, table: TableInfo, owner: Owner) -> tuple[str, dict[str, Any]]:
    """Return the condition that a row is the owner's, and what it binds."""
    columns = columns_of(audit.parameters.whole, resource)
    parts = [f"{value_of(one, table)} = %(o{place})s::{table.columns[one]}" for place, one in enumerate(columns)]
    values = {f"o{place}": value for place, value in enumerate(owner.values)}
    return " and ".join(parts) or "true", values


def _related(audit: Audit, endpoint: Endpoint, table: TableInfo, field: str) -> str:
    """Return the number, or the ids, of the rows of the same owner that refer to a row."""
    parameters = audit.parameters.whole
    end = endpoint.ids.get(field) or endpoint.counts[field]
    resource, _, column = end.partition(".")
    relation = relation_of(parameters, end)
    assert relation is not None  # the file is refused otherwise
    child = audit.relations.table(parameters.resources[resource].table)
    own_columns, child_columns = (columns_of(parameters, name) for name in (endpoint.resource, resource))
    joined = [
        f"{value_of(column, child, 'y')} = {value_of(relation.parent.partition('.')[2], table)}",
        *(
            f"{value_of(theirs, child, 'y')} = {value_of(ours, table)}"
            for ours, theirs in zip(own_columns, child_columns, strict=True)
        ),
    ]
    origin = f"from {from_table(child, 'y')} where {' and '.join(joined)}"
    if field not in endpoint.ids:
        return f"(select count(*) {origin})"
    return f"array(select (y.{quoted(named_by(parameters, resource) or '')})::text {origin})"


def some_keys(audit: Audit, endpoint: Endpoint, owner: Owner, most: int) -> list[str]:
    """Return the ids of some of the owner's rows, chosen by the seed of the file."""
    return _some(audit, endpoint.resource, endpoint.key_column, owner, most)


def parents_of(audit: Audit, endpoint: Endpoint, owner: Owner, most: int) -> tuple[list[str], int]:
    """Return the ids of those of which each has a list, or of so many; and how many there are."""
    relation = relation_of(audit.parameters.whole, f"{endpoint.resource}.{endpoint.within}")
    assert relation is not None  # the file is refused otherwise
    resource, _, column = relation.parent.partition(".")
    table = audit.relations.table(audit.parameters.whole.resources[resource].table)
    condition, values = own(audit, resource, table, owner)
    counting = f"select count(*) as rows from {from_table(table)} where {condition}"
    there = audit.database.now().query(counting, values).records[0]["rows"]
    return _some(audit, resource, column, owner, most), there


def fitting(audit: Audit, endpoint: Endpoint, owner: Owner, parents: list[str], most: int) -> list[str]:
    """Return the first parents that have no more than `most` rows together."""
    table, within = table_of(audit, endpoint), endpoint.within or ""
    condition, values = own(audit, endpoint.resource, table, owner)
    query = f"""select {id_of(within, table)} as parent, count(*) as rows from {from_table(table)}
        where {condition} and {value_of(within, table)} = any(%(parents)s::{_array_of(table, within)}) group by 1"""
    rows = audit.database.now().query(query, values | {"parents": parents}, most=None).records
    counts, found = {row["parent"]: row["rows"] for row in rows}, []
    for parent in parents:
        if counts.get(parent, 0) <= most:
            most -= counts.get(parent, 0)
            found.append(parent)
    return found


def _some(audit: Audit, resource: str, column: str, owner: Owner, most: int) -> list[str]:
    assert audit.parameters.apis is not None
    table = audit.relations.table(audit.parameters.whole.resources[resource].table)
    condition, values = own(audit, resource, table, owner)
    key = id_of(column, table)
    query = f"""select {key} as key from {from_table(table)} where {condition} and {value_of(column, table)} is not null
        order by md5({key} || %(seed)s), 1 limit %(most)s"""
    values |= {"seed": str(audit.parameters.apis.seed), "most": most}
    return [row["key"] for row in audit.database.now().query(query, values, most=None).records]


def _array_of(table: TableInfo, column: str) -> str:
    return f"{table.columns[column]}[]" if column in table.columns else "text[]"


def whose(audit: Audit, endpoint: Endpoint, keys: Collection[str]) -> dict[str, tuple[str | None, ...]]:
    """Return whose the rows of some ids are; of what is in no row there is nothing."""
    table = table_of(audit, endpoint)
    columns = [f"({value_of(one, table)})::text" for one in columns_of(audit.parameters.whole, endpoint.resource)]
    key = id_of(endpoint.key_column, table)
    query = f"select {', '.join([key, *columns])} from {from_table(table)} where {key} = any(%(keys)s)"
    rows = audit.database.now().query(query, {"keys": list(keys)}, most=None).rows if keys else []
    return {row[0]: tuple(row[1:]) for row in rows}


def absent_key(audit: Audit, endpoint: Endpoint, column: str, number: int = 0) -> str | None:
    """Return an id that no row has in a column, written as those that are there; None where none can be made up."""
    table = table_of(audit, endpoint)
    if relation := relation_of(audit.parameters.whole, f"{endpoint.resource}.{column}"):
        resource, _, column = relation.parent.partition(".")  # one without a child is there, too
        table = audit.relations.table(audit.parameters.whole.resources[resource].table)
    kind = _id_kind(table, column)
    if kind == "char":
        return None
    if kind == "number":
        last = f"select max({value_of(column, table)}) as last from {from_table(table)}"
        return str(int(audit.database.now().query(last).records[0]["last"] or 0) + 10_000 + number)
    return f"00000000-0000-4000-8000-{number + 1:012d}" if kind == "uuid" else f"no-such-id-{number}"


def malformed_key(audit: Audit, endpoint: Endpoint, column: str) -> str | None:
    """Return what cannot be an id, None where every text can."""
    return "no-id-at-all" if _id_kind(table_of(audit, endpoint), column) in ("uuid", "number") else None


def _id_kind(table: TableInfo, column: str) -> str | None:
    return kind_of(table.columns.get(column, "text"))
