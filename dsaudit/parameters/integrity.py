"""What the sections of a data-integrity audit need of each other and of the resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit.parameters import apis, conserved, push
from dsaudit.parameters.section import Misplaced
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters


def mistakes(parameters: Parameters) -> Iterator[Misplaced]:
    """Yield what does not fit together, with where it stands."""
    for index, one in enumerate(parameters.invariants):
        yield from _resource(parameters, one.resource, "invariants", index, "resource")
    for index, duration in enumerate(parameters.durations):
        yield from _resource(parameters, duration.resource, "durations", index, "resource")
    for section, listed in parameters.performance.sections.items() if parameters.performance else ():
        names = [one.name for one in listed]
        for index, valued in enumerate(listed):
            if valued.name in names[:index]:
                words = f"the name {valued.name} is given twice, so its results could not be told apart"
                yield Misplaced(("performance", section, index, "name"), words)
            for name, column in valued.drawn.items():
                keys = ("performance", section, index, "drawn", name)
                yield from _resource(parameters, column.partition(".")[0], *keys)
    for index, name in enumerate(parameters.tenancy.shared if parameters.tenancy else ()):
        yield from _resource(parameters, name, "tenancy", "shared", index)
    yield from apis.mistakes(parameters)
    yield from conserved.mistakes(parameters)
    yield from push.mistakes(parameters)


def _resource(parameters: Parameters, name: str, *keys: str | int) -> Iterator[Misplaced]:
    if name not in parameters.resources:
        hint = did_you_mean(name, parameters.resources)
        yield Misplaced(keys, f"there is no resource {name}" + (f"; {hint}" if hint else ""))
