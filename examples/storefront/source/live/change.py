"""One action in one shop: what it writes, and the events that tell subscribers of it."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from ..catalogue import COLLECTIONS
from ..deliveries import Event
from ..objects.maker import Maker
from ..store import Store, dump

Body = dict[str, Any]


class Found(NamedTuple):
    key: int
    body: Body


def _anything(body: Body) -> bool:
    return True


def object_id(collection: str, body: Body) -> str:
    if collection == "inventory_levels":
        return f"{body['inventory_item_id']}:{body['location_id']}"
    return str(body["id"])


class Change:
    """Objects have times of whole seconds, so an action never changes an object twice, nor one changed this second."""

    def __init__(self, store: Store, maker: Maker, now: int) -> None:
        self.store = store
        self.maker = maker
        self.random = maker.random
        self.now = now
        self.moment = maker.at(now)
        self._told: dict[tuple[str, str], tuple[Body, list[str]]] = {}
        self.created: dict[str, Found] = {}

    @property
    def shop(self) -> str:
        return self.maker.shop.domain

    def find(
        self,
        collection: str,
        suits: Callable[[Body], bool] = _anything,
        status: str | None = None,
        rested: int = 1,
    ) -> Found | None:
        """Some suitable object that has not been changed for so many seconds (1: not in this one)."""
        row = self.store.find(self.shop, collection, self.now - rested + 1, self.random, suits, status)
        return Found(row.id, json.loads(row.body)) if row else None

    def some(
        self, collection: str, suits: Callable[[Body], bool] = _anything, status: str | None = None
    ) -> Body | None:
        """Some suitable object that the action only refers to."""
        found = self.find(collection, suits, status, rested=0)
        return found.body if found else None

    def children(self, collection: str, parent: int) -> list[Found]:
        rows = self.store.select(self.shop, collection, "parent = ?", [parent])
        return [Found(row.id, json.loads(row.body)) for row in rows]

    def create(self, collection: str, body: Body, *more: str, key: int | None = None) -> None:
        found = Found(key or body["id"], body)
        self.created.setdefault(collection, found)
        self._save(collection, found.key, body, "create", more)

    def update(
        self, collection: str, body: Body, *more: str, key: int | None = None, moment: str | None = None
    ) -> None:
        if COLLECTIONS[collection].dated:
            body["updated_at"] = moment or self.moment
        self._save(collection, key or body["id"], body, "update", more)

    def _save(self, collection: str, key: int, body: Body, action: str, more: tuple[str, ...]) -> None:
        self.store.put(self.shop, collection, key, body, self.now)
        topic = COLLECTIONS[collection].topics.get(action)
        name = (collection, object_id(collection, body))
        told = self._told.setdefault(name, (body, []))[1]
        # What has just been created is new to subscribers as it is in the end, not created and then updated.
        if topic and not (action == "update" and COLLECTIONS[collection].topics["create"] in told):
            told.append(topic)
        self._told[name] = (body, list(dict.fromkeys([*told, *more])))

    def delete(self, collection: str, key: int, body: Body) -> None:
        self.store.remove([key], self.now)
        topic = COLLECTIONS[collection].topics.get("delete")
        rest: Body = {"id": key}
        if collection == "inventory_levels":
            rest = {**body, "available": None, "updated_at": self.moment}
        self._told[collection, object_id(collection, body)] = (rest, [topic] if topic else [])

    def events(self) -> list[Event]:
        return [Event(topic, name, dump(body)) for (_, name), (body, topics) in self._told.items() for topic in topics]
