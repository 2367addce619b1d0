"""Data that is odd and clean: of other sizes and seeds, with late, doubled and disordered deliveries, and in flight.

Every sample already holds Unicode, ids beyond 2^53, empty optional tables, archived and test records, currencies of no
and of three decimals, leap days and the days on which clocks change. What differs from seed to seed is added here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from random import Random
from typing import Any

from examples.control import SampleError
from tests.faults.systems import SYSTEMS

# A sync that comes by a schedule has what changed since only with the next: there nothing may change meanwhile.
MOVING = ("storefront", "discovery", "listings")
PAUSE = 0.5  # seconds between two changes while an audit looks
NAMES = ("Ærø Skærgård Ⅻ", "مقهى الشرق", "東京商店 ㈱", "e\u0301cole \u200b d'été", "O’Neil & Søn 😀", "null", "-1e309")


@contextmanager
def odd(example: str, seed: int) -> Iterator[Any]:
    """Start a sample that no audit may find anything wrong with, and let it change for as long as the block."""
    random = Random(f"clean {example} {seed}")
    size = {} if example == "referrals" else {"size": random.randrange(40, 160)}
    with SYSTEMS[example].running(seed, **size) as sample:
        change = CHANGES[example](sample, random)
        change()
        sample.settle()
        if example == "storefront":  # disorder has converged: what is held back for a newer delivery comes too late
            sample.source_control("faults", {"reorder": None})
        with _in_flight(change, sample) if example in MOVING and random.random() < 0.5 else nullcontext():
            yield sample


def _storefront(sample: Any, random: Random) -> Callable[[], None]:
    """Deliveries come twice, or the older of two last, or late; what came of them is right in the end."""
    switch: dict[str, Any] = random.choice(
        [{}, {"reorder": True}, {"duplicate_all": True}, {"delay_deliveries": {"orders/updated": 0.5}}]
    )
    sample.source_control("faults", switch)
    return lambda: sample.change(random.randrange(1, 12), random.randrange(1_000_000))


def _referrals(sample: Any, random: Random) -> Callable[[], None]:
    """Referrals change, and new ones come with names that are hard to write."""

    def change() -> None:
        sample.change(random.randrange(1, 4))
        name = random.choice(NAMES)
        sample.add(customerProfile={"name": name, "website": random.choice(["http://xn--bcher-kva.example", None])})
        sample.ended(sample.sync())

    return change


def _imported(sample: Any, random: Random) -> Callable[[], None]:
    return lambda: sample.change(random.randrange(1, 6)) and None


CHANGES: dict[str, Callable[[Any, Random], Callable[[], None]]] = {
    "storefront": _storefront,
    "referrals": _referrals,
    "discovery": _imported,
    "listings": _imported,
}


@contextmanager
def _in_flight(change: Callable[[], None], sample: Any) -> Iterator[None]:
    """Go on changing in the background."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(PAUSE):
            with suppress(SampleError):  # it is healed, or a check has its processes started anew
                change()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
