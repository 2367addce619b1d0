"""Live traffic: every resource that has webhooks takes its turn, in one shop and then in the other."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from ..catalogue import SHOPS
from ..objects.maker import Maker
from ..provider import Provider
from . import buyers, sales, stock
from .change import Change

# A shop's people work no faster than its provider sends: more would be a burst, and each delivery late.
MOST_QUEUED = 8
MOST_A_SECOND = 25  # and so slowly that what they do has a rhythm, on a quick machine too
Action = Callable[[Change], object]

# Deletions are a minority, and each action does something else that is useful when nothing suits it.
CYCLES: dict[str, tuple[Action, ...]] = {
    "orders": (
        sales.place_order,
        sales.update_order,
        sales.cancel_order,
        sales.place_paid_order,
        sales.update_order,
        sales.close_order,
        sales.delete_order,
    ),
    "customers": (
        buyers.update_customer,
        buyers.create_customer,
        buyers.switch_customer,
        buyers.update_customer,
        buyers.delete_customer,
    ),
    "products": (
        stock.update_product,
        stock.create_product,
        stock.update_product,
        stock.update_product,
        stock.delete_product,
        stock.update_product,
    ),
    "inventory_items": (
        stock.update_item,
        stock.update_item,
        stock.add_variant,
        stock.update_item,
        stock.remove_variant,
        stock.update_item,
    ),
    "inventory_levels": (
        stock.update_level,
        stock.update_level,
        stock.connect_level,
        stock.update_level,
        stock.disconnect_level,
    ),
    "locations": (
        stock.update_location,
        stock.create_location,
        stock.update_location,
        stock.update_location,
        stock.delete_location,
    ),
    "refunds": (sales.refund,),
    "transactions": (sales.take_payment, sales.take_payment, sales.place_paid_order),
    "fulfillments": (sales.fulfill, sales.track),
    "draft_orders": (
        buyers.update_draft,
        buyers.create_draft,
        buyers.update_draft,
        buyers.delete_draft,
        buyers.complete_draft,
    ),
    "disputes": (sales.open_dispute, sales.advance_dispute),
}


def _turn(number: int) -> tuple[str, str, Action]:
    """Resource, shop and action of the nth change since the store was made."""
    visits, place = divmod(number, len(CYCLES))
    name, cycle = list(CYCLES.items())[place]
    shop = list(SHOPS)[visits % len(SHOPS)]
    return name, shop, cycle[visits // len(SHOPS) % len(cycle)]


def perform(provider: Provider, shop: str, rng: random.Random, action: Action) -> list[str]:
    """Carry out one action now; the ids of the deliveries it causes."""
    change = Change(provider.store, Maker(SHOPS[shop], provider.ids, rng), int(time.time()))
    with provider.store.transaction():
        action(change)
        provider.save_ids()
        return provider.dispatcher.publish(shop, change.events())


async def make_changes(provider: Provider, count: int, seed: int) -> dict[str, Any]:
    made: Counter[str] = Counter()
    deliveries, began = 0, time.monotonic()
    for done in range(count):
        await asyncio.sleep(max(0.0, began + done / MOST_A_SECOND - time.monotonic()))
        number = provider.store.setting("changes") or 0
        name, shop, action = _turn(number)
        provider.store.set("changes", number + 1)
        deliveries += len(perform(provider, shop, random.Random(f"{seed} {number}"), action))
        made[name] += 1
        await provider.dispatcher.keep_up(MOST_QUEUED)
    return {"changes": dict(made), "deliveries": deliveries}
