"""Which records need no look one by one: they are the same on all sides, and came before the source was read.

They are found segment by segment: of a resource one tenant's long list, or those of all its other tenants together. A
segment is compared once in a run, by whichever phase needs it first, or before them: see `dsaudit.run.cluster`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.database.expressions import field_column
from dsaudit.once import once
from dsaudit.parameters.fields import FieldOf
from dsaudit.parameters.ids import PLAIN
from dsaudit.parameters.resource import LONG_LIST
from dsaudit.reconcile.compare import compare, workspace
from dsaudit.reconcile.forms import JSON, Column, text_of
from dsaudit.reconcile.inputs import Lines, Table
from dsaudit.reconcile.jsonlines import extracted, record_of
from dsaudit.reconcile.streams import as_it_stands, batches
from dsaudit.source.reading import SourceError
from dsaudit.source.recording import Item, identity

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters import Resource

Key = tuple[str, str]
ALL = 2**62
STRAIGHT = LONG_LIST  # records of a tenant; of fewer DuckDB saves no time
SEGMENTS = "segments"  # folder below private/ for what came of each
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
# Superset of what `Sides.in_flight` may call so: it looks at each. Of a settled key it asks when its newest version
# came, and where there is no raw table, of its rows what `sides._came` does.
CAME_TO_RAW = """
select distinct tenant, source_id from {raw} as r
where resource = %(resource_name)s and received_at >= %(since)s::timestamptz
"""
CAME_TO_REFINED = """
select distinct tenant, source_id from {refined} as f
where case when deleted then refined_at else coalesce(updated_at + interval '1 second', refined_at) end
      >= %(since)s::timestamptz
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
    keys: set[Key] = set()
    together = []
    for tenant in tenants:
        found = straight(audit, name, tenant)
        keys |= found or set()
        together += [tenant] if found is None else []
    if together:
        found = _once(audit, name, together, "together", partial(_together, audit, name, together))
        if found is None:
            raise SourceError(f"{name}: some records have no key")
        keys |= found
    came = CAME_TO_RAW if audit.parameters.has_raw_rows(name) else CAME_TO_REFINED
    frame = audit.query(came, {"resource": name}, [name], resource_name=name, since=since)
    return keys | set(frame[["tenant", "source_id"]].itertuples(index=False, name=None))


def straight(audit: Audit, name: str, tenant: str) -> set[Key] | None:
    """Return the keys of one tenant's long list that are not the same on all sides; None where it is not to be had.

    Then the list is not long, or not to be compared as it lies there, and goes together with the others.
    """
    lines = as_it_lies(audit, name, tenant)
    if lines is None:
        return None
    return _once(audit, name, [tenant], "as it lies", partial(_straight, audit, name, tenant, lines))


def _once(
    audit: Audit, name: str, tenants: list[str], way: str, compared: Callable[[Path], set[Key] | None]
) -> set[Key] | None:
    """Return what came of a segment, which is compared once in a run at one instant."""

    def make() -> list[Key] | None:
        with tempfile.TemporaryDirectory(prefix="source-", dir=audit.private) as folder:
            found = compared(Path(folder))
        return None if found is None else sorted(found, key=str)

    digests = [audit.source.digest(tenant, name) for tenant in tenants]
    declared = audit.parameters.model_dump(mode="json")
    # A worker of a cluster compares too: what it reads of another database is no answer.
    asked = [name, tenants, way, digests, declared, audit.identity.pin, audit.database.snapshot, audit.instant]
    told = once(audit.private, SEGMENTS, asked, make)
    return None if told is None else {(tenant, source_id) for tenant, source_id in told}


def picked(audit: Audit, name: str, tenant: str, keys: set[Key]) -> Iterator[Item]:
    """Yield the source's records of some keys, and none of the others where DuckDB can tell them apart."""
    lines = as_it_lies(audit, name, tenant)
    if lines is None:
        yield from (item for item in audit.source.items(tenant, name) if (tenant, item.source_id) in keys)
        return
    resource = audit.parameters.resources[name]
    with workspace(folder=audit.private) as connection:
        connection.execute("create table ids as select unnest(?::varchar[]) as id", [[one for _, one in keys]])
        inside = f"select line from ({extracted(lines, resource.id_from)})"
        sql = f"{inside} where v0 is null or not ({is_plain(resource)}) or {text_of('v0', JSON)} in (from ids)"
        for batch in batches(connection, sql):
            for (line,) in batch:
                record = record_of(line, lines.path)
                item = Item(identity(resource, record, record, "", 0), record, record)
                if (tenant, item.source_id) in keys:
                    yield item


