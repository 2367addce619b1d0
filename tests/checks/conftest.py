"""The sample, started once for each worker of the test run; a fault is planted in a clone of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.checks.auditing import Verdicts, verdicts
from tests.checks.stories import Damaged


@pytest.fixture(scope="session")
def sample() -> Iterator[Any]:
    """The running storefront; tests only read it."""
    from examples.storefront import running

    with running() as one:
        yield one


@pytest.fixture(scope="session")
def clean(sample: Any) -> Verdicts:
    """The verdict of every check on the clean sample."""
    return verdicts(sample.parameters, sample.environment)


@pytest.fixture(scope="session")
def damaged(sample: Any) -> Iterator[Damaged]:
    """A clone with several faults, for tests that tell the stories of their records."""
    with sample.clone() as clone:
        yield Damaged(clone)
