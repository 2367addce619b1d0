"""The listings, started once; every test that changes the sample heals it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from examples import listings
from examples.listings.sample import Sample


@pytest.fixture(scope="package")
def sample() -> Iterator[Sample]:
    with listings.running() as one:
        yield one
