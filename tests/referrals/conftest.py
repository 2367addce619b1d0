"""The referrals, started once for each module; every test leaves the sample as it found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from examples import referrals
from examples.referrals.sample import Sample

INTERVAL = 2.0  # seconds between two scheduled syncs, which take one


@pytest.fixture(scope="module")
def sample() -> Iterator[Sample]:
    with referrals.running(interval=INTERVAL, rhythm=1) as one:
        yield one
