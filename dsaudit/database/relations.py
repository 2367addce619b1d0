"""Relations: what the slots of a check's query stand for in one particular database.

``{raw}``, ``{refined}`` and the others become derived tables with fixed column names, made of quoted identifiers
that were looked up in the database's catalogue, so that one check serves every shape of integration. Values from
the parameter file are bound, never pasted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from psycopg import sql as names

from dsaudit.database import TableInfo
from dsaudit.database import expressions as of
from dsaudit.database.expressions import Filled as Filled
from dsaudit.database.expressions import RelationMissing as RelationMissing
from dsaudit.database.expressions import field_column as field_column
from dsaudit.database.expressions import source_id as source_id
from dsaudit.parameters import Parameters, Resource
from dsaudit.parameters.models import Relation
from dsaudit.parameters.tables import Table

Catalogue = Mapping[tuple[str, str], TableInfo]
PartIds = Callable[[str], Mapping[str, Collection[str]] | None]  # a resource's ids in the part, by tenant; None for all


class Relations:
    """Fills slots for one parameter file and one database."""

    def __init__(self, parameters: Parameters, catalogue: Catalogue, part_ids: PartIds = lambda name: None) -> None:
        self._parameters = parameters
        self._catalogue = catalogue
        self._part_ids = part_ids

    @property
    def of_lists(self) -> Relations:
        """The same relations, not limited to single records of a part."""
        return Relations(self._parameters, self._catalogue)

    @property
    def whole(self) -> Relations:
        """The relations of the whole system: what explains a record of the part may stand anywhere."""
        return Relations(self._parameters.whole, self._catalogue)

    def fill(self, sql: str, item: Mapping[str, str] | None = None, resources: Collection[str] | None = None) -> Filled:
        """Return `sql` with every slot filled, for the resource or relation in `item` where it has one.

        ``{raw}``, ``{deliveries}`` and ``{syncs}`` hold the records of `resources` alone, by default of all. Of a part
        by record, ``{raw}`` and ``{refined}`` hold its records alone.

        Raises
        ------
        RelationMissing
            The database lacks a table or column that the parameter file names.
        """
        filled = Filled("", resources=tuple(self._parameters.resources) if resources is None else tuple(resources))
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
        columns = of.columns(raw, info)
        types = {self._parameters.resources[name].raw or name: name for name in filled.resources}
        joins = self._tenant_join(columns, info, raw, filled)
        joins += of.map_join("o", columns.pop("resource"), types, filled)
        states = {given: state for state, listed in raw.states.items() for given in listed}
        joins += of.map_join("s", columns["state"], states, filled, kind="left join")
        columns["state"] = f"coalesce(s.name, {columns['state']})"
        columns["by_webhook"] = f"coalesce({columns['via']} = any(%(webhook_values)s), false)"
        filled.values["webhook_values"] = raw.webhook
        # Versions in the order in which the source made them. Many sources tell the time of a change in whole seconds,
        # and of a deletion none, so within a second the time at which a version was shown decides.
        changed, observed, received = (columns[name] for name in ("changed_at", "observed_at", "received_at"))
        sequence = of.column(raw.columns["row_id"], info)
        second = f"date_trunc('second', coalesce({changed}, {observed}, {received}))"
        columns["version"] = f"({second}, coalesce({observed}, {changed}, {received}), {sequence})"
        within = self._raw_within(columns["tenant"], columns["source_id"], filled)
        body = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        return f"(select o.name as resource, {sequence} as sequence, {body} from {source} as x {joins}{within})"

    def _deliveries(self, filled: Filled) -> str:
        table = self._parameters.deliveries
        assert table is not None
        source, info = self._from(table.table, filled)
        columns = of.columns(table, info)
        topics = {topic: name for name in filled.resources for topic in self._parameters.resources[name].webhooks}
        # A refused delivery may belong to nobody, and still counts among those that did not succeed.
        joins = "left " + joins if (joins := self._tenant_join(columns, info, table, filled)) else ""
        columns["accepted"] = f"coalesce({columns['outcome']} = any(%(accepted_values)s), false)"
        filled.values["accepted_values"] = table.accepted
        joins += of.map_join("o", columns["topic"], topics, filled, kind="left join")
        body = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        return f"(select o.name as resource, {body} from {source} as x {joins})"

    def _syncs(self, filled: Filled) -> str:
        table = self._parameters.syncs
        assert table is not None
        source, info = self._from(table.table, filled)
        columns = of.columns(table, info)
        types = {self._parameters.resources[name].raw or name: name for name in filled.resources}
        joins = self._tenant_join(columns, info, table, filled)
        joins += of.map_join("o", columns.pop("resource"), types, filled)
        body = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        return f"(select o.name as resource, {body} from {source} as x {joins})"

    def _record(self, filled: Filled) -> str:
        table = self._parameters.record
        assert table is not None
        source, info = self._from(table.table, filled)
        columns = of.columns(table, info)
        joins = self._tenant_join(columns, info, table, filled)
        body = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        return f"(select {body} from {source} as x {joins})"

    def _refined(self, name: str, filled: Filled) -> str:
        resource = self._parameters.resources[name]
        source, info = self._from(resource.table, filled)
        columns = {
            "row_id": f"({of.row_id(info)})::text",
            "source_id": source_id(resource, info),
            "updated_at": of.optional(resource.updated_column, info, "timestamptz"),
            "refined_at": of.optional(resource.refined_at, info, "timestamptz"),
            "built_from": of.optional(resource.built_from, info, "text"),
            "deleted": of.deleted(resource, info),
        }
        columns |= {of.quoted(field_column(name)): of.column(name, info) for name in resource.fields}
        tenant, joins = self._tenant_of(resource, info, filled)
        body = ", ".join(f"{expression} as {column}" for column, expression in columns.items())
        filled.values["resource_name"] = name
        joins += f"where {limit}" if (limit := self._within(name, info, tenant, filled)) else ""
        return f"(select {tenant} as tenant, %(resource_name)s::text as resource, {body} from {source} as x {joins})"

    def _within(self, name: str, info: TableInfo, tenant: str, filled: Filled) -> str:
        """Return the condition that a refined row is in the part: by its id, or by the row that it hangs on."""
        ids = self._part_ids(name)
        if ids is None:
            return ""
        resource = self._parameters.resources[name]
        within = f"({tenant}, {source_id(resource, info)}) in ({of.listed(name, ids, filled)})"
        relation = parent_relation(self._parameters, name)
        if relation is None:
            return within
        above, _, key = relation.parent.partition(".")
        parent = self._parameters.resources[above]
        source, there = self._from(parent.table, filled)
        owner, joins = self._tenant_of(parent, there, filled)
        limit = self._within(above, there, owner, filled)
        parents = f"select {owner}, ({of.column(key, there)})::text from {source} as x {joins}where {limit}"
        column = of.column(relation.child.partition(".")[2], info)
        return f"({within} or ({tenant}, ({column})::text) in ({parents}))"

    def _raw_within(self, tenant: str, source_id: str, filled: Filled) -> str:
        """Return the condition that a raw row is of a record in the part."""
        limits = []
        for name in filled.resources:
            ids = self._part_ids(name)
            if ids is not None:
                filled.values[f"part_{name}"] = name
                listed = of.listed(name, ids, filled)
                limits.append(f"(o.name = %(part_{name})s and ({tenant}, {source_id}) in ({listed}))")
        return f"where ({' or '.join(limits)})" if limits else ""

    def _end(self, end: str, filled: Filled) -> str:
        name, _, column = end.partition(".")
        resource = self._parameters.resources[name]
        source, info = self._from(resource.table, filled)
        tenant, joins = self._tenant_of(resource, info, filled)
        key, row = of.column(column, info), of.row_id(info)
        deleted = of.deleted(resource, info)
        return (
            f"(select ({row})::text as row_id, ({key})::text as key, {tenant} as tenant, {deleted} as deleted, "
            f"{source_id(resource, info)} as source_id from {source} as x {joins})"
        )

    def _tenant_of(self, resource: Resource, info: TableInfo, filled: Filled) -> tuple[str, str]:
        if not self._parameters.tenants or not resource.tenant:
            return f"'{self._parameters.tenant_names[0]}'::text", ""
        return "t.name", self._tenant_values(of.column(resource.tenant, info), info.columns[resource.tenant], filled)

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


def parent_relation(parameters: Parameters, name: str) -> Relation | None:
    """Return the relation by which the rows of a nested resource hang on those it is nested in, None without one."""
    nested = parameters.resources[name].nested
    ends = (f"{name}.", f"{nested.in_}." if nested else "")
    own = (one for one in parameters.relations if one.child.startswith(ends[0]) and one.parent.startswith(ends[1]))
    return next(own, None) if nested else None


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