def is_plain(resource: Resource) -> str:
    """Return the DuckDB condition that an own list's record says its id, ``v0``, as `recording.identity` writes it."""
    is_text_or_number = f"(starts_with(v0, '\"') or regexp_full_match(v0, '{PLAIN['number']}'))"
    return f"{is_text_or_number} and {as_it_stands('v0', text_of('v0', JSON), resource.id_kind)}"


def as_it_lies(audit: Audit, name: str, tenant: str) -> Lines | None:
    """Return one tenant's recording, where it is a long list of records that hold their ids themselves.

    A short one is not worth a look of its own.
    """
    count = audit.source.count(tenant, name) or 0
    if count < STRAIGHT or not audit.parameters.resources[name].has_own_id:
        return None
    return Lines(audit.source.file(tenant, name), count, repeats=True)


def _straight(audit: Audit, name: str, tenant: str, lines: Lines, folder: Path) -> set[Key] | None:
    """Compare the recording of one tenant as it lies there.

    Python's way with every record takes much longer, but it is spent once for all the small tenants, knows ids that are
    made of several parts, and writes ids that are no text and no whole number as `recording.identity` does.
    """
    resource = audit.parameters.resources[name]
    field = FieldOf.model_validate({"from": resource.id_from[0]})
    key = Column("source_id", "source_id", field, id_kind=resource.id_kind)
    return _apart(audit, name, lines, [tenant], [key], "", folder)


def _together(audit: Audit, name: str, tenants: list[str], folder: Path) -> set[Key] | None:
    """Compare the recordings of several tenants."""
    lines = _spooled(audit, name, tenants, folder / "records.jsonl")
    return _apart(audit, name, lines, tenants, KEYS, "record", folder)


def _apart(
    audit: Audit, name: str, lines: Lines, tenants: list[str], keys: list[Column], place: str, folder: Path
) -> set[Key] | None:
    """Return the keys that are not the same on all sides, or None where DuckDB cannot read the key of each record.

    `place` is where the record stands in a line.
    """
    resource = audit.parameters.resources[name]
    columns = [_column(column, rule, place) for column, rule in resource.fields.items()]
    pairs = [(LIVE, columns)]
    if audit.parameters.has_raw_rows(name):
        pairs.append((RECEIVED, [Column("payload", "payload", None, place)] if resource.read else []))
    found: set[Key] = set()
    for sql, compared in pairs:
        told = compare(lines, _table(audit, sql, name, tenants), keys, compared, folder=folder, most=ALL)
        if told.counts["keyless_there"]:
            return None
        for frame in (told.missing, told.extra, told.different, told.repeated):
            part = frame if "tenant" in frame else frame.assign(tenant=tenants[0])
            found |= set(part[["tenant", "source_id"]].itertuples(index=False, name=None))
    return found


def _column(column: str, rule: FieldOf, place: str) -> Column:
    path = f"{place}.{rule.from_}".strip(".")
    if rule.as_ == "json":
        return Column(column, field_column(column), None, path)
    inside: dict[str, Any] = {"from_": path}
    inside |= {"currency": f"{place}.{rule.currency}".lstrip(".")} if rule.currency else {}
    return Column(column, field_column(column), rule.model_copy(update=inside))


def _table(audit: Audit, sql: str, name: str, tenants: list[str]) -> Table:
    in_pieces = sql is LIVE and audit.database.is_polite
    in_pieces = in_pieces and audit.relations.table(audit.parameters.resources[name].table).is_stored
    given = sql.replace("{refined}", "{refined_in_place}") if in_pieces else sql
    filled = audit.relations.fill(given, {"resource": name}, [name])
    bound = {**audit.values(), "resource_name": name, "good": tenants, **filled.values}
    return Table(audit.database, filled.sql, bound, filled.tables, "place" if in_pieces else None, derived=True)


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
    received = (
        "(select count(*) from {raw} as r where resource = %(resource_name)s)"
        if audit.parameters.has_raw_rows(name)
        else "0"
    )
    sql = f"select greatest((select count(*) from {{refined}} as f), {received}) as rows"
    return int(audit.query(sql, {"resource": name}, [name], resource_name=name)["rows"][0]) <= most
