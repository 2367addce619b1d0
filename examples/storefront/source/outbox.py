"""Who is to be told about what, and what became of each delivery."""

import sqlite3
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from .store import Store

if TYPE_CHECKING:
    from .deliveries import Delivery


class Taken(Exception):
    """The address already receives the topic."""


class Subscription(NamedTuple):
    id: int
    topic: str
    address: str
    created: str

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc


class Subscriptions:
    def __init__(self, store: Store) -> None:
        self.connection = store.connection

    def of_topic(self, shop: str, topic: str) -> list[Subscription]:
        return self.all(shop, topic=topic)

    def all(self, shop: str, **equal: str | int) -> list[Subscription]:
        """The subscriptions of a shop, those with the given topic, address or id."""
        where = "".join(f" and {name} = ?" for name in equal)
        query = f"select id, topic, address, created from webhook where shop = ?{where} order by id"
        return [Subscription(*row) for row in self.connection.execute(query, [shop, *equal.values()])]

    def add(self, shop: str, subscription: Subscription) -> None:
        try:
            self.connection.execute(
                "insert into webhook (id, shop, topic, address, created) values (?, ?, ?, ?, ?)",
                (subscription.id, shop, subscription.topic, subscription.address, subscription.created),
            )
        except sqlite3.IntegrityError as error:
            raise Taken from error

    def readdress(self, shop: str, key: int, address: str) -> None:
        try:
            self.connection.execute("update webhook set address = ? where shop = ? and id = ?", (address, shop, key))
        except sqlite3.IntegrityError as error:
            raise Taken from error

    def remove(self, shop: str, key: int) -> bool:
        return self.connection.execute("delete from webhook where shop = ? and id = ?", (shop, key)).rowcount > 0

    def move(self, old: str, new: str) -> int:
        """Let every address that starts with one text start with another; how many did."""
        return self.connection.execute(
            "update webhook set address = ? || substr(address, ?) where substr(address, 1, ?) = ?",
            (new, len(old) + 1, len(old), old),
        ).rowcount


class DeliveryLog:
    def __init__(self, store: Store) -> None:
        self.connection = store.connection

    def last_number(self) -> int:
        return int(self.connection.execute("select coalesce(max(number), 0) from delivery").fetchone()[0])

    def add(self, delivery: "Delivery") -> None:
        self.connection.execute(
            "insert into delivery values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                delivery.number,
                delivery.webhook_id,
                delivery.event_id,
                delivery.shop,
                delivery.event.topic,
                delivery.event.object_id,
                delivery.subscription.address,
                delivery.triggered_at,
                delivery.attempts,
                delivery.last_status,
                delivery.outcome,
                delivery.finished_at,
            ),
        )

    def update(self, delivery: "Delivery") -> None:
        self.connection.execute(
            "update delivery set attempts = ?, last_status = ?, outcome = ?, finished_at = ? where number = ?",
            (delivery.attempts, delivery.last_status, delivery.outcome, delivery.finished_at, delivery.number),
        )

    def read(self, **equal: str) -> list[dict[str, Any]]:
        where = " and ".join(f"{name} = ?" for name in equal) or "true"
        rows = self.connection.execute(f"select * from delivery where {where} order by number", [*equal.values()])
        names = [column[0] for column in rows.description]
        return [_entry(dict(zip(names, row, strict=True))) for row in rows]

    def sent(self, shop: str, after: int, since: str, state: str, limit: int) -> list[dict[str, Any]]:
        """What was sent for a shop, in order, behind a number: what was never generated stands in no log."""
        rows = self.connection.execute(
            "select number, webhook_id, topic, object_id, address, triggered_at, attempts, last_status, outcome"
            " from delivery where shop = ? and number > ? and triggered_at >= ? and outcome <> 'undelivered'"
            " and ? in ('', outcome) order by number limit ?",
            (shop, after, since, state, limit),
        )
        names = [column[0] for column in rows.description]
        return [dict(zip(names, row, strict=True)) for row in rows]


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "done": entry["outcome"] != "pending"}
