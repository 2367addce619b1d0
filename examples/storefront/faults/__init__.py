"""Faults that the sample can have, and for each what an audit must and may say of it.

A fault is a function `(sample, random) -> Planted` whose name is the fault's, in the module of the phase that finds its
root. It is caused in the running system, through the switches of its processes and changes at the source, wherever
that is possible, and chooses its rows with `random`. A name that starts with `_` is a helper's.
"""

from collections.abc import Callable
from inspect import getmembers, isfunction
from random import Random
from typing import Any

from ..control import SampleError
from . import accuracy, deduplication, performance
from .answer_key import Expected, Planted, recorded

Fault = Callable[[Any, Random], Planted]

SUBJECTS = (deduplication, accuracy, performance)

FAULTS: dict[str, Fault] = {
    name: function
    for subject in SUBJECTS
    for name, function in getmembers(subject, isfunction)
    if function.__module__ == subject.__name__ and not name.startswith("_")
}

__all__ = ["FAULTS", "Expected", "Planted", "named", "recorded"]


def named(name: str) -> Fault:
    if name not in FAULTS:
        raise SampleError(f"{name!r} is not a fault of the storefront; it has: {', '.join(sorted(FAULTS))}")
    return FAULTS[name]
