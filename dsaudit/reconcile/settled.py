"""Which records need no look one by one: they are the same on all sides, and came before the source was read."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.database.expressions import field_column
from dsaudit.parameters.fields import FieldOf
from dsaudit.reconcile.compare import Comparison, compare
from dsaudit.reconcile.forms import Column
from dsaudit.reconcile.inputs import Lines, Table

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Key = tuple[str, str]
ALL = 2**62
KEYS = [Column(name, name, FieldOf.model_validate({"from": name})) for name in ("tenant", "source_id")]

LIVE = "select * from {refined} as f where not f.deleted and f.tenant = any(%(good)s)"
RECEIVED = """
select r.tenant, r.source_id, r.payload
from (
  select distinct on (tenant, source_id) tenant, source_id, deleted, payload
  from {raw} as r
  where resource = %(resource_name)s and tenant = any(%(good)s)
  order by tenant, source_id, version desc
) as r
where not r.deleted
"""
# Superset of what `Sides.in_flight` may call so: it looks at each.
CAME_TO_RAW = """
select distinct tenant, source_id from {raw} as r
where resource = %(resource_name)s and received_at >= %(since)s::timestamptz
"""
CAME_TO_REFINED = """
select distinct tenant, source_id from {refined} as f
where greatest(updated_at + interval '1 second', refined_at) >= %(since)s::timestamptz
"""


def unsettled(audit: Audit, name: str, tenants: list[str], since: datetime) -> set[Key]:
    """Return the keys of a resource that have to be looked at one by one.

    All others are at the source once, are live and equal here in every declared field, were received and equal there
    where there is a raw table, and nothing of them came after `since`.

    Raises
    ------
    SourceError, QueryError
        A side could not be read to its end.
    """
    resource = audit.parameters.resources[name]
    keys: set[Key] = set()
    with tempfile.TemporaryDirectory(prefix="source-", dir=audit.private) as folder:
        lines = _spooled(audit, name, tenants, Path(folder) / "records.jsonl")
        columns = [_column(column, rule) for column, rule in resource.fields.items()]
        keys |= _keys(compare(lines, _table(audit, LIVE, name, tenants), KEYS, columns, folder=Path(folder), most=ALL))
        if audit.parameters.raw:
            columns = [Column("payload", "payload", None, "record")] if resource.read else []
            table = _table(audit, RECEIVED, name, tenants)
            keys |= _keys(compare(lines, table, KEYS, columns, folder=Path(folder), most=ALL))
    for sql in [CAME_TO_REFINED, *([CAME_TO_RAW] if audit.parameters.raw else [])]:
        table = _table(audit, sql, name, tenants, since=since)
        frame = audit.database.query(table.sql, table.values, table.tables, most=None).frame
        keys |= set(frame[["tenant", "source_id"]].itertuples(index=False, name=None))
    return keys


def _keys(found: Comparison) -> set[Key]:
    frames = (found.missing, found.extra, found.different, found.repeated)
    return {key for frame in frames for key in frame[["tenant", "source_id"]].itertuples(index=False, name=None)}


def _column(column: str, rule: FieldOf) -> Column:
    path = f"record.{rule.from_}".rstrip(".")
    if rule.as_ == "json":
        return Column(column, field_column(column), None, path)
    inside: dict[str, Any] = {"from_": path}
    inside |= {"currency": f"record.{rule.currency}"} if rule.currency else {}
    return Column(column, field_column(column), rule.model_copy(update=inside))


def _table(audit: Audit, sql: str, name: str, tenants: list[str], **values: Any) -> Table:
    filled = audit.relations.fill(sql, {"resource": name}, [name])
    bound = {**audit.values(), "resource_name": name, "good": tenants, **filled.values, **values}
    return Table(audit.database, filled.sql, bound, filled.tables)


def _spooled(audit: Audit, name: str, tenants: Iterable[str], path: Path) -> Lines:
    """Write the records of all tenants as lines of tenant, id and record; the recording's own form stays its own."""
    count = 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        for tenant in tenants:
            for item in audit.source.items(tenant, name):
                record = {"tenant": tenant, "source_id": item.source_id, "record": item.record}
                file.write(written(record) + "\n")
                count += 1
    return Lines(path, count)


def written(value: Any) -> str:
    """Return JSON in one line, with every decimal to its last digit."""
    try:
        return json.dumps(value)
    except TypeError:
        pass
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {written(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def is_small(audit: Audit, name: str, most: int) -> bool:
    """Return whether no side of a resource has more rows than may be held at once."""
    if any((audit.source.count(tenant, name) or 0) > most for tenant in audit.parameters.tenant_names):
        return False
    received = "(select count(*) from {raw} as r where resource = %(resource_name)s)" if audit.parameters.raw else "0"
    sql = f"select greatest((select count(*) from {{refined}} as f), {received}) as rows"
    table = _table(audit, sql, name, [])
    return int(audit.database.query(table.sql, table.values, table.tables).frame["rows"][0]) <= most
