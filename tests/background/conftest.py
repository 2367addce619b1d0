"""The systems of these tests: tables to read or damage, and a broker with and without workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dsaudit import server
from tests.background.referrals import Referrals, running
from tests.background.systems import JOBS, OTHERS, Jobs, broker


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


@pytest.fixture(scope="session")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """A broker without any worker."""
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "jobs.py").write_text(JOBS, encoding="utf-8")
    (folder / "others.py").write_text(OTHERS, encoding="utf-8")
    with broker(folder) as url:
        yield Jobs(url, folder)


@pytest.fixture(scope="session")
def working(jobs: Jobs) -> Iterator[Jobs]:
    """The same broker with a worker of ours and one of another application."""
    with jobs.worker("one"), jobs.worker("other", "others", "others"):
        yield jobs
