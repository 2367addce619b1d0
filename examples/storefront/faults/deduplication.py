"""Faults of phase 4: a fact is stored twice, or not at all because it looks like another."""

from random import Random
from typing import TYPE_CHECKING

from .answer_key import Expected, Planted
from .choosing import living, some_tenant

if TYPE_CHECKING:
    from ..sample import Sample


def consecutive_duplicate(sample: "Sample", random: Random) -> Planted:
    """A delivery arrives twice while the integration does not look whether it has it already."""
    tenant, shop = some_tenant(random)
    item = random.choice(living(sample, tenant, "inventory_item"))
    sample.backend_control("faults", {"store_duplicates": True})
    sample.source_control("faults", {"duplicate_all": ["inventory_items/update"]})
    sample.record(shop, "inventory_items", "update", int(item), sku=f"AGAIN-{random.randrange(10**6)}")
    sample.settle()
    sample.source_control("faults", {"duplicate_all": None})
    sample.backend_control("faults", {"store_duplicates": None})
    stored_twice = Expected(
        "consecutive_duplicate_hashes", scope={"tenant": tenant, "resource": "inventory_item"}, keys=[item]
    )
    return Planted("consecutive_duplicate", mode=42, how="caused", must=[stored_twice])
