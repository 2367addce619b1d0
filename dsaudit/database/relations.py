"""Relations: what the slots of a check's query stand for in one particular database.

``{raw}``, ``{refined}`` and the others become derived tables with fixed column names, made of quoted identifiers
that were looked up in the database's catalogue, so that one check serves every shape of integration. Values from
the parameter file are bound, never pasted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql as names

from dsaudit.database import TableInfo
from dsaudit.database.narrowing import MOST, by_column, by_key
from dsaudit.parameters import Parameters, Resource
from dsaudit.parameters.tables import Table

Catalogue = Mapping[tuple[str, str], TableInfo]

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
    only: Collection[str] | None = None


class Relations:
    """Fills slots for one parameter file and one database."""

    def __init__(self, parameters: Parameters, catalogue: Catalogue) -> None:
        self._parameters = parameters
        self._catalogue = catalogue

    def fill(
        self,
        sql: str,
        item: Mapping[str, str] | None = None,
        resources: Collection[str] | None = None,
        only: Collection[str] | None = None,
    ) -> Filled:
        """Return `sql` with every slot filled, for the resource or relation in `item` where it has one.

        ``{raw}``, ``{deliveries}`` and ``{syncs}`` hold the records of `resources` alone, by default of all. With
        `only`, source ids, ``{raw}`` and ``{refined}`` may leave out the rows of all others, so that an index serves.

        Raises
        ------
        RelationMissing
            The database lacks a table or column that the parameter file names.
        """
        filled = Filled("", resources=tuple(self._parameters.resources) if resources is None else tuple(resources))
        filled.only = only if only is not None and len(only) <= MOST else None
        makers: dict[str, Callable[[], str]] = {
            "raw": lambda: self._raw(filled),
            "deliveries": lambda: self._deliveries(filled),
            "syncs": lambda: self._syncs(filled),
            "record": lambda: self._record(filled),
        }
        item = item or {}
        if "resource" in item:
            name = item["resource"]
            makers["refined"] = lambda: self._refined(name, filled)
            makers["table"] = lambda: self._from(self._parameters.resources[name].table, filled)[0]
        if "relation" in item:
            relation = next(one for one in self._parameters.relations if one.name == item["relation"])
            filled.values["nullable"] = relation.nullable
            makers["child"] = lambda: self._end(relation.child, filled)
            makers["parent"] = lambda: self._end(relation.parent, filled)
        filled.sql = re.sub(r"\{(\w+)\}", lambda match: makers[match[1]](), sql)
        return filled

    def table(self, name: str) -> TableInfo:
        """Return the table that the parameter file calls `name`: with its schema, or the only one of that name."""
        schema, _, bare = name.rpartition(".")
        found = [
            info for (in_schema, table), info in self._catalogue.items() if table == bare and schema in ("", in_schema)
        ]
        in_public = [info for info in found if info.schema == "public"]
        if len(found) > 1 and len(in_public) != 1:
            schemas = ", ".join(info.schema for info in found)
            raise RelationMissing(f"the table {name} exists in several schemas ({schemas}); name it with its schema")
        if not found:
            raise RelationMissing(f"the database has no table {name}")
        return (in_public or found)[0]

    def _from(self, name: str, filled: Filled) -> tuple[str, TableInfo]:
        info = self.table(name)
        filled.tables.append(info.oid)
        return names.Identifier(info.schema, info.name).as_string(None), info

    def _raw(self, filled: Filled) -> str:
        raw = self._parameters.raw
        assert raw is not None  # the planner skips a check whose relation is not declared
        source, info = self._from(raw.table, filled)
        columns = _columns(raw, info)
        types = {self._parameters.resources[name].raw or name: name for name in filled.resources}
        joins = self._tenant_join(columns, info, raw, filled)
        joins += _map_join("o", columns.pop("resource"), types, filled)
        states = {given: state for state, listed in raw.states.items() for given in listed}
        joins += _map_join("s", columns["state"], states, filled, kind="left join")
        columns["state"] = f"coalesce(s.name, {columns['state']})"
        columns["by_webhook"] = f"coalesce({columns['via']} = any(%(webhook_values)s), false)"
        filled.values["webhook_values"] = raw.webhook
        # Versions in the order in which the source made them. Many sources tell the time of a change in whole seconds,
        # and of a deletion none, so within a second the time at which a version was shown decides.
        changed, observed, received = (columns[name] for name in ("changed_at", "observed_at", "received_at"))
        sequence = _column(raw.columns["row_id"], info)
        second = f"date_trunc('second', coalesce({changed}, {observed}, {received}))"
        columns["version"] = f"({second}, coalesce({observed}, {changed}, {received}), {sequence})"
        body = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        narrowed = by_column(raw.columns["source_id"], info, filled.only) if filled.only is not None else None
        where = _where([narrowed] if narrowed else [], "raw", filled)
        return f"(select o.name as resource, {sequence} as sequence, {body} from {source} as x {joins}{where})"

    def _deliveries(self, filled: Filled) -> str:
        table = self._parameters.deliveries
        assert table is not None
        source, info = self._from(table.table, filled)
        columns = _columns(table, info)
        topics = {topic: name for name in filled.resources for topic in self._parameters.resources[name].webhooks}
        # A refused delivery may belong to nobody, and still counts among those that did not succeed.
        joins = "left " + joins if (joins := self._tenant_join(columns, info, table, filled)) else ""
        columns["accepted"] = f"coalesce({columns['outcome']} = any(%(accepted_values)s), false)"
        filled.values["accepted_values"] = table.accepted
        joins += _map_join("o", columns["topic"], topics, filled, kind="left join")
        body = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        return f"(select o.name as resource, {body} from {source} as x {joins})"

    def _syncs(self, filled: Filled) -> str:
        table = self._parameters.syncs
        assert table is not None
        source, info = self._from(table.table, filled)
        columns = _columns(table, info)
        types = {self._parameters.resources[name].raw or name: name for name in filled.resources}
        joins = self._tenant_join(columns, info, table, filled)
        joins += _map_join("o", columns.pop("resource"), types, filled)
        body = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        return f"(select o.name as resource, {body} from {source} as x {joins})"

    def _record(self, filled: Filled) -> str:
        table = self._parameters.record
        assert table is not None
        source, info = self._from(table.table, filled)
        columns = _columns(table, info)
        joins = self._tenant_join(columns, info, table, filled)
        body = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        return f"(select {body} from {source} as x {joins})"

    def _refined(self, name: str, filled: Filled) -> str:
        resource = self._parameters.resources[name]
        source, info = self._from(resource.table, filled)
        columns = {
            "row_id": f"({_row_id(info)})::text",
            "source_id": source_id(resource, info),
            "updated_at": _optional(resource.updated_column, info, "timestamptz"),
            "refined_at": _optional(resource.refined_at, info, "timestamptz"),
            "built_from": _optional(resource.built_from, info, "text"),
            "deleted": _deleted(resource, info),
        }
        columns |= {_quoted(field_column(name)): _column(name, info) for name in resource.fields}
        tenant, joins = self._tenant_of(resource, info, filled)
        body = ", ".join(f"{expression} as {column}" for column, expression in columns.items())
        filled.values["resource_name"] = name
        where = _where(by_key(resource, info, filled.only) if filled.only is not None else [], "refined", filled)
        named = f"{tenant} as tenant, %(resource_name)s::text as resource"
        return f"(select {named}, {body} from {source} as x {joins}{where})"

    def _end(self, end: str, filled: Filled) -> str:
        name, _, column = end.partition(".")
        resource = self._parameters.resources[name]
        source, info = self._from(resource.table, filled)
        tenant, joins = self._tenant_of(resource, info, filled)
        key, row = _column(column, info), _row_id(info)
        deleted = _deleted(resource, info)
        return (
            f"(select ({row})::text as row_id, ({key})::text as key, {tenant} as tenant, {deleted} as deleted, "
            f"{source_id(resource, info)} as source_id from {source} as x {joins})"
        )

    def _tenant_of(self, resource: Resource, info: TableInfo, filled: Filled) -> tuple[str, str]:
        if not self._parameters.tenants or not resource.tenant:
            return f"'{self._parameters.tenant_names[0]}'::text", ""
        return "t.name", self._tenant_values(_column(resource.tenant, info), info.columns[resource.tenant], filled)

    def _tenant_join(self, columns: dict[str, str], info: TableInfo, table: Table, filled: Filled) -> str:
        expression = columns["tenant"]
        if not self._parameters.tenants:
            columns["tenant"] = "'all'::text"
            return ""
        if "tenant" not in table.columns:
            raise RelationMissing(f"{table.table}: the file declares tenants, and no column of this table tells them")
        columns["tenant"] = "t.name"
        return self._tenant_values(expression, info.columns[table.columns["tenant"].split(".")[0]], filled)

    def _tenant_values(self, expression: str, kind: str, filled: Filled) -> str:
        rows = []
        for index, tenant in enumerate(self._parameters.tenants):
            filled.values |= {f"tenant_{index}_id": tenant.id, f"tenant_{index}": tenant.name}
            rows.append(f"(%(tenant_{index}_id)s::{kind}, %(tenant_{index})s::text)")
        return f"join (values {', '.join(rows)}) as t (id, name) on t.id = {expression} "


def bindings(parameters: Parameters, instant: str) -> dict[str, Any]:
    """Return what every query may bind: the limits of the policy, the instant, the declared tables."""
    declared = [resource.table for resource in parameters.resources.values()]
    sections = (parameters.raw, parameters.deliveries, parameters.syncs, parameters.record)
    declared += [section.table for section in sections if section]
    return {
        **parameters.policy.model_dump(),
        "instant": instant,
        "table_prefix": parameters.table_prefix,
        "declared_tables": declared,
    }


def field_column(name: str) -> str:
    """Return under which name ``{refined}`` has a declared field: its own, unless a fixed column is called so."""
    return f"field_{name}" if name in REFINED_COLUMNS else name


def source_id(resource: Resource, info: TableInfo) -> str:
    """Return the expression of a refined row's source id as text.

    The parts of a composite key are joined by what the file declares, else held apart as a JSON array: a separator
    that may stand in a value would make two keys one.
    """
    parts = [f"({_column(column, info)})::text" for column in resource.key]
    if len(parts) == 1:
        return parts[0]
    if resource.joined is not None:
        return f" || {names.Literal(resource.joined).as_string(None)} || ".join(parts)
    return f"pg_catalog.json_build_array({', '.join(parts)})::text"


def _columns(table: Table, info: TableInfo) -> dict[str, str]:
    expressions = {}
    for name in table.own:
        expression = _column(table.columns[name], info) if name in table.columns else "null"
        expressions[name] = f"({expression})::text" if name in TEXT else expression
    for name, kind in table.optional.items():
        expression = _optional(table.columns.get(name), info, kind)
        expressions[name] = f"coalesce({expression}, false)" if kind == "boolean" else expression
    return expressions


def _optional(column: str | None, info: TableInfo, kind: str) -> str:
    return f"({_column(column, info)})::{kind}" if column else f"null::{kind}"


def _column(given: str, info: TableInfo) -> str:
    """Return a column's expression; ``column.path.to`` reaches into a jsonb column."""
    column, *path = given.split(".")
    if column not in info.columns:
        raise RelationMissing(f"the table {info.schema}.{info.name} has no column {column}")
    expression = f"x.{_quoted(column)}"
    if not path:
        return expression
    steps = ", ".join(names.Literal(step).as_string(None) for step in path)
    return f"({expression}::jsonb #> array[{steps}])"


