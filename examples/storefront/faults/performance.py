"""Faults of phase 7: refinement fails, waits or is slow, a way falls silent, look-ups lose their index."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import altered, replaced

from .choosing import living, raw_rows, some_tenant
from .editing import WITHOUT_WEBHOOKS, forget_everything
from .switching import a_second_passes, source

if TYPE_CHECKING:
    from ..sample import Sample

FAILED_SHARE = 0.015  # of all raw rows; an audit tolerates 1 %
PLAIN = ["dispute", "gift_card", "transaction", "balance_transaction"]  # nothing refers to these tables but themselves
# Alert rules that wait for the usual limit come too late for a stricter one.
STRICTER = "monitoring_rules_cover_every_danger"


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
    may = ["field_differences", "refined_built_from_newest"]
    return Planted("refinement_fails", mode=34, how="caused", must=[failed], may=may)


def refinement_stuck(sample: "Sample", random: Random) -> Planted:
    """A received dispute is passed over by the worker, and its file allows hardly any wait."""
    tenant, shop = some_tenant(random)
    dispute = random.choice(living(sample, tenant, "dispute"))
    _stricter(sample, "backlog_seconds: 0.001")
    sample.backend_control("faults", {"skip_refinement": ["dispute"]})
    sample.record(shop, "disputes", "update", int(dispute), reason="unrecognized")
    sample.settle()
    waiting = Expected("refinement_backlog", scope={"tenant": tenant, "resource": "dispute"}, keys=[dispute])
    may = ["field_differences", "refined_built_from_newest", STRICTER]
    return Planted("refinement_stuck", mode=44, how="caused", must=[waiting], may=may)


def webhooks_never_came(sample: "Sample", random: Random) -> Planted:
    """All is read anew by syncs, and no webhook has come since."""
    forget_everything(sample)
    sample.sync()
    must = [
        Expected("every_way_delivers", scope={"tenant": tenant}, keys=["webhook"]) for tenant in ("acme", "borealis")
    ]
    may = [name for name in WITHOUT_WEBHOOKS if name != "every_way_delivers"]
    return Planted("webhooks_never_came", mode=45, how="caused", must=must, may=may)


def ingest_stopped(sample: "Sample", random: Random) -> Planted:
    """Nothing that changes is received any more, and the file allows a silence of no more than a second."""
    tenant, shop = some_tenant(random)
    location = random.choice(living(sample, tenant, "location"))
    _stricter(sample, "silence_seconds: 1")
    a_second_passes()  # times are in whole seconds: this change is later than all that was received
    with source(sample, drop_deliveries=["locations/update"]):
        sample.record(shop, "locations", "update", int(location), phone="+47 555 22 222")
    silent = Expected("ingest_is_current", scope={"tenant": tenant}, keys=["location"], cause="NEVER_RECEIVED")
    may = ["webhooks_arrive", "raw_differs_from_source", "field_differences", STRICTER]
    return Planted("ingest_stopped", mode=30, how="caused", must=[silent], may=may)


def index_dropped(sample: "Sample", random: Random) -> Planted:
    """A migration drops a refined table's unique constraint, and with it the only index on the source's id."""
    name = random.choice(PLAIN)
    altered(sample, f"alter table shopify_{name} drop constraint uq_shopify_{name}_source")
    must = [
        Expected("source_keys_are_unique", scope={"resource": name}, keys=[f"shopify_{name}"]),
        Expected("lookups_use_an_index", scope={"resource": name}, keys=[f"shopify_{name}"]),
    ]
    return Planted("index_dropped", mode=0, how="caused", must=must)


def raw_index_dropped(sample: "Sample", random: Random) -> Planted:
    """A migration drops the raw table's index on the object."""
    altered(sample, "drop index ix_shopify_raw_ingest_object")
    unserved = Expected("raw_lookup_uses_an_index", keys=["shopify_raw_ingest"])
    return Planted("raw_index_dropped", mode=0, how="caused", must=[unserved])


def lookup_slow(sample: "Sample", random: Random) -> Planted:
    """A refined table becomes a view that takes twice the time that the file allows."""
    _stricter(sample, "query_milliseconds: 25")
    name = random.choice(["dispute", "gift_card"])
    altered(sample, f"alter table shopify_{name} rename to {name}_rows")
    rows = f"select one.* from {name}_rows as one where (select pg_sleep(0.05)) is not null"
    altered(sample, f"create view shopify_{name} as {rows}")
    altered(sample, f"grant select on shopify_{name} to public")
    slow = Expected("lookups_within_budget", scope={"resource": name}, keys=[f"shopify_{name}"])
    return Planted("lookup_slow", mode=0, how="caused", must=[slow], may=["source_keys_are_unique"])


def _stricter(sample: "Sample", limit: str) -> None:
    """Let the parameter file promise more: nobody waits here for an hour."""
    replaced(sample.parameters, "policy: {", f"policy: {{{limit}, ")
