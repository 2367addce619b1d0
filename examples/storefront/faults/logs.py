"""Faults of phase 7 that the integration's own log shows, or no longer shows."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted

from ..logs import LOG, rotated
from .choosing import living, some_tenant
from .switching import backend

if TYPE_CHECKING:
    from ..sample import Sample

UNSEEN_CHANGES = 12  # so many that no chance leaves them out of the log


def error_forgotten(sample: "Sample", random: Random) -> Planted:
    """What goes wrong with a delivery is caught and logged, and the delivery is answered with 200."""
    tenant, shop = some_tenant(random)
    location = random.choice(living(sample, tenant, "location"))
    with backend(sample, errors_forgotten=["locations/update"]):
        phone = f"+47 555 {random.randrange(10**5):05}"
        (delivery,) = sample.record(shop, "locations", "update", int(location), phone=phone)["deliveries"]
    scope = {"tenant": tenant, "resource": "location"}
    must = [
        Expected("errors_left_a_record", keys=[delivery]),
        Expected("raw_differs_from_source", scope=scope, keys=[location], cause="NEVER_RECEIVED"),
    ]
    return Planted("error_forgotten", mode=44, how="caused", must=must, may=["field_differences", "webhooks_arrive"])


def log_rotated_away(sample: "Sample", random: Random) -> Planted:
    """The log is rotated and the process not told: it goes on writing to a file that has no name any more."""
    tenant, shop = some_tenant(random)
    log = sample.copy / LOG
    rotated(log, log.with_name(f"{LOG}.2.gz"))
    log.unlink()
    log.touch()
    for number in range(UNSEEN_CHANGES):
        customer = random.choice(living(sample, tenant, "customer"))
        sample.record(shop, "customers", "update", int(customer), note=f"Asked for a catalogue, {number}")
    sample.settle()
    silent = Expected("logs_have_no_gap", keys=["deliveries"])
    return Planted("log_rotated_away", mode=0, how="caused", must=[silent])
