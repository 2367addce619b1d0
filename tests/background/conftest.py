"""The system of these tests: one that they only read, and new ones to damage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dsaudit import server
from tests.background.referrals import Referrals, running


@pytest.fixture(scope="session")
def clean(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Referrals]:
    with running(postgres.url, tmp_path_factory.mktemp("referrals") / "clean") as one:
        yield one


@pytest.fixture
def new(postgres: server.Server, tmp_path: Path) -> Iterator[Callable[..., Referrals]]:
    """Make a system, or several; `empty` ones have nothing in them."""
    with ExitStack() as stack:

        def make(name: str = "one", empty: bool = False) -> Referrals:
            return stack.enter_context(running(postgres.url, tmp_path / name, empty))

        yield make
