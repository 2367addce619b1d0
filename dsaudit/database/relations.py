"""Relations: what the slots of a check's query stand for in one particular database.

``{raw}``, ``{refined}`` and the others become derived tables with fixed column names, made of quoted identifiers that
the database's catalogue has, so that one check serves every shape of integration. The file's values are bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from psycopg import sql as names

from dsaudit.catalogue import topics_of
from dsaudit.database.catalogue import TableInfo
from dsaudit.database.errors import RelationMissing
from dsaudit.database.expressions import (
    Filled,
    as_text,
    by_probe,
    cast,
    column_of,
    columns_of,
    deleted,
    end_columns,
    field_column,
    id_of,
    json_of,
    listed,
    literal,
    map_join,
    mapped,
    own_id,
    quoted,
    relation_values,
    row_id,
    rows_by_probe,
    source_id,
    told_id,
    value_of,
    where,
    with_state,
)
from dsaudit.database.narrowing import MOST, by_column, by_key
from dsaudit.parameters import Parameters
from dsaudit.parameters.resource import Relation
from dsaudit.parameters.tables import Raw, Table
from dsaudit.wording import did_you_mean

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

    def fill(
        self,
        sql: str,
        item: Mapping[str, str] | None = None,
        resources: Collection[str] | None = None,
        only: Collection[str] | None = None,
    ) -> Filled:
        """Return `sql` with every slot filled, for the resource or relation in `item` where it has one.

        ``{raw}``, ``{deliveries}`` and ``{syncs}`` hold the records of `resources` alone, by default of all; what our
        own probe left is in ``{probed_raw}`` and ``{probed}``. Of a part, ``{raw}`` and ``{refined}`` hold its records.
        ``{refined_as_text}`` has each declared field as the text in which it is compared, ``{refined_in_place}`` each
        row's ctid as ``place``. With `only`, source ids, the rows of all others may be left out, so an index serves.

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
            "probed_raw": lambda: rows_by_probe(self._parameters, filled, self._from),
            "probed": lambda: self._deliveries(filled, is_ours=True),
            "syncs": lambda: self._syncs(filled),
            "record": lambda: self._record(filled),
        }
        item = item or {}
        if "resource" in item:
            name = item["resource"]
            makers["refined"] = lambda: self._refined(name, filled)
            makers["refined_as_text"] = lambda: self._refined(name, filled, textual=True)
            makers["refined_in_place"] = lambda: self._refined(name, filled, in_place=True)
            makers["table"] = lambda: self._from(self._parameters.resources[name].table, filled)[0]
        if "relation" in item:
            relation = next(one for one in self._parameters.relations if one.name == item["relation"])
            filled.values |= relation_values(self._parameters, relation)
            makers["child"] = lambda: self._end(relation.child, relation.parent, filled)
            makers["parent"] = lambda: self._end(relation.parent, relation.child, filled, relation.counted_by)
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
            hint = did_you_mean(bare, (table for _, table in self._catalogue))
            raise RelationMissing(f"the database has no table {name}" + (f"; {hint}" if hint else ""))
        return (in_public or found)[0]

    def _from(self, name: str, filled: Filled) -> tuple[str, TableInfo]:
        info = self.table(name)
        filled.tables.append(info.oid)
        return names.Identifier(info.schema, info.name).as_string(None), info

    def _raw(self, filled: Filled) -> str:
        raw = self._parameters.raw
        assert raw is not None  # the planner skips a check whose relation is not declared
        tables = self._parameters.raw_tables(filled.resources)
        parts = [self._raw_of(table, names, raw, filled) for table, names in tables.items()]
        if not parts:  # embedded records have no raw table of their own
            table, names = next(iter(self._parameters.raw_tables(self._parameters.resources).items()))
            parts = [f"select * from ({self._raw_of(table, names, raw, filled)}) as none where false"]
        return f"({' union all '.join(parts)})"

    def _raw_of(self, table: str, names: Mapping[str, str], raw: Raw, filled: Filled) -> str:
        """Return the select of one raw table, which holds the resources `names`, by their type there."""
        source, info = self._from(table, filled)
        columns = columns_of(raw, info)
        joins = self._tenant_join(columns, info, raw, filled)
        told, resource = columns.pop("resource"), "o.name"
        if raw.is_one_a_resource:
            resource = f"{literal(*names.values())}::text"
        else:
            joins += map_join("o", told, names, filled)
        kinds = {name: self._parameters.resources[name].id_kind for name in names.values()}
        columns["told_id"] = id_of(raw.columns["source_id"], info)  # as the row itself writes it
        columns["source_id"] = told_id(raw.columns["source_id"], info, kinds, resource)
        if states := {given: state for state, listed in raw.states.items() for given in listed}:
            columns["state"] = f"coalesce({mapped('s', columns['state'], states, filled)}, {columns['state']})"
        columns["by_webhook"] = f"coalesce({columns['via']} = any(%(webhook_values)s), false)"
        filled.values["webhook_values"] = raw.webhook
        # Versions in the order in which the source made them. Many sources tell the time of a change in whole seconds,
        # and of a deletion none, so within a second the time at which a version was shown decides.
        changed, observed, received = (columns[name] for name in ("changed_at", "observed_at", "received_at"))
        sequence = value_of(raw.columns["row_id"], info)
        second = f"date_trunc('second', coalesce({changed}, {observed}, {received}))"
        columns["version"] = f"({second}, coalesce({observed}, {changed}, {received}), {sequence})"
        conditions = [f"not {by_probe(raw, info)}", *self._raw_within(names.values(), resource, columns, filled)]
        conditions += by_column(raw.columns["source_id"], info, filled, kinds.values())
        body = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        select = f"select {resource} as resource, {sequence} as sequence, {body} from {source} as x {joins}"
        return select + where(conditions)

    def _raw_within(
        self, names: Collection[str], resource: str, columns: Mapping[str, str], filled: Filled
    ) -> list[str]:
        """Return the condition that a raw row is of a record in the part."""
        limits = []
        for name in names:
            ids = self._part_ids(name)
            if ids is not None:
                pair = f"({columns['tenant']}, {columns['source_id']}) in ({listed(name, ids, filled)})"
                limits.append(f"({resource} = {literal(name)} and {pair})")
        return [f"({' or '.join(limits)})"] if limits else []

    def _deliveries(self, filled: Filled, is_ours: bool = False) -> str:
        table = self._parameters.deliveries
        assert table is not None
        source, info = self._from(table.table, filled)
        columns = columns_of(table, info)
        # A refused delivery may belong to nobody, and still counts among those that did not succeed.
        joins = "left " + joins if (joins := self._tenant_join(columns, info, table, filled)) else ""
        columns["accepted"] = f"coalesce({columns['outcome']} = any(%(accepted_values)s), false)"
        filled.values["accepted_values"] = table.accepted
        # By a letter of its own: a query may hold this beside the raw table, whose resources are bound as "o".
        resource = mapped("p", columns["topic"], topics_of(self._parameters, filled.resources), filled)
        kinds = {name: self._parameters.resources[name].id_kind for name in filled.resources}
        columns["source_id"] = told_id(table.columns.get("source_id"), info, kinds, f"({resource})")
        body = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        # What our own probe left there is no delivery of the provider's.
        ours = f"where {'' if is_ours else 'not '}{by_probe(table, info)}"
        return f"(select {resource} as resource, {body} from {source} as x {joins} {ours})"

    def _syncs(self, filled: Filled) -> str:
        table = self._parameters.syncs
        assert table is not None
        source, info = self._from(table.table, filled)
        columns = columns_of(table, info)
        joins = self._tenant_join(columns, info, table, filled)
        told = columns.pop("resource")
        if "resource" not in table.columns:  # a history of one job, and so of the one resource that has a sync
            told = literal(*self._parameters.whole.types(self._parameters.synced))
        joins += map_join("o", told, self._parameters.types(filled.resources), filled)
        with_state(columns, table, filled)
        body = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        return f"(select o.name as resource, {body} from {source} as x {joins})"

    def _record(self, filled: Filled) -> str:
        table = self._parameters.record
        assert table is not None
        source, info = self._from(table.table, filled)
        columns = columns_of(table, info)
        joins = self._tenant_join(columns, info, table, filled)
        body = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
        return f"(select {body} from {source} as x {joins})"

    def _refined(self, name: str, filled: Filled, textual: bool = False, in_place: bool = False) -> str:
        resource = self._parameters.resources[name]
        source, info = self._from(resource.table, filled)
        columns = {
            "row_id": row_id(resource, info),
            "source_id": source_id(resource, info),
            "own_id": own_id(resource, info),
            "updated_at": cast(resource.updated_column, info, "timestamptz"),
            "refined_at": cast(resource.refined_at, info, "timestamptz"),
            "built_from": cast(resource.built_from, info, "text"),
            "deleted": deleted(resource, info),
            **({"place": "x.ctid"} if in_place else {}),
        }
        for column, field in resource.fields.items():
            value = json_of(column, info) if field.as_ == "json" else value_of(column, info)
            kind = "text" if field.as_ == "json" else info.columns.get(column, "text")  # a path's value is text
            columns[quoted(field_column(column))] = as_text(value, kind) if textual else value
        tenant, joins, conditions = self._tenant_of(name, info, filled)
        conditions += self._within(name, info, tenant, filled) + by_key(resource, info, filled)
        body = ", ".join(f"{expression} as {column}" for column, expression in columns.items())
        is_read = self._parameters.source is not None and bool(resource.read or resource.nested)
        filled.values |= {"resource_name": name, "at_source": is_read}
        select = f"select {tenant} as tenant, %(resource_name)s::text as resource, {body} from {source} as x {joins}"
        return f"({select}{where(conditions)})"

    def _within(self, name: str, info: TableInfo, tenant: str, filled: Filled) -> list[str]:
        """Return the condition that a refined row is in the part: by its id, or by the row that it hangs on."""
        ids = self._part_ids(name)
        if ids is None:
            return []
        resource = self._parameters.resources[name]
        within = f"({tenant}, {source_id(resource, info)}) in ({listed(name, ids, filled)})"
        relation = parent_relation(self._parameters, name)
        if relation is None:
            return [within]
        above, _, key = relation.parent.partition(".")
        source, there = self._from(self._parameters.resources[above].table, filled)
        owner, joins, conditions = self._tenant_of(above, there, filled)
        conditions += self._within(above, there, owner, filled)
        parents = f"select {owner}, {id_of(key, there)} from {source} as x {joins}{where(conditions)}"
        column = id_of(relation.child.partition(".")[2], info)
        return [f"({within} or ({tenant}, {column}) in ({parents}))"]

    def _end(self, end: str, other: str, filled: Filled, counted_by: str | None = None) -> str:
        name, beyond = end.partition(".")[0], self._parameters.whole.resources[other.partition(".")[0]]
        source, info = self._from(self._parameters.resources[name].table, filled)
        tenant, joins, conditions = self._tenant_of(name, info, filled)
        told = end_columns(self._parameters, end, info, (other, self.table(beyond.table)), counted_by)
        return f"(select {tenant} as tenant, {told} from {source} as x {joins}{where(conditions)})"

    def _tenant_of(self, name: str, info: TableInfo, filled: Filled) -> tuple[str, str, list[str]]:
        """Return the expression of a refined row's tenant, the joins that it needs, and conditions."""
        if (own := self._parameters.resources[name].tenant) and self._parameters.tenants:
            return "t.name", self._tenant_values(own, info, filled), []
        first = self._parameters.whole.tenant_names[0]
        if len(self._parameters.whole.tenants) < 2:
            return f"{literal(first)}::text", "", []
        # A child without a tenant of its own has its parent's. One whose parent is gone must not be out of sight, and
        # so stands under the first of the whole system; a part without that one does not hold it.
        joins, alias, column, info = self._up_to_a_tenant(name, info, filled)
        tenant = self._parameters.whole.resources[alias.removeprefix("above_")].tenant or ""
        values = self._tenant_values(tenant, info, filled, alias)
        if first not in self._parameters.tenant_names:
            return "t.name", joins + values, []
        is_there = f"({alias}.{quoted(column)} is null or t.name is not null)"
        return f"coalesce(t.name, {literal(first)}::text)", f"{joins}left {values}", [is_there]

    def _up_to_a_tenant(self, name: str, info: TableInfo, filled: Filled) -> tuple[str, str, str, TableInfo]:
        """Return the joins from a table up to the first that has a tenant; of that: alias, joined column, table."""
        joins, alias, column, passed, whole = "", "x", "", [name], self._parameters.whole
        while not whole.resources[name].tenant:
            relation = next((one for one in whole.relations if one.child.startswith(f"{name}.")), None)
            if relation is None or relation.parent.partition(".")[0] in passed:
                raise RelationMissing(
                    f"resources.{passed[0]}: there are several tenants, and nothing tells whose its rows are; "
                    f"name the column (tenant), or a relation from {name} to its parent"
                )
            own = relation.child.partition(".")[2]
            below, (name, _, column) = column_of(own, info, alias=alias), relation.parent.partition(".")
            passed.append(name)
            source, info = self._from(whole.resources[name].table, filled)
            alias = f"above_{name}"
            joins += f"left join {source} as {alias} on {column_of(column, info, alias=alias)} = {below} "
        return joins, alias, column, info

    def _tenant_join(self, columns: dict[str, str], info: TableInfo, table: Table, filled: Filled) -> str:
        if not self._parameters.tenants:
            columns["tenant"] = "'all'::text"
            return ""
        if "tenant" not in table.columns:
            raise RelationMissing(f"{table.table}: the file declares tenants, and no column of this table tells them")
        columns["tenant"] = "t.name"
        return self._tenant_values(table.columns["tenant"], info, filled)

    def _tenant_values(self, column: str, info: TableInfo, filled: Filled, alias: str = "x") -> str:
        value = value_of(column, info, alias)
        kind = "text" if "." in column else info.columns[column]
        rows = []
        for index, tenant in enumerate(self._parameters.tenants):
            filled.values |= {f"tenant_{index}_id": tenant.id, f"tenant_{index}": tenant.name}
            rows.append(f"(%(tenant_{index}_id)s::{kind}, %(tenant_{index})s::text)")
        return f"join (values {', '.join(rows)}) as t (id, name) on t.id = {value} "


def parent_relation(parameters: Parameters, name: str) -> Relation | None:
    """Return the relation by which the rows of a nested resource hang on those it is nested in, None without one."""
    nested = parameters.resources[name].nested
    ends = (f"{name}.", f"{nested.in_}." if nested else "")
    own = (one for one in parameters.relations if one.child.startswith(ends[0]) and one.parent.startswith(ends[1]))
    return next(own, None) if nested else None
