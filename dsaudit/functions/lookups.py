"""Phase 7: the integration's own hot look-ups, one object by tenant and source id, told by plan and by time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from psycopg import sql

from dsaudit.database import RelationMissing, SnapshotLost, TableInfo
from dsaudit.functions import Found, frames

if TYPE_CHECKING:
    from dsaudit.audit import Audit

SAMPLES = 3


@dataclass(frozen=True)
class _LookUp:
    """A look-up of one object: its query, some keys that there are, and the columns an index for it would have."""

    table: TableInfo
    columns: list[str]
    by: str  # the column that tells the objects of a tenant apart
    query: str
    keys: list[dict[str, Any]]

    def statement(self) -> str:
        """Return what would make the index."""
        on, columns = sql.Identifier(self.table.schema, self.table.name), sql.SQL(", ").join(_names(self.columns))
        return sql.SQL("create index concurrently on {} ({})").format(on, columns).as_string(None)


def lookups_use_an_index(audit: Audit) -> Found:
    """An index serves the look-up of an object by tenant and source id in its refined table.

    why: without it every webhook reads the whole table, and refinement slows down as the table grows
    requirement: DS7.3
    severity: high
    scope: resource
    key: table
    show: table, plan, statement
    remedy: run the statement that the table shows
    """
    rows, examined = [], []
    for name in audit.parameters.resources:
        try:
            look_up = _refined(audit, name)
            unserved = _unserved(audit, look_up)
        except (RelationMissing, SnapshotLost) as error:
            examined.append({"resource": name, "examined": 0, "reason": str(error)})
            continue
        rows += [{"resource": name, **row} for row in unserved]
        examined.append({"resource": name, "examined": len(look_up.keys), "reason": None})
    return frames(rows, examined)


def raw_lookup_uses_an_index(audit: Audit) -> Found:
    """An index serves the look-up of an object's versions in the raw table.

    why: whatever arrives is compared with the newest version of its object; without an index that reads the whole table
    requirement: DS7.3
    severity: high
    needs: raw
    key: table
    show: table, plan, statement
    remedy: run the statement that the table shows
    """
    look_ups = list(_raw(audit))
    rows = [row for look_up in look_ups for row in _unserved(audit, look_up)]
    return frames(rows, [{"examined": sum(len(look_up.keys) for look_up in look_ups)}])


def lookups_within_budget(audit: Audit) -> Found:
    """The look-up of an object takes no longer than the declared time.

    why: the same look-up runs for every webhook and every page that shows the object
    requirement: DS7.3
    severity: low
    scope: resource
    key: table
    expect: query_milliseconds
    show: table, times_ms
    explains: latency_within_limit
    remedy: look at the plan for what it reads beside the row; add the index, or vacuum the table
    """
    rows, examined = [], []
    for name in audit.parameters.resources:
        try:
            look_up = _refined(audit, name)
            plans = audit.database.explain(look_up.query, look_up.keys, run=True)
        except (RelationMissing, SnapshotLost) as error:
            examined.append({"resource": name, "examined": 0, "reason": str(error)})
            continue
        times = sorted(float(plan["Execution Time"]) for plan in plans)
        slow = {"resource": name, "table": look_up.table.name, "times_ms": ", ".join(f"{time:.1f}" for time in times)}
        line, is_slow = _timed(times, audit.parameters.policy.query_milliseconds)
        examined.append({"resource": name, **line})
        rows += [slow] if is_slow else []
    return frames(rows, examined)


def _timed(times: list[float], budget: float) -> tuple[dict[str, Any], bool]:
    """Return the line for ``examined``, and whether even the fastest took too long: a busy server proves nothing."""
    line: dict[str, Any] = {"examined": len(times), "unit": "ms (median)", "value": None, "reason": None}
    if not times:
        return line, False
    line["value"] = round(median(times), 3)
    if times[0] <= budget < median(times):
        line["reason"] = f"between {times[0]:.0f} and {times[-1]:.0f} ms: the server was busy with something else"
    return line, times[0] > budget


def _unserved(audit: Audit, look_up: _LookUp) -> list[dict[str, Any]]:
    """Return the row that says how PostgreSQL would look the object up, if it is not by an index on its key."""
    for plan in audit.database.explain(look_up.query, look_up.keys[:1], scans=False):
        nodes = list(_nodes(plan["Plan"]))
        conditions = " ".join(re.sub("'[^']*'", "", node.get("Index Cond", "")) for node in nodes)
        if not re.search(rf"\b{re.escape(look_up.by)}\b", conditions):
            scanned = any(node["Node Type"] == "Seq Scan" for node in nodes)
            told = "reads the whole table" if scanned else "uses an index, but not on the source's id"
            return [{"table": look_up.table.name, "plan": told, "statement": look_up.statement()}]
    return []


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)


def _refined(audit: Audit, name: str) -> _LookUp:
    resource = audit.parameters.resources[name]
    tenant = [resource.tenant] if resource.tenant else []
    return _look_up(audit, audit.relations.table(resource.table), [*tenant, *resource.key], resource.key[0])


def _raw(audit: Audit) -> Iterator[_LookUp]:
    parameters = audit.parameters
    columns = parameters.raw_key
    inside = [column for column in columns if "." in column]
    if inside:
        raise RelationMissing(f"{inside[0]} stands inside a JSON column; its look-up is not known")
    for table in parameters.raw_tables(parameters.resources):
        yield _look_up(audit, audit.relations.table(table), columns, columns[-1])


def _look_up(audit: Audit, table: TableInfo, columns: list[str], by: str) -> _LookUp:
    kept: dict[Any, _LookUp] = audit.kept.setdefault("look_ups", {})
    if (table.oid, *columns) not in kept:
        missing = [column for column in columns if column not in table.columns]
        if missing:
            raise RelationMissing(f"the table {table.schema}.{table.name} has no column {missing[0]}")
        source, names = sql.Identifier(table.schema, table.name), _names(columns)
        listed = sql.SQL(", ").join(names)
        filled = sql.SQL(" and ").join(sql.SQL("{} is not null").format(name) for name in names)
        some = sql.SQL("select {} from {} where {} order by {} limit {}")
        keys = audit.database.query(some.format(listed, source, filled, listed, sql.Literal(SAMPLES)).as_string(None))
        equal = sql.SQL(" and ").join(
            sql.SQL("{} = {}::{}").format(name, sql.Placeholder(f"key_{place}"), sql.SQL(table.columns[column]))
            for place, (column, name) in enumerate(zip(columns, names, strict=True))
        )
        query = sql.SQL("select * from {} where {}").format(source, equal).as_string(None)
        values = [{f"key_{place}": value for place, value in enumerate(row)} for row in keys.frame.to_numpy()]
        kept[table.oid, *columns] = _LookUp(table, columns, by, query, values)
    return kept[table.oid, *columns]


def _names(columns: list[str]) -> list[sql.Identifier]:
    return [sql.Identifier(column) for column in columns]
