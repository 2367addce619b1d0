"""Faults of phase 6: changes come late, never by webhook, or from the future."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted

from .choosing import living, some_tenant
from .editing import WITHOUT_WEBHOOKS, forget_everything
from .switching import a_second_passes, backend, source

if TYPE_CHECKING:
    from ..sample import Sample

SLOW = 8.0  # seconds, where an audit allows five, and clocks that tell whole seconds leave two in doubt
DELAYED = 8.0
# What cannot be told where no time of the source is known to lie after one of ours.
UNDATED = ["changes_come_by_webhook", "webhooks_come_without_a_gap"]
AGAIN = {"location": "phone", "product": "vendor"}  # what changes once more when deliveries go on
# What is known of the subscriptions is another phase's business.
SUBSCRIPTIONS = ["wanted_topics_are_registered", "recorded_topics_are_registered"]


def refinement_slow(sample: "Sample", random: Random) -> Planted:
    """The worker takes its time over some changes of locations."""
    tenant, shop = some_tenant(random)
    locations = random.sample(living(sample, tenant, "location"), 3)
    with backend(sample, slow_refinement=SLOW):
        for location in locations:
            sample.record(shop, "locations", "update", int(location), phone="+47 555 11 111")
    late = Expected("latency_within_limit", scope={"resource": "location"}, keys=locations)
    return Planted("refinement_slow", mode=0, how="caused", must=[late])


def delivery_delayed(sample: "Sample", random: Random) -> Planted:
    """The provider tells of some changes of inventory items eight seconds late."""
    tenant, shop = some_tenant(random)
    items = random.sample(living(sample, tenant, "inventory_item"), 3)
    with source(sample, delay_deliveries={"inventory_items/update": DELAYED}):
        for item in items:
            sample.record(shop, "inventory_items", "update", int(item), cost="1.00")
    late = Expected("latency_within_limit", scope={"resource": "inventory_item"}, keys=items)
    return Planted("delivery_delayed", mode=0, how="caused", must=[late])


def clock_ahead(sample: "Sample", random: Random) -> Planted:
    """The source stamps a change of a customer with a time that is yet to come."""
    tenant, shop = some_tenant(random)
    customer = random.choice(living(sample, tenant, "customer"))
    later = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0).isoformat()
    sample.record(shop, "customers", "update", int(customer), note="From the future", updated_at=later)
    sample.settle()
    scope = {"tenant": tenant, "resource": "customer"}
    early = Expected("no_record_from_the_future", scope=scope, keys=[customer], cause="TIMEZONE")
    return Planted("clock_ahead", mode=17, how="caused", must=[early])


def provider_clock_ahead(sample: "Sample", random: Random) -> Planted:
    """The clock of the provider's servers is some minutes ahead; what they stamp on records is right."""
    sample.source_control("faults", {"clock_ahead": random.randint(120, 600)})
    apart = Expected("clocks_agree", keys=["source, database", "source, here"])
    return Planted("provider_clock_ahead", mode=17, how="caused", must=[apart], may=["latency_within_limit", *UNDATED])


def deliveries_from_the_future(sample: "Sample", random: Random) -> Planted:
    """A delivery tells that its event happened a minute from now."""
    tenant, shop = some_tenant(random)
    location = random.choice(living(sample, tenant, "location"))
    with source(sample, triggered_ahead=60):
        sample.record(shop, "locations", "update", int(location), phone="+47 555 22 222")
    early = Expected("no_delivery_from_the_future", keys=["locations/update"])
    return Planted("deliveries_from_the_future", mode=17, how="caused", must=[early])


def deliveries_stopped(sample: "Sample", random: Random) -> Planted:
    """For a while nothing is delivered; a sync brings what changed meanwhile, and then deliveries go on."""
    tenant, shop = some_tenant(random)
    changed = {name: random.sample(living(sample, tenant, name), 3) for name in ("location", "product")}
    with source(sample, drop_deliveries=True):
        for location, product in zip(*changed.values(), strict=True):
            sample.record(shop, "locations", "update", int(location), phone="+47 555 66 666")
            a_second_passes()
            sample.record(shop, "products", "update", int(product), vendor="Unheard for a while")
            a_second_passes()
    sample.sync(shop, resources=["locations", "products"])
    for name, keys in changed.items():
        sample.record(shop, f"{name}s", "update", int(keys[0]), **{AGAIN[name]: "+47 555 77 777"})
    sample.settle()
    silent = Expected("webhooks_come_without_a_gap", scope={"tenant": tenant}, keys=["all"])
    return Planted("deliveries_stopped", mode=48, how="caused", must=[silent])


def changes_polled(sample: "Sample", random: Random) -> Planted:
    """All is read anew; after that the changes of locations come by the regular sync alone."""
    tenant, shop = some_tenant(random)
    locations = random.sample(living(sample, tenant, "location"), 4)
    forget_everything(sample)
    sample.sync()
    for _ in range(3):
        a_second_passes()
    with source(sample, drop_deliveries=["locations/update"]):
        for location in locations:
            sample.record(shop, "locations", "update", int(location), phone="+47 555 88 888")
    a_second_passes()
    sample.sync(shop, resources=["locations"])
    polled = Expected("changes_come_by_webhook", scope={"tenant": tenant}, keys=["location"])
    return Planted("changes_polled", mode=48, how="caused", must=[polled], may=WITHOUT_WEBHOOKS)


def subscription_silent(sample: "Sample", random: Random) -> Planted:
    """The source has given up a subscription after failures; the next sync brings what it no longer tells."""
    tenant, shop = some_tenant(random)
    first, second = random.sample(living(sample, tenant, "product"), 2)
    with source(sample, bad_signature=["products/update"], remove_failing_subscriptions=True):
        sample.record(shop, "products", "update", int(first), vendor="Unheard")
    sample.record(shop, "products", "update", int(second), vendor="Unheard of")
    sample.settle()
    sample.sync(shop, resources=["products"])
    silent = Expected("webhooks_arrive", scope={"tenant": tenant}, keys=["product"], cause="TOPIC_NOT_SUBSCRIBED")
    may = [*SUBSCRIPTIONS, "deliveries_were_taken"]
    return Planted("subscription_silent", mode=46, how="caused", must=[silent], may=may)