def _quoted(name: str) -> str:
    return names.Identifier(name).as_string(None)


def _row_id(info: TableInfo) -> str:
    return _column("id", info) if "id" in info.columns else "x.ctid"


def _deleted(resource: Resource, info: TableInfo) -> str:
    if not resource.deleted:
        return "false"
    expression = _column(resource.deleted, info)
    is_flag = info.columns[resource.deleted] == "boolean"
    return f"coalesce({expression}, false)" if is_flag else f"({expression} is not null)"


def _where(conditions: list[tuple[str, list[str]]], slot: str, filled: Filled) -> str:
    filled.values |= {f"only_{slot}_{place}": values for place, (_, values) in enumerate(conditions)}
    told = [one.replace("%s", f"%(only_{slot}_{place})s", 1) for place, (one, _) in enumerate(conditions)]
    return f" where {' and '.join(told)}" if told else ""


def _map_join(alias: str, expression: str, mapping: Mapping[str, str], filled: Filled, kind: str = "join") -> str:
    rows = []
    for index, (value, name) in enumerate(mapping.items()):
        filled.values |= {f"{alias}_{index}_value": value, f"{alias}_{index}": name}
        rows.append(f"(%({alias}_{index}_value)s::text, %({alias}_{index})s::text)")
    values = ", ".join(rows) or "(null::text, null::text)"
    return f"{kind} (values {values}) as {alias} (value, name) on {alias}.value = ({expression})::text "
