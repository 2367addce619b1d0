"""The source's records as somebody exports them over HTTP to compare tables: read, cast as declared, written down."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import psycopg
from psycopg import sql

from dsaudit.parameters import Parameters, Resource, Tenant
from tests.faults.rivals.declared import Counts, Schema

Row = dict[str, Any]
Record = tuple[dict[str, Any], dict[str, Any], int, str]  # it, its parent's, its place there from 1, the path's name
PAGE = 250
MOST_PAGES = 1000


@dataclass
class Export:
    """The source's rows by resource, with the columns of the refined tables; its counts; and what it refused."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    counts: Counts = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def columns_of(resource: Resource) -> list[str]:
    """The columns that are compared, the whole key first."""
    compared = [name for name, one in resource.fields.items() if not one.ignore and name not in resource.whole_key]
    return [*resource.whole_key, *compared]


def export(parameters: Parameters, environment: dict[str, str], schema: Schema) -> Export:
    """Read every list of every tenant. Where the source refuses one, that is noted and the others are read."""
    made = Export({name: [] for name in parameters.resources})
    source = parameters.source
    assert source and source.base_url_env and source.token_env and source.token_header
    headers = {source.token_header: environment[source.token_env]}
    with httpx.Client(base_url=environment[source.base_url_env], headers=headers, timeout=60) as client:
        for tenant in parameters.tenants:
            for name, resource in parameters.resources.items():
                if resource.read:
                    _export_list(client, parameters, tenant, name, made, schema)
    return made


def _export_list(
    client: httpx.Client, parameters: Parameters, tenant: Tenant, name: str, made: Export, schema: Schema
) -> None:
    resource = parameters.resources[name]
    try:
        if resource.count:
            made.counts[name, tenant.name] = _answer(client, f"/{tenant.account}/{resource.count}")[0]["count"]
        records: list[Record] = [
            (one, {}, place, "") for place, one in enumerate(_pages(client, f"/{tenant.account}/{resource.read}"), 1)
        ]
        for each, record in _with_nested(parameters, name, records):
            made.rows[each].append(_row(parameters.resources[each], record, tenant.id, schema))
    except httpx.HTTPStatusError as error:
        made.refused.append(f"{name} of {tenant.name}: {error.response.status_code}")


def _answer(client: httpx.Client, address: str) -> tuple[Any, str | None]:
    """What is answered, its numbers exact, and the next page's address; the provider's limit of calls is kept."""
    while (answer := client.get(address)).status_code == 429:
        time.sleep(float(answer.headers.get("Retry-After", 1)))
    answer.raise_for_status()
    return json.loads(answer.text, parse_float=Decimal), answer.links.get("next", {}).get("url")


def _pages(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
    address: str | None = f"{path}{'&' if '?' in path else '?'}limit={PAGE}"
    for _ in range(MOST_PAGES):
        if not address:
            return
        body, address = _answer(client, address)
        (records,) = [value for value in body.values() if isinstance(value, list)]
        yield from records
    raise ValueError(f"{path}: more than {MOST_PAGES} pages")


def _with_nested(parameters: Parameters, name: str, records: list[Record]) -> Iterator[tuple[str, Record]]:
    for record in records:
        yield name, record
        for child, resource in parameters.resources.items():
            if resource.nested and resource.nested.in_ == name:
                yield from _with_nested(parameters, child, list(_inside(resource, record[0])))


def _inside(resource: Resource, parent: dict[str, Any]) -> Iterator[Record]:
    assert resource.nested
    for word, path in resource.nested.at.items():
        found = _at(parent, path)
        listed = found if isinstance(found, list) else [found] if found else []
        for place, one in enumerate(listed, 1):
            yield one, parent, place, word


def _at(record: Any, path: str) -> Any:
    for word in path.split("."):
        record = record.get(word) if isinstance(record, dict) else None
    return record


def _row(resource: Resource, record: Record, tenant: str, schema: Schema) -> Row:
    own, parent, place, word = record
    special = {"#": place, "@": word}
    parts = [
        special.get(part, _at(parent, part[3:]) if part.startswith("../") else _at(own, part))
        for part in resource.id_from
    ]
    row = dict(zip(resource.whole_key, [tenant, *parts], strict=True))
    row |= {name: _at(own, one.from_) for name, one in resource.fields.items() if not one.ignore}
    return {name: cast(value, schema[resource.table][name][0]) for name, value in row.items()}


def cast(value: Any, kind: str) -> Any:
    """A value of the source as a column of this type holds it."""
    if value is None:
        return None
    if kind.startswith("numeric"):
        return Decimal(str(value))
    if kind in ("bigint", "integer"):
        return int(value)
    if kind.startswith("timestamp"):
        return datetime.fromisoformat(value).astimezone(UTC)
    if kind == "date":
        return date.fromisoformat(value)
    return value if kind == "boolean" else str(value)


def write(url: str, parameters: Parameters, made: Export, schema: Schema) -> None:
    """Write the export into tables that are named and typed as the refined ones, with the compared columns alone."""
    with psycopg.connect(url) as connection:
        for name, resource in parameters.resources.items():
            columns = columns_of(resource)
            typed = [
                sql.SQL("{} {}").format(sql.Identifier(one), sql.SQL(_roomy(schema[resource.table][one][0])))
                for one in columns
            ]
            table = sql.Identifier(resource.table)
            connection.execute(sql.SQL("drop table if exists {}").format(table))
            connection.execute(sql.SQL("create table {} ({})").format(table, sql.SQL(", ").join(typed)))
            listed = sql.SQL(", ").join(map(sql.Identifier, columns))
            with connection.cursor().copy(sql.SQL("copy {} ({}) from stdin").format(table, listed)) as copy:
                for row in made.rows[name]:
                    copy.write_row([_storable(row[column]) for column in columns])


def _roomy(kind: str) -> str:
    """The refined column's type, but for small integers: the source may have a number that does not fit there."""
    return "bigint" if kind in ("integer", "smallint") else kind


def _storable(value: Any) -> Any:
    """No text of PostgreSQL holds NUL; whoever exports puts the sign of a character that could not be kept."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
