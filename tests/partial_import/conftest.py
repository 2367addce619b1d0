"""The sample of partial imports, started once for each worker of the test run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def listings() -> Iterator[Any]:
    """The running listings; whoever plants a fault heals it."""
    from examples.listings import running

    with running() as one:
        yield one
