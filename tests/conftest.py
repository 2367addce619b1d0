"""What all tests share."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from dsaudit import forkserver, server
from dsaudit.parameters import secret
from tests import forking, ledger
from tests.skips import pytest_make_collect_report, pytest_runtest_makereport

# A deadline would be an assertion on how long something takes.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")

# A shell lets what it starts in the background ignore them, and whatever that starts.
for ignored in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, lambda *_: None)  # a process that is started then is as in a terminal

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes: at the end one worker would be busy with it, and the others idle."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session", autouse=True)
def state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's own state out: workers would else wait for each other where only one run may act."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def forks(state_of_its_own: None) -> None:
    """Let kernels and the processes of samples be forked from one process, whichever of them is wanted first."""
    if forkserver.IS_USED:
        forking.begin()


@pytest.fixture(autouse=True)
def secrets_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the secrets that a test has met: they are masked in what this process says, and may be common words."""
    monkeypatch.setattr(secret, "_met", set(secret._met))


@pytest.fixture(scope="session")
def postgres() -> Iterator[server.Server]:
    """A PostgreSQL server for all tests of one worker."""
    with server.running() as one:
        yield one


@pytest.fixture
def changed(sample: Any) -> Iterator[Any]:
    """The sample of a module, healed once a test has changed it."""
    yield sample
    sample.heal()


@pytest.fixture
def new_ledger(postgres: server.Server, tmp_path: Path) -> Iterator[Callable[..., ledger.Ledger]]:
    """Make a ledger, or several."""
    with ExitStack() as stack:

        def make(name: str = "ledger", **options: bool) -> ledger.Ledger:
            return stack.enter_context(ledger.running(postgres.url, tmp_path / name, **options))

        yield make
