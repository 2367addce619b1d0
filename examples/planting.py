"""What the samples' faults have in common: how they are found by their names."""

from collections.abc import Callable, Mapping
from inspect import getmembers, isfunction
from random import Random
from types import ModuleType
from typing import Any

from examples.answer_key import Planted
from examples.control import SampleError

Fault = Callable[[Any, Random], Planted]


def collected(*subjects: ModuleType) -> dict[str, Fault]:
    """The faults of some modules, by their names; what begins with _ is a helper."""
    found: dict[str, Fault] = {}
    for subject in subjects:
        for name, function in getmembers(subject, isfunction):
            if function.__module__ == subject.__name__ and not name.startswith("_"):
                if name in found:
                    raise SampleError(f"two faults are called {name}: {found[name].__module__} and {subject.__name__}")
                found[name] = function
    return found


def chosen(name: str, faults: Mapping[str, Fault], example: str) -> Fault:
    if name not in faults:
        raise SampleError(f"{name!r} is not a fault of the {example}; it has: {', '.join(sorted(faults))}")
    return faults[name]
