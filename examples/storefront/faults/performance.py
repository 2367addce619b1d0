"""Faults of phase 7: refinement fails, waits or is slow."""

from random import Random
from typing import TYPE_CHECKING

from .answer_key import Expected, Planted
from .choosing import living, raw_rows, some_tenant

if TYPE_CHECKING:
    from ..sample import Sample

FAILED_SHARE = 0.015  # of all raw rows; an audit tolerates 1 %


def refinement_fails(sample: "Sample", random: Random) -> Planted:
    """Refinement breaks on some orders; the switch stays on, as the integration tries again when it is cleared."""
    tenant, shop = some_tenant(random)
    orders = living(sample, tenant, "order")
    random.shuffle(orders)
    orders = orders[: max(1, round(FAILED_SHARE * raw_rows(sample)))]
    sample.backend_control("faults", {"refine_error": orders})
    for number, order in enumerate(orders):
        sample.record(shop, "orders", "update", int(order), note=f"Ask for the invoice, {number}")
    sample.settle(timeout=60)
    failed = Expected("failed_refinements", scope={"tenant": tenant, "resource": "order"}, keys=sorted(orders))
    return Planted("refinement_fails", mode=0, how="caused", must=[failed], may=["field_differences"])
