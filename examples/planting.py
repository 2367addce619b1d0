"""What the samples' faults have in common: how they are found by their names."""

from collections.abc import Callable
from importlib import import_module
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


def faults_of(example: str) -> dict[str, Fault]:
    """All faults of a sample, imported when they are asked for: to start it, none is needed."""
    module = import_module(f"examples.{example}.faults")
    return module.FAULTS | module.LIVE_FAULTS


def chosen(name: str, example: str) -> Fault:
    faults = faults_of(example)
    if name not in faults:
        raise SampleError(f"{name!r} is not a fault of the {example}; it has: {', '.join(sorted(faults))}")
    return faults[name]
