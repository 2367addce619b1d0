"""Switches a fault on for as long as something happens."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..sample import Sample


def a_second_passes() -> None:
    """Let what comes next be later, for certain, than what was: the source tells times in whole seconds."""
    time.sleep(1.3)


@contextmanager
def backend(sample: "Sample", **switches: Any) -> Iterator[None]:
    """Let the integration misbehave until what happens in the block has come to rest."""
    sample.backend_control("faults", switches)
    yield
    sample.settle(timeout=30)
    sample.backend_control("faults", dict.fromkeys(switches))


@contextmanager
def source(sample: "Sample", **switches: Any) -> Iterator[None]:
    """Let the provider misbehave until what happens in the block has come to rest."""
    sample.source_control("faults", switches)
    yield
    sample.settle(timeout=30)
    sample.source_control("faults", dict.fromkeys(switches))
