"""Fills a new store: the same size and seed give the same bytes. Orders are streamed, so a million fit in memory."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from .catalogue import SHOPS, Shop
from .histories import history, state_of
from .objects import orders, payments, people, products
from .objects.maker import Maker
from .objects.oddities import odd_plans
from .store import Store
from .values import Ids, minor_units

Body = dict[str, Any]

# The day on which the sample's past ends; what happens live carries the real time.
TODAY = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp())
DAY = 86_400
_REMEMBERED = 2_000


class ShopGenerator:
    """Writes one shop, remembering only what later objects refer to."""

    def __init__(self, store: Store, shop: Shop, ids: Ids, size: int, seed: int) -> None:
        self.store = store
        self.maker = Maker(shop, ids, random.Random(f"{seed} {shop.name}"))
        self.orders = max(1, round(size * shop.share))
        self.places: list[int] = []
        self.goods: list[orders.Good] = []
        self.customers: list[int] = []
        self.charges: list[tuple[Body, Body]] = []

    def put(self, collection: str, body: Body, key: int | None = None) -> None:
        self.store.put(self.maker.shop.domain, collection, key or body["id"], body)

    def run(self) -> None:
        self._locations()
        self._products()
        self._customers()
        self._orders()
        self._draft_orders()
        self._payouts()
        self._disputes()
        if self.maker.shop.name == "acme":
            self._gift_cards()

    def _before(self, days: int) -> int:
        return TODAY - days * DAY + self.maker.random.randrange(DAY // 2)

    def _locations(self) -> None:
        for name in ("Main warehouse", "Shop in the old town – Ά"):
            body = people.location(self.maker, self._before(1200), name)
            self.places.append(body["id"])
            self.put("locations", body)

    def _products(self) -> None:
        number_of = max(5, min(self.orders // 4, 5_000))
        unsold = max(2, number_of // 3)
        for number in range(number_of):
            sold = number < number_of - unsold
            body = products.product(self.maker, self._before(1000 - number % 400), number, published=sold)
            self.put("products", body)
            for variant in body["variants"]:
                self._stock(variant)
                if sold:
                    self.goods.append(_good(body, variant))

    def _stock(self, variant: Body) -> None:
        at = self._before(600)
        item = products.inventory_item(self.maker, variant, at)
        self.put("inventory_items", item)
        for place in self.places if self.maker.chance(0.9) else self.places[:1]:
            level = products.inventory_level(self.maker, item["id"], place, at)
            self.put("inventory_levels", level, self.maker.id("inventory_level"))

    def _customers(self) -> None:
        for number in range(max(4, self.orders * 2 // 5)):
            body = people.customer(self.maker, self._before(900 - number % 300), number)
            self.put("customers", body)
            self.customers.append(body["id"])

    def _orders(self) -> None:
        odd, buyers = odd_plans(self.maker.shop), self.customers[: len(self.customers) * 4 // 5]
        for place in range(self.orders):
            changes = dict(odd[place]) if place < len(odd) else {}
            state = changes.pop("state", None) or state_of(self.maker)
            plan = orders.Plan(
                at=self._placed(place),
                number=1001 + place,
                customer=self.maker.random.choice(buyers),
                lines=self.maker.random.choice((1, 1, 2, 2, 3, 4)),
                note=self.maker.seldom(self.maker.text("Ring twice", 0.4)),
            )
            self._order(replace(plan, **changes), state)

    def _placed(self, place: int) -> int:
        """When an order was placed: about half of them in the last sixty days, the last one some days ago."""
        left = 1 - place / self.orders
        return TODAY - DAY * 5 - int(500 * DAY * left**3) + self.maker.random.randrange(DAY)

    def _order(self, plan: orders.Plan, state: str) -> None:
        body = orders.order(self.maker, plan, self.goods)
        made = history(self.maker, body, state, plan.at, self.places)
        self.put("orders", body)
        for item in made:
            self.put(item.collection, item.body)
        payment = next((item.body for item in made if item.body.get("kind") in ("sale", "capture")), None)
        if payment and payment["currency"] == self.maker.shop.currency and len(self.charges) < _REMEMBERED:
            self.charges.append((body, payment))

    def _draft_orders(self) -> None:
        for number in range(1, max(3, min(self.orders // 16, 500)) + 1):
            buyer = None if number == 2 else self.maker.random.choice(self.customers)
            self.put("draft_orders", orders.draft_order(self.maker, self._before(20), number, buyer, self.goods))

    def _payouts(self) -> None:
        charges = iter(self.charges)
        for number in range(max(5, min(self.orders // 40, 250))):
            days = 40 - 7 * number if number < 5 else 40 + number
            at = TODAY - days * DAY
            status = "in_transit" if number == 4 else "paid"
            body = payments.payout(self.maker, datetime.fromtimestamp(at, UTC).date().isoformat(), status)
            movements = self._movements(body, at - DAY, charges)
            body["amount"] = self.maker.money(sum(minor_units(movement["net"]) for movement in movements))
            self.put("payouts", body)
            for movement in movements:
                self.put("balance_transactions", movement)

    def _movements(self, payout: Body, at: int, charges: Iterator[tuple[Body, Body]]) -> list[Body]:
        make, movements = payments.balance_transaction, []
        for _, (_, payment) in zip(range(7), charges, strict=False):
            movements.append(make(self.maker, payout, "charge", minor_units(payment["amount"]), at, payment))
        movements.append(make(self.maker, payout, "adjustment", -self.maker.random.randint(1, 900), at, None))
        return movements

    def _disputes(self) -> None:
        disputed = 2 if self.maker.shop.name == "acme" else 1
        for order, payment in self.charges[-disputed:]:
            self.put("disputes", payments.dispute(self.maker, order, payment, self._before(3)))

    def _gift_cards(self) -> None:
        for number in range(4):
            buyer = None if number == 3 else self.customers[number]
            self.put("gift_cards", people.gift_card(self.maker, self._before(200), number, buyer))


def _good(product: Body, variant: Body) -> orders.Good:
    return orders.Good(variant["id"], product["id"], product["title"], variant["sku"], minor_units(variant["price"]))


def generate(store: Store, size: int, seed: int) -> None:
    ids = Ids()
    with store.transaction():
        for shop in SHOPS.values():
            ShopGenerator(store, shop, ids, size, seed).run()
        store.set("ids", ids.used)
        store.set("seed", seed)
        store.set("size", size)
        store.add_indexes()
