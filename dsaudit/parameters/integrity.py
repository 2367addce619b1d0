"""What tenancy, invariants and the served endpoints need of each other, of the resources and of the relations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit.parameters import apis
from dsaudit.parameters.section import Misplaced
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters


def mistakes(parameters: Parameters) -> Iterator[Misplaced]:
    """Yield what does not fit together, with where it stands."""
    for index, one in enumerate(parameters.invariants):
        if one.resource not in parameters.resources:
            hint = did_you_mean(one.resource, parameters.resources)
            words = f"there is no resource {one.resource}" + (f"; {hint}" if hint else "")
            yield Misplaced(("invariants", index, "resource"), words)
    yield from apis.mistakes(parameters)
