"""Single changes on request: create, update or delete one named object, with its usual consequences."""

import asyncio
import json
import random
import time
from collections.abc import Callable

from ..catalogue import COLLECTIONS, SHOPS
from ..objects import orders, payments, people
from ..provider import Provider
from ..store import Store
from ..values import minor_units, seconds_of
from . import buyers, sales, stock
from .change import Body, Change, Found, object_id
from .traffic import perform

_CONTENT = {"line_items", "discount_codes", "shipping_lines", "tax_lines"}


class Impossible(Exception):
    """The shop can't do what was asked of it."""


def _create_payout(change: Change) -> None:
    change.create("payouts", payments.payout(change.maker, change.moment[:10], "scheduled"))


def _create_movement(change: Change) -> None:
    payout = change.some("payouts")
    assert payout, "every shop keeps its payouts"
    body = payments.balance_transaction(change.maker, payout, "adjustment", -100, change.now, None)
    change.create("balance_transactions", body)
    payout["amount"] = change.maker.money(minor_units(payout["amount"]) - 100)
    change.update("payouts", payout)


def _create_gift_card(change: Change) -> None:
    change.create("gift_cards", people.gift_card(change.maker, change.now, 5, None))


_CREATE: dict[str, Callable[[Change], object]] = {
    "orders": sales.place_order,
    "customers": buyers.create_customer,
    "products": stock.create_product,
    "inventory_items": stock.add_variant,
    "inventory_levels": stock.add_variant,
    "locations": stock.create_location,
    "refunds": sales.refund,
    "transactions": sales.place_paid_order,
    "fulfillments": sales.fulfill,
    "draft_orders": buyers.create_draft,
    "disputes": sales.open_dispute,
    "payouts": _create_payout,
    "balance_transactions": _create_movement,
    "gift_cards": _create_gift_card,
}


def _apply(change: Change, collection: str, found: Found, values: Body) -> None:
    found.body.update(values)
    if collection in ("orders", "draft_orders") and _CONTENT & set(values):
        orders.settle_totals(found.body)
    change.update(collection, found.body, key=found.key, moment=values.get("updated_at"))


def _create(change: Change, collection: str, values: Body) -> Found:
    _CREATE[collection](change)
    made = change.created[collection]
    if values:
        _apply(change, collection, made, values)
    return made


def remove(change: Change, collection: str, found: Found) -> None:
    key, body = found
    if collection == "orders":
        if sales.order_is_needed(change, key):
            raise Impossible("a settled payment, a dispute or a draft names this order")
        sales.remove_order(change, body)
    elif collection == "products":
        _refuse_if_sold(change, body)
        stock.remove_product(change, body)
    elif collection == "inventory_items":
        raise Impossible("an inventory item goes with its variant or product")
    elif collection in ("customers", "locations") and change.store.referring(key):
        raise Impossible("other objects name this one")
    else:
        change.delete(collection, key, body)


def _refuse_if_sold(change: Change, product: Body) -> None:
    for collection in ("orders", "draft_orders"):
        if change.store.count(change.shop, collection, "instr(body, ?)", [f'"product_id":{product["id"]},']):
            raise Impossible("an order or draft names this product")


def look_up(store: Store, shop: str, collection: str, name: str) -> Found:
    where, values = "id = ?", name.split(":")
    if collection == "inventory_levels" and ":" in name:
        where = "parent = ? and other = ?"
    rows = store.select(shop, collection, where, [int(value) for value in values])
    if not rows:
        raise Impossible(f"{shop} has no {COLLECTIONS[collection].singular} {name}")
    return Found(rows[0].id, json.loads(rows[0].body))


def _pick(store: Store, shop: str, collection: str, rng: random.Random) -> str:
    row = store.find(shop, collection, int(time.time()) + 1, rng, lambda body: True)
    if not row:
        raise Impossible(f"{shop} has no {collection}")
    return str(row.id)


async def _rest(found: Found) -> None:
    """Times have whole seconds: let two versions of an object differ in theirs."""
    if found.body.get("updated_at"):
        wait = seconds_of(found.body["updated_at"]) + 1 - time.time()
        await asyncio.sleep(min(max(0.0, wait), 1.0))


async def change_record(provider: Provider, asked: Body) -> Body:
    """Do as asked; the object as it is then, and the ids of the deliveries that tell of it."""
    shop, collection, action = asked["shop"], asked["collection"], asked["action"]
    if shop not in SHOPS or collection not in COLLECTIONS or action not in ("create", "update", "delete"):
        raise Impossible("expected a shop, one of its collections, and create, update or delete")
    rng = random.Random(f"{asked.get('seed', 0)} {provider.dispatcher.number}")
    values = asked.get("values") or {}
    made: list[Found] = []
    if action == "create":
        deliveries = perform(provider, shop, rng, lambda change: made.append(_create(change, collection, values)))
    else:
        name = str(asked.get("id") or _pick(provider.store, shop, collection, rng))
        if "updated_at" not in values:
            await _rest(look_up(provider.store, shop, collection, name))
        found = look_up(provider.store, shop, collection, name)
        made.append(found)
        if action == "update":
            deliveries = perform(provider, shop, rng, lambda change: _apply(change, collection, found, values))
        else:
            deliveries = perform(provider, shop, rng, lambda change: remove(change, collection, found))
    body = made[0].body
    return {"id": object_id(collection, body), "record": body, "deliveries": deliveries}
