"""A small integration that is quick to make: two tenants of an API that can be asked for changes and by id, and tables.

`put` makes a record everywhere, in the same state; a test then changes one side of it.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from dsaudit import audit
from dsaudit.verdict import Verdict
from tests.checks.auditing import all_rows, variables
from tests.source.providers import TOKEN, Answer, Asked

OLD, NEW, NEWER = "2026-11-01T12:00:00+00:00", "2026-11-15T12:00:00+00:00", "2026-11-16T12:00:00+00:00"
SINCE = "2026-11-10"
SCHEMA = """
create table raw (id serial primary key, tenant_id text, object_type text, source_id text, payload jsonb,
                  content_hash text, source text, status text default 'processed', error_message text,
                  received_at timestamptz, changed_at timestamptz, gone boolean default false);
create table orders (id serial primary key, tenant_id text, order_id bigint, total numeric, changed timestamptz,
                     deleted boolean default false);
create table lines (id serial primary key, tenant_id text, line_id bigint, order_pk int references orders, title text);
create table customers (id serial primary key, tenant_id text, customer_id bigint, name text, changed timestamptz);
"""
FILE = """
integration: shop
database: {{url_env: SHOP_URL}}
tenants: [{{name: acme, id: A, account: acme}}, {{name: borealis, id: B, account: borealis}}]
source: {{kind: rest, base_url: '{address}', account_path: '{{account}}', token_env: SHOP_TOKEN, page_size: 5}}
raw: {{table: raw, columns: {{changed_at: changed_at, deleted: gone}}}}
policy: {{in_flight_seconds: 0, clock_error_seconds: 0}}
defaults: {{tenant: tenant_id, updated: updated_at, updated_column: changed{ways}}}
resources:
  order:
    {{table: orders, key: order_id, read: order.json, count: order/count.json, deleted: deleted,
     fields: {{total: money, changed: {{from: updated_at, as: instant}}}}{order}}}
  line: {{table: lines, key: line_id, updated_column: null, nested: {{in: order, at: lines}}, fields: {{title: text}}}}
  customer: {{table: customers, key: customer_id, read: customer.json, fields: {{name: text}}{customer}}}
