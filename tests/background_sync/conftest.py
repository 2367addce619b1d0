"""The sample of a scheduled sync, started once for each worker of the test run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def referrals() -> Iterator[Any]:
    """The running referrals; whoever plants a fault heals it."""
    from examples.referrals import running

    with running() as one:
        yield one
