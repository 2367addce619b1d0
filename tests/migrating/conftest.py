"""The shops of these tests: a clean one that all read, and others to damage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dsaudit import server
from tests.migrating.projects import Shop, running


@pytest.fixture(scope="package")
def clean(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with running(postgres.url, tmp_path_factory.mktemp("shop")) as shop:
        shop.migrate()
        yield shop


@pytest.fixture
def new(postgres: server.Server, tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Make a shop, or several, whose database is empty or like that of another."""
    with ExitStack() as stack:
        yield lambda like=None: stack.enter_context(running(postgres.url, tmp_path / "shop", like))


@pytest.fixture
def shop(new: Callable[..., Shop]) -> Shop:
    """A shop whose database is empty."""
    return new()
