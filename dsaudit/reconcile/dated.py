"""Holds in DuckDB, on disk, when each record of a resource changed at its source, and what a select tells of each key.

A list of ten million records has few that a check has to look at; here they are told from the others in a memory that
does not grow with the list.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import duckdb

from dsaudit.database.errors import stream_error
from dsaudit.parameters import Resource
from dsaudit.parameters.fields import FieldOf
from dsaudit.reconcile.compare import one_instant, workspace
from dsaudit.reconcile.forms import JSON, Column, Value, form, quoted, text_of
from dsaudit.reconcile.inputs import Lines
from dsaudit.reconcile.jsonlines import extracted, record_of
from dsaudit.reconcile.settled import as_it_lies, is_plain
from dsaudit.reconcile.sides import problems_of
from dsaudit.reconcile.streams import Connection, batches
from dsaudit.reconcile.values import EPOCH, SHORT
from dsaudit.source.reading import SourceError
from dsaudit.source.recording import FARTHEST_SECOND, changed_at, identity

if TYPE_CHECKING:
    from dsaudit.audit import Audit

MEMORY = "256MB"
MANY = 10_000  # rows that are handed to DuckDB at once
COUNTED = "[0-9]{1,13}"  # a time counted from 1970, in seconds or milliseconds; see `recording.instant_at`
SOURCE = "create table source (tenant varchar, source_id varchar, changed bigint)"


@contextlib.contextmanager
def dated(audit: Audit, name: str) -> Iterator[Connection]:
    """Yield a DuckDB with the table ``source``: each record's tenant, id, and time of change.

    The time is in microseconds since 1970, null where the source tells none. A nested record changes with the one that
    it stands in. Records of tenants whose list cannot be relied on are not in it.

    Raises
    ------
    SourceError
        The recording cannot be read to its end.
    """
    with one_instant(audit.database), workspace(MEMORY, audit.private) as connection:
        connection.execute(SOURCE)
        for tenant in reliable(audit, name):
            lines = as_it_lies(audit, name, tenant)
            if lines is None:
                _insert(connection, tenant, _one_by_one(audit, name, tenant))
            else:
                _scan(connection, audit.parameters.resources[name], tenant, lines)
        yield connection


def reliable(audit: Audit, name: str) -> list[str]:
    """Return the tenants whose list of a resource can be relied on."""
    problems = problems_of(audit, name)
    return [tenant for tenant in audit.parameters.tenant_names if tenant not in problems]


def pour(connection: Connection, audit: Audit, name: str, sql: str, target: str, **values: Any) -> None:
    """Make the table `target` of what a select of the audited database finds of a resource.

    Raises
    ------
    QueryError, RelationMissing
        It cannot be read to its end.
    """
    filled = audit.relations.fill(sql, {"resource": name}, [name])
    bound = {**audit.values(), "resource_name": name, "good": reliable(audit, name), **filled.values, **values}
    merged = audit.database.merged(filled.sql, bound)

    def poured() -> None:
        with audit.database.stream(merged) as stream:
            connection.register("stream", stream)
            try:
                connection.execute(f"create or replace table {target} as select * from stream")
            except duckdb.OutOfMemoryException:
                raise
            except duckdb.Error as error:
                raise stream_error(error) from None

    audit.database.again(poured)


def microseconds(instant: datetime) -> int:
    """Return an instant in microseconds since 1970."""
    return (instant - EPOCH) // SHORT


Dated = tuple[str, datetime | None]


def _one_by_one(audit: Audit, name: str, tenant: str) -> Iterator[Dated]:
    resource = audit.parameters.resources[name]
    for item in audit.source.items(tenant, name):
        yield item.source_id, changed_at(resource, item.top if resource.nested else item.record)


def _insert(connection: Connection, tenant: str, records: Iterable[Dated]) -> None:
    left = iter(records)
    insert = "insert into source select ?, unnest(?::varchar[]), unnest(?::bigint[])"
    while some := list(itertools.islice(left, MANY)):
        times = [None if changed is None else microseconds(changed) for _, changed in some]
        connection.execute(insert, [tenant, [source_id for source_id, _ in some], times])


def _scan(connection: Connection, resource: Resource, tenant: str, lines: Lines) -> None:
    """Take in a recording as it lies; what DuckDB does not read, or perhaps not as Python does, Python reads."""
    places = [resource.id_from[0], *([resource.updated] if resource.updated else [])]
    changed = _changed() if resource.updated else "null::bigint"
    is_read = f"coalesce({is_plain(resource)}, false) and {_is_clear(resource, changed)}"
    values = f"{text_of('v0', JSON)} as source_id, {changed} as changed"
    sql = f"select {values}, case when not ({is_read}) then line end as line from ({extracted(lines, places)})"
    try:
        connection.execute(f"create or replace table scanned as {sql}")
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise SourceError(f"{lines.path.name}: cannot be read ({type(error).__name__})") from None
    (count,) = connection.execute("select count(*) from scanned").fetchone() or (0,)
    if count != lines.expected:
        raise SourceError(f"{lines.path.name}: {lines.expected} records were counted, and {count} read")
    connection.execute("insert into source select ?, source_id, changed from scanned where line is null", [tenant])
    with connection.cursor() as cursor:
        odd = (
            line for batch in batches(cursor, "select line from scanned where line is not null") for (line,) in batch
        )
        _insert(connection, tenant, (_read(resource, record_of(line, lines.path)) for line in odd))
    connection.execute("drop table scanned")


def _read(resource: Resource, record: Any) -> Dated:
    return identity(resource, record, record, "", 0), changed_at(resource, record)


def _changed() -> str:
    """Return the DuckDB expression of the time of change, ``v1``, in microseconds; null where it has another form."""
    text = text_of("v1", JSON)
    column = Column("changed", "changed", FieldOf.model_validate({"from": "changed", "as": "instant"}))
    number = "try_cast(v1 as bigint)"
    counted = f"{number} * case when {number} < {FARTHEST_SECOND} then 1000000 else 1000 end"
    return (
        f"case when starts_with(v1, '\"') then {form(column, Value('v1', JSON, text))}"
        f" when regexp_full_match(v1, '{COUNTED}') then {counted} end"
    )


def _is_clear(resource: Resource, changed: str) -> str:
    """Return the condition that the time of change is known, or known to be absent.

    A path with a dot may also be the whole name of a value, which counts first; see `reading.value_at`.
    """
    if not resource.updated:
        return "true"
    if "." in resource.updated:
        named = quoted(f'"{resource.updated}"', "'")
        return f"{changed} is not null and not contains(line, {named})"
    return f"(v1 is null or {changed} is not null)"
