"""A broker of these tests, and workers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.background.systems import JOBS, OTHERS, Jobs, broker


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
