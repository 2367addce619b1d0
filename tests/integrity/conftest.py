"""The systems of these tests: one that all read, and others to damage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from dsaudit import server
from examples import discovery
from examples.discovery.sample import Sample
from tests.integrity.system import System, running


@pytest.fixture(scope="module")
def sample() -> Iterator[Sample]:
    """A small sample whose imports are looked at."""
    with discovery.running(size=60) as one:
        yield one


@pytest.fixture(scope="session")
def clean(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(postgres.url, tmp_path_factory.mktemp("discovery")) as one:
        yield one


@pytest.fixture
def new(postgres: server.Server, tmp_path: Path) -> Iterator[Callable[..., System]]:
    """Make a system, or several."""
    with ExitStack() as stack:

        def make(name: str = "one", **options: Any) -> System:
            return stack.enter_context(running(postgres.url, tmp_path / name, **options))

        yield make


@pytest.fixture(scope="module")
def new_module(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., System]]:
    """Make a system that a whole module damages once."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(running(postgres.url, tmp_path_factory.mktemp("module")))