relations: [{relation}]
"""
RELATION = "{child: line.order_pk, parent: order.id}"
# How the source can be asked: for what changed and by id, several at once or one by one; for changes alone; not at all.
WAYS = {
    "several": (", since: updated_at_min", ", ids: 'NAME.json?ids={ids}'"),
    "singly": (", since: updated_at_min", ", one: 'NAME/{id}.json'"),
    "form": (", since: 'updated_at_min={since}'", ", one: 'NAME/{id}.json', ids: 'NAME.json?ids={ids}'"),
    "changes": (", since: updated_at_min", ""),
    "whole": ("", ""),
}
ASKABLE = ["several", "singly", "form", "whole"]
IDS = {"A": "acme", "B": "borealis"}


@dataclass
class Shop:
    """The provider's records by account, resource and id; what it was asked; and the tables."""

    url: str
    owner: psycopg.Connection[Any]
    folder: Path
    address: str = ""
    records: dict[tuple[str, str], dict[int, dict[str, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    lies: bool = False  # whether it gives an empty list where it is asked for changes
    loses: bool = False  # whether it finds nothing by id
    unlisted: set[int] = field(default_factory=set)  # ids that no list of it holds, and that it finds by id

    # The provider

    def answer(self, asked: Asked) -> Answer:
        parts = urlsplit(asked[1])
        self.asked.append(asked[1])
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        _, account, *path = parts.path.removesuffix(".json").split("/")
        records = self.records.get((account, path[0]), {})
        if path[1:] == ["count"]:
            return self._json({"count": len(records)})
        if path[1:]:
            one = None if self.loses else records.get(int(path[1]))
            return self._json({path[0]: one}) if one else (404, {}, b"{}")
        return self._list(path[0], account, list(records.values()), given)

    def _list(self, name: str, account: str, records: list[dict[str, Any]], given: dict[str, str]) -> Answer:
        since, ids = given.get("updated_at_min", ""), given.get("ids")
        found = [one for one in records if one["updated_at"] >= since and not (since and self.lies)]
        found = [one for one in found if one["id"] not in self.unlisted]
        if ids is not None:
            found = [one for one in found if str(one["id"]) in ids.split(",") and not self.loses]
        found = sorted((one for one in found if one["id"] > int(given.get("after", -1))), key=lambda one: one["id"])
        page = found[: int(given["limit"])]
        more = {**given, "after": page[-1]["id"]} if len(found) > len(page) else None
        query = "&".join(f"{key}={str(value).replace('+', '%2B')}" for key, value in (more or {}).items())
        link = {"Link": f'<{self.address}/{account}/{name}.json?{query}>; rel="next"'} if more else {}
        return self._json({name: page}, link)

    @staticmethod
    def _json(body: Any, headers: dict[str, str] | None = None) -> Answer:
        return 200, headers or {}, json.dumps(body).encode()

    # Both sides

    def put(self, key: int, at: str = NEW, total: str = "1.00", tenant: str = "A", lines: int = 1) -> None:
        """Make an order with its lines at the source and in the tables."""
        self.at_source(key, at, total, tenant, lines)
        self.in_raw(key, tenant)
        self.in_refined(key, tenant)

    def at_source(self, key: int, at: str = NEW, total: str = "1.00", tenant: str = "A", lines: int = 1) -> None:
        inside = [{"id": key * 100 + number, "title": f"line {number}"} for number in range(lines)]
        record = {"id": key, "updated_at": at, "total": total, "lines": inside}
        self.records.setdefault((IDS[tenant], "order"), {})[key] = record

    def customer(self, key: int, at: str = NEW, tenant: str = "A") -> None:
        """Make a customer at the source and in the tables."""
        record = {"id": key, "updated_at": at, "name": f"customer {key}"}
        self.records.setdefault((IDS[tenant], "customer"), {})[key] = record
        self._receive("customer", record, tenant)
        self.execute("insert into customers (tenant_id, customer_id, name, changed) values (%s, %s, %s, %s)",
                     tenant, key, record["name"], at)  # fmt: skip

    def in_raw(self, key: int, tenant: str = "A") -> None:
        order = self.records[IDS[tenant], "order"][key]
        self._receive("order", order, tenant)
        for line in order["lines"]:
            self._receive("line", {**line, "updated_at": order["updated_at"]}, tenant)

    def _receive(self, name: str, record: dict[str, Any], tenant: str) -> None:
        self.execute(
            "insert into raw (tenant_id, object_type, source_id, payload, received_at, changed_at)"
            " values (%s, %s, %s, %s, %s, %s)",
            tenant, name, str(record["id"]), json.dumps(record), record["updated_at"], record["updated_at"],
        )  # fmt: skip

    def in_refined(self, key: int, tenant: str = "A") -> None:
        one = self.records[IDS[tenant], "order"][key]
        self.execute(
            "insert into orders (tenant_id, order_id, total, changed) values (%s, %s, %s, %s)",
            tenant, key, one["total"], one["updated_at"],
        )  # fmt: skip
        for line in one["lines"]:
            self.execute(
                "insert into lines (tenant_id, line_id, order_pk, title)"
                " select tenant_id, %s, id, %s from orders where order_id = %s",
                line["id"], line["title"], key,
            )  # fmt: skip

    def execute(self, statement: str, *values: Any) -> None:
        self.owner.execute(statement, values or None)  # type: ignore[call-overload]

    # The audit

    def file(self, way: str = "several", relation: str = RELATION) -> Path:
        """Write the parameter file for one way of asking."""
        since, by_id = WAYS[way]
        path = self.folder / "parameters" / "shop.yml"
        path.parent.mkdir(exist_ok=True)
        named = {name: re.sub("NAME", name, by_id) for name in ("order", "customer")}
        path.write_text(FILE.format(address=self.address, ways=since, relation=relation, **named), encoding="utf-8")
        return path

    @property
    def environment(self) -> dict[str, str]:
        return {"SHOP_URL": self.url, "SHOP_TOKEN": TOKEN, "JPY_SESSION_NAME": "a test"}

    @contextlib.contextmanager
    def opened(self, way: str = "several", relation: str = RELATION, **part: Any) -> Iterator[audit.Audit]:
        """Open an audit of a part, as a notebook opened by hand does."""
        with self.opened_file(self.file(way, relation), **part) as one:
            yield one

    @contextlib.contextmanager
    def opened_file(self, path: Path, **part: Any) -> Iterator[audit.Audit]:
        """Open one that a parameter file describes."""
        with variables(self.environment):
            one = audit.open(str(path), "datasource/a_test", **part)
            try:
                yield one
            finally:
                one.close()


def keys(one: audit.Audit, name: str) -> set[str]:
    """Return the ids that a check finds; where it finds none it has to pass."""
    verdict = one.check(name)
    found = {str(row["source_id"]) for row in all_rows(one, verdict)}
    assert found or verdict.status == "pass", (name, reasons(verdict))
    return found


def reasons(verdict: Verdict) -> list[str]:
    """Return status and reason of every scope."""
    return [f"{result.scope}: {result.status} {result.reason} ({result.examined})" for result in verdict.results]
