"""The discovery sample, which all these tests act on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from examples import discovery
from examples.discovery.sample import Sample


@pytest.fixture(scope="session")
def sample() -> Iterator[Sample]:
    with discovery.running(size=60) as one:
        yield one
