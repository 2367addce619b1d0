"""Faults of the live probe: each stays on, and shows in what is done at the source while somebody looks.

In the answer keys the scope is an action of the probe, and the keys are the steps that do not come, after which nothing
more is done, or that come though nothing was to change.
"""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted

if TYPE_CHECKING:
    from ..sample import Sample

AFTER_STORING = ["refined", "row"]


def _missing(check: str, **steps: list[str]) -> list[Expected]:
    return [Expected(check, scope={"action": name.replace("_", " ")}, keys=keys) for name, keys in steps.items()]


def live_refinement_off(sample: "Sample", random: Random) -> Planted:
    """Customers are stored and no longer refined."""
    sample.backend_control("faults", {"skip_refinement": ["customer"]})
    must = _missing("live_changes_arrive", create=AFTER_STORING)
    return Planted("live_refinement_off", mode=44, how="caused", must=must)


def live_updates_undelivered(sample: "Sample", random: Random) -> Planted:
    """The provider announces no update of a customer."""
    sample.source_control("faults", {"drop_deliveries": ["customers/update"]})
    late = ["webhook", "raw", "hash", *AFTER_STORING]
    must = _missing("live_changes_arrive", update=late)
    return Planted("live_updates_undelivered", mode=48, how="caused", must=must)


def live_deletion_ignored(sample: "Sample", random: Random) -> Planted:
    """Deliveries that tell of a deletion are answered and forgotten."""
    sample.backend_control("faults", {"ignore_deletes": True})
    must = _missing("live_changes_arrive", delete=["raw", *AFTER_STORING])
    # The probe's genuine delivery is one of a deletion: where none is stored, nobody can tell of one that comes twice.
    may = ["repeated_delivery_changes_nothing"]
    return Planted("live_deletion_ignored", mode=2, how="caused", must=must, may=may)


def live_second_update_lost(sample: "Sample", random: Random) -> Planted:
    """Of two updates within one second, which have the same time at the source, the second is dropped."""
    sample.backend_control("faults", {"same_second_dropped": True})
    late = ["raw", "hash", *AFTER_STORING]
    must = _missing("live_changes_arrive", update_twice=late)
    return Planted("live_second_update_lost", mode=40, how="caused", must=must)


def live_duplicate_stored(sample: "Sample", random: Random) -> Planted:
    """A delivery that comes twice is stored twice."""
    sample.backend_control("faults", {"store_duplicates": True})
    must = _missing("redelivered_changes_nothing", duplicate=["raw"])
    return Planted("live_duplicate_stored", mode=42, how="caused", must=must)


def live_older_delivery_wins(sample: "Sample", random: Random) -> Planted:
    """A delivery of an older version that comes late overwrites the newer one."""
    # Of two updates within a second the newer still wins, in whatever order they come.
    sample.backend_control("faults", {"stale_overwrite": "another second"})
    must = _missing("redelivered_changes_nothing", out_of_order=["row"])
    return Planted("live_older_delivery_wins", mode=39, how="caused", must=must)
