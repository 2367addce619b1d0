"""What relations are made of: quoted columns that were looked up in the catalogue, cast to what checks expect."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql as names

from dsaudit.database import TableInfo
from dsaudit.parameters import Resource
from dsaudit.parameters.tables import Table

REFINED_COLUMNS = ("row_id", "tenant", "resource", "source_id", "updated_at", "refined_at", "built_from", "deleted")
TEXT = {"row_id", "source_id", "content_hash", "via", "state", "error", "topic", "outcome", "delivery_id"}


class RelationMissing(Exception):
    """The database has no such table or column as the parameter file names."""


@dataclass
class Filled:
    """A query with its slots filled, the values to bind, and the tables that it reads."""

    sql: str
    values: dict[str, Any] = field(default_factory=dict)
    tables: list[int] = field(default_factory=list)
    resources: tuple[str, ...] = ()


def field_column(name: str) -> str:
    """Return under which name ``{refined}`` has a declared field: its own, unless a fixed column is called so."""
    return f"field_{name}" if name in REFINED_COLUMNS else name


def source_id(resource: Resource, info: TableInfo) -> str:
    """Return the expression of a refined row's source id as text.

    The parts of a composite key are joined by what the file declares, else held apart as a JSON array: a separator
    that may stand in a value would make two keys one.
    """
    parts = [f"({column(one, info)})::text" for one in resource.key]
    if len(parts) == 1:
        return parts[0]
    if resource.joined is not None:
        return f" || {names.Literal(resource.joined).as_string(None)} || ".join(parts)
    return f"pg_catalog.json_build_array({', '.join(parts)})::text"


def columns(table: Table, info: TableInfo) -> dict[str, str]:
    """Return the expression of each column that dsaudit reads of a table, by dsaudit's name; null where it has none."""
    expressions = {}
    for name in table.own:
        expression = column(table.columns[name], info) if name in table.columns else "null"
        expressions[name] = f"({expression})::text" if name in TEXT else expression
    for name, kind in table.optional.items():
        expression = optional(table.columns.get(name), info, kind)
        expressions[name] = f"coalesce({expression}, false)" if kind == "boolean" else expression
    return expressions


def optional(given: str | None, info: TableInfo, kind: str) -> str:
    """Return a column's expression as of a type, null where none is given."""
    return f"({column(given, info)})::{kind}" if given else f"null::{kind}"


def column(given: str, info: TableInfo) -> str:
    """Return a column's expression; ``column.path.to`` reaches into a jsonb column."""
    name, *path = given.split(".")
    if name not in info.columns:
        raise RelationMissing(f"the table {info.schema}.{info.name} has no column {name}")
    expression = f"x.{quoted(name)}"
    if not path:
        return expression
    steps = ", ".join(names.Literal(step).as_string(None) for step in path)
    return f"({expression}::jsonb #> array[{steps}])"


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return names.Identifier(name).as_string(None)


def row_id(info: TableInfo) -> str:
    """Return the expression of what tells a table's rows apart."""
    return column("id", info) if "id" in info.columns else "x.ctid"


def deleted(resource: Resource, info: TableInfo) -> str:
    """Return the expression of whether a refined row is marked deleted, by a flag or a time."""
    if not resource.deleted:
        return "false"
    expression = column(resource.deleted, info)
    is_flag = info.columns[resource.deleted] == "boolean"
    return f"coalesce({expression}, false)" if is_flag else f"({expression} is not null)"


def map_join(alias: str, expression: str, mapping: Mapping[str, str], filled: Filled, kind: str = "join") -> str:
    """Return a join that calls what stands in `expression` by another name, both of them bound."""
    rows = []
    for index, (value, name) in enumerate(mapping.items()):
        filled.values |= {f"{alias}_{index}_value": value, f"{alias}_{index}": name}
        rows.append(f"(%({alias}_{index}_value)s::text, %({alias}_{index})s::text)")
    values = ", ".join(rows) or "(null::text, null::text)"
    return f"{kind} (values {values}) as {alias} (value, name) on {alias}.value = ({expression})::text "


def listed(name: str, ids: Mapping[str, Collection[str]], filled: Filled) -> str:
    """Return the part's ids of a resource as a select of tenant and id."""
    pairs = [(tenant, one) for tenant in sorted(ids) for one in sorted(ids[tenant])]
    tenants, own = f"part_{name}_tenants", f"part_{name}_ids"
    filled.values |= {tenants: [tenant for tenant, _ in pairs], own: [one for _, one in pairs]}
    return f"select * from unnest(%({tenants})s::text[], %({own})s::text[])"
