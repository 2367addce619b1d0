"""Exports all there is: every row of every table by the owner's connection, every record of the source by its API."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from tests.faults.reference.declared import Declared

Row = dict[str, Any]
TABLES = "select table_name from information_schema.tables where table_schema = 'public'"
TYPES = "select table_name, column_name, data_type from information_schema.columns where table_schema = 'public'"
TRIES = 100
exactly = partial(json.loads, parse_float=Decimal)
# A proxy of the surroundings knows nothing of our loopback addresses.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotWhole(Exception):
    """The source does not show all of a list, in one sentence."""


@dataclass
class Export:
    """All there was at one time: ``instant`` is the database's own.

    ``lists`` holds the source's own lists by tenant and resource; one that is not whole is in ``unread``, with why.
    """

    tables: dict[str, list[Row]]
    types: dict[tuple[str, str], str]  # of each table's columns
    instant: datetime
    lists: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    unread: dict[tuple[str, str], str] = field(default_factory=dict)


def exported(declared: Declared, owner_url: str, environment: Mapping[str, str]) -> Export:
    export = of_database(owner_url)
    if "source" in declared.given:
        of_source(declared, environment, export)
    return export


def of_database(owner_url: str) -> Export:
    """All tables as they are at one moment; numbers in JSON to their last digit."""
    with psycopg.connect(owner_url, row_factory=dict_row) as connection:
        set_json_loads(exactly, connection)
        connection.execute("begin isolation level repeatable read read only")
        connection.execute("set local timezone = 'UTC'")
        names = [row["table_name"] for row in connection.execute(TABLES).fetchall()]
        tables = {}
        for name in names:
            query = sql.SQL("select * from {}").format(sql.Identifier("public", name))
            tables[name] = connection.execute(query).fetchall()
        columns = connection.execute(TYPES).fetchall()
        now = connection.execute("select clock_timestamp() as now").fetchone()
        assert now is not None
        types = {(one["table_name"], one["column_name"]): one["data_type"] for one in columns}
        return Export(tables, types, now["now"])


def of_source(declared: Declared, environment: Mapping[str, str], export: Export) -> None:
    """Read every page of every list of every tenant."""
    source = declared.given["source"]
    accounts = {one["name"]: one["account"] for one in declared.given.get("tenants", [])} or {"all": ""}
    token = environment[source["token_env"]]
    header = {source["token_header"]: token} if "token_header" in source else {"Authorization": f"Bearer {token}"}
    for tenant, account in accounts.items():
        base = "/".join(part for part in (environment[source["base_url_env"]], account) if part)
        for name, resource in declared.resources.items():
            if "read" not in resource.given:
                continue
            try:
                rows = list(_list(f"{base}/{resource.given['read']}", header, source))
                told = _told(_asked(f"{base}/{resource.given['count']}", header)[0])
                if told != len(rows):
                    raise NotWhole(f"the list has {len(rows)} records, and its count says {told}")
                export.lists[tenant, name] = rows
            except NotWhole as why:
                export.unread[tenant, name] = str(why)


def _told(count: Any) -> int:
    return int(count["count"] if isinstance(count, dict) else count)


def _list(url: str, header: Mapping[str, str], source: Mapping[str, Any]) -> Iterator[Row]:
    following: str | None = url
    paging = source["paging"] if isinstance(source["paging"], dict) else {}
    while following:
        answer, links = _asked(following, header)
        yield from answer[paging["records"]] if "records" in paging else next(iter(answer.values()))
        following = answer.get(paging["next"]) if "next" in paging else links.get("next")


def _asked(url: str, header: Mapping[str, str]) -> tuple[Any, dict[str, str]]:
    """What an address answers, and where its links lead; a provider that asks us to wait is waited for."""
    for _ in range(TRIES):
        try:
            with _opener.open(urllib.request.Request(url, headers=dict(header)), timeout=60) as answer:
                return exactly(answer.read()), _links(answer.headers.get("Link", ""))
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 429:
                    raise NotWhole(f"{url} answered {error.code}") from None
                time.sleep(float(error.headers.get("Retry-After", 1)))
    raise NotWhole(f"{url} asked {TRIES} times to wait")


def _links(header: str) -> dict[str, str]:
    found = {}
    for part in filter(None, header.split(", <")):
        address, _, relation = part.partition(">; rel=")
        found[relation.strip('"')] = address.lstrip("<")
    return found
