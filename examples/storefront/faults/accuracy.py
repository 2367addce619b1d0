"""Faults of phase 5: what is in the tables is not what the source has."""

from random import Random
from typing import TYPE_CHECKING

from .answer_key import Expected, Planted
from .choosing import living, some_tenant

if TYPE_CHECKING:
    from ..sample import Sample


def orders_update_dropped(sample: "Sample", random: Random) -> Planted:
    """The delivery that tells of an order's update is never sent."""
    tenant, shop = some_tenant(random)
    order = random.choice(living(sample, tenant, "order"))
    sample.source_control("faults", {"drop_deliveries": {"topic": "orders/updated", "nth": 1}})
    sample.record(shop, "orders", "update", int(order), note="Deliver to the neighbour", tags="changed")
    sample.settle()
    sample.source_control("faults", {"drop_deliveries": None})
    missed = Expected(
        "field_differences",
        scope={"tenant": tenant, "resource": "order"},
        keys=[order],
        fields=["note", "tags"],
        cause="UNDELIVERED",
    )
    return Planted("orders_update_dropped", mode=0, how="caused", must=[missed])
