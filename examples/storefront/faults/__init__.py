"""Faults that the sample can have, and for each what an audit must and may say of it.

A fault is a function `(sample, random) -> Planted` whose name is the fault's, in the module of the phase that finds its
root. It is caused in the running system, through the switches of its processes and changes at the source, wherever
that is possible, and chooses its rows with `random`. A name that starts with `_` is a helper's.
"""

from collections.abc import Callable
from inspect import getmembers, isfunction
from random import Random
from types import ModuleType
from typing import Any

from ..control import SampleError
from . import (
    accuracy,
    causes,
    configuration,
    deduplication,
    documents,
    live,
    logs,
    monitoring,
    performance,
    realtime,
    relations,
    starting,
    sync_code,
    values,
    webhooks,
)
from .answer_key import Expected, Planted, recorded

Fault = Callable[[Any, Random], Planted]

SUBJECTS = (
    configuration,
    sync_code,
    webhooks,
    deduplication,
    accuracy,
    causes,
    values,
    relations,
    realtime,
    performance,
    logs,
    monitoring,
    documents,
)

# One or two of each phase that can be planted side by side in this order.
TOUR = (
    "scope_without_comment",
    "paging_taken_out",
    "subscription_removed",
    "delivery_stored_twice",
    "zero_decimals_divided",
    "wrong_tenant",
    "clock_ahead",
    "table_undocumented",
    "refinement_fails",
    "orders_update_dropped",
)


def _collected(*subjects: ModuleType) -> dict[str, Fault]:
    found: dict[str, Fault] = {}
    for subject in subjects:
        for name, function in getmembers(subject, isfunction):
            if function.__module__ == subject.__name__ and not name.startswith("_"):
                if name in found:
                    raise SampleError(f"two faults are called {name}: {found[name].__module__} and {subject.__name__}")
                found[name] = function
    return found


FAULTS = _collected(*SUBJECTS)
# These show in what an audit does at the source when it is asked to, and in nothing that is there already.
LIVE_FAULTS = _collected(live, starting)

__all__ = ["FAULTS", "LIVE_FAULTS", "TOUR", "Expected", "Planted", "named", "recorded"]


def named(name: str) -> Fault:
    faults = FAULTS | LIVE_FAULTS
    if name not in faults:
        raise SampleError(f"{name!r} is not a fault of the storefront; it has: {', '.join(sorted(faults))}")
    return faults[name]
