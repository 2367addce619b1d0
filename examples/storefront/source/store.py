"""The provider's store: one SQLite file that holds every object as the JSON text it is served as."""

import json
import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from .values import Ids, seconds_of

Body = dict[str, Any]

_TABLES = """
create table if not exists record (
    id integer primary key, shop text not null, collection text not null, parent integer, other integer,
    status text, created integer not null, updated integer not null, deleted integer not null default 0,
    body text not null
);
create table if not exists webhook (
    id integer primary key, shop text not null, topic text not null, address text not null, created text not null,
    unique (shop, topic, address)
);
create table if not exists delivery (
    number integer primary key, webhook_id text not null, event_id text not null, shop text not null,
    topic text not null, object_id text not null, address text not null, triggered_at text not null,
    attempts integer not null, last_status integer, outcome text not null, finished_at text
);
create table if not exists setting (name text primary key, value text not null);
"""
_INDEXES = (
    "create index record_page on record (shop, collection, deleted)",
    "create index record_filter on record (shop, collection, deleted, status, created, updated)",
    "create index record_parent on record (parent, shop, collection, deleted) where parent is not null",
    "create index record_other on record (other, shop, collection, deleted) where other is not null",
)
_PARENTS = {
    "refunds": "order_id",
    "transactions": "order_id",
    "fulfillments": "order_id",
    "disputes": "order_id",
    "balance_transactions": "payout_id",
    "inventory_levels": "inventory_item_id",
    "gift_cards": "customer_id",
}
_OTHERS = {"balance_transactions": "source_order_id", "inventory_levels": "location_id", "draft_orders": "order_id"}
_BIRTHS = {
    "balance_transactions": "processed_at",
    "disputes": "initiated_at",
    "inventory_levels": "updated_at",
    "payouts": "date",
}
_REACH = 5_000


class Row(NamedTuple):
    id: int
    body: str


dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _status(collection: str, body: Body) -> str | None:
    if collection != "orders":
        return body.get("status")
    if body["cancelled_at"]:
        return "cancelled"
    return "closed" if body["closed_at"] else "open"


def _parent(collection: str, body: Body) -> int | None:
    if collection in ("orders", "draft_orders"):
        return body["customer"]["id"] if body["customer"] else None
    name = _PARENTS.get(collection)
    return body[name] if name else None


def _columns(shop: str, collection: str, key: int, body: Body, changed: int | None) -> tuple[object, ...]:
    other = _OTHERS.get(collection)
    born = body[_BIRTHS.get(collection, "created_at")]
    created = seconds_of(born) if "T" in born else int(datetime.fromisoformat(born + "T00:00:00+00:00").timestamp())
    updated = seconds_of(body["updated_at"]) if "updated_at" in body else changed or created
    status = _status(collection, body)
    parent = _parent(collection, body)
    return (key, shop, collection, parent, body[other] if other else None, status, created, updated, dump(body))


class Store:
    """The objects of all shops and a few settings; every call is one short statement."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        # The file is thrown away with the sample: no disk barrier is worth its time here.
        self.connection.execute("pragma synchronous = off")
        self.connection.execute("pragma journal_mode = memory")
        self.connection.execute("pragma cache_size = -64000")
        self.connection.executescript(_TABLES)

    @property
    def is_empty(self) -> bool:
        """Whether it has yet to be filled; filling is one transaction, so half a store counts as none."""
        return self.setting("size") is None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.execute("begin")
        try:
            yield
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    def add_indexes(self) -> None:
        for index in _INDEXES:
            self.connection.execute(index)

    def put(self, shop: str, collection: str, key: int, body: Body, changed: int | None = None) -> None:
        self.connection.execute(
            "insert into record (id, shop, collection, parent, other, status, created, updated, body)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " on conflict (id) do update set parent = excluded.parent, other = excluded.other,"
            " status = excluded.status, updated = excluded.updated, body = excluded.body",
            _columns(shop, collection, key, body, changed),
        )

    def remove(self, keys: Iterable[int], now: int) -> None:
        self.connection.executemany("update record set deleted = 1, updated = ? where id = ?", [(now, k) for k in keys])

    def select(
        self, shop: str, collection: str, where: str = "true", values: Iterable[object] = (), tail: str = "order by id"
    ) -> list[Row]:
        return list(self.rows(shop, collection, where, values, tail))

    def rows(
        self, shop: str, collection: str, where: str = "true", values: Iterable[object] = (), tail: str = "order by id"
    ) -> Iterator[Row]:
        query = f"select id, body from record where shop = ? and collection = ? and deleted = 0 and {where} {tail}"
        return (Row(*row) for row in self.connection.execute(query, [shop, collection, *values]))

    def count(self, shop: str, collection: str, where: str = "true", values: Iterable[object] = ()) -> int:
        query = f"select count(*) from record where shop = ? and collection = ? and deleted = 0 and {where}"
        return int(self.connection.execute(query, [shop, collection, *values]).fetchone()[0])

    def find(
        self,
        shop: str,
        collection: str,
        before: int,
        choice: random.Random,
        suits: Callable[[Body], bool],
        status: str | None = None,
    ) -> Row | None:
        """Some suitable object, last changed before an instant; looked for near either end, so size costs nothing."""
        order, beyond = choice.choice((("asc", ">="), ("desc", "<=")))
        start = self.select(
            shop, collection, tail=f"order by id {order} limit 1 offset {self._offset(shop, collection, choice)}"
        )
        if not start:
            return None
        condition, values = ("updated < ? and status = ?", [before, status]) if status else ("updated < ?", [before])
        for further, edge in ((f" and id {beyond} ?", [start[0].id]), ("", [])):
            tail = f"order by id {order} limit 200"
            for row in self.rows(shop, collection, condition + further, [*values, *edge], tail):
                if suits(json.loads(row.body)):
                    return row
        return None

    def _offset(self, shop: str, collection: str, choice: random.Random) -> int:
        query = "select count(*) from (select 1 from record where shop = ? and collection = ? and deleted = 0 limit ?)"
        count = self.connection.execute(query, (shop, collection, _REACH)).fetchone()[0]
        return choice.randrange(count) if count else 0

    def referring(self, key: int) -> bool:
        """Whether any object belongs to this one or stems from it."""
        query = "select exists (select 1 from record where parent = ? and deleted = 0)"
        return bool(self.connection.execute(query, (key,)).fetchone()[0]) or self.named_by_others(key)

    def named_by_others(self, key: int) -> bool:
        """Whether an object names this one without belonging to it."""
        query = "select exists (select 1 from record where other = ? and deleted = 0)"
        return bool(self.connection.execute(query, (key,)).fetchone()[0])

    def ever(self, shop: str, collection: str, where: str, *values: object) -> bool:
        """Whether there is or was such an object."""
        query = f"select exists (select 1 from record where shop = ? and collection = ? and {where})"
        return bool(self.connection.execute(query, (shop, collection, *values)).fetchone()[0])

    def setting(self, name: str) -> Any:
        row = self.connection.execute("select value from setting where name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def set(self, name: str, value: object) -> None:
        self.connection.execute("insert or replace into setting values (?, ?)", (name, dump(value)))

    def load_ids(self) -> Ids:
        return Ids(self.setting("ids"))

    def copy_to(self, path: Path) -> None:
        with sqlite3.connect(path) as target:
            self.connection.backup(target)
        target.close()
