"""The small import service with its rules, its dashboard, its code and its table, shared by these tests."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dsaudit import server
from tests.integrity.system import System, running
from tests.watched.service import Service, serving

HERE = Path(__file__).parent


@dataclass
class Watched:
    """The service, its database, and the folder with its files."""

    system: System
    service: Service
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables that its parameter file names."""
        return {**self.system.environment, "SMALL_IMPORTS_METRICS": f"{self.service.url}/metrics"}

    @contextlib.contextmanager
    def edited(self, name: str, change: str, to: str) -> Iterator[None]:
        """Have a text of a file replaced for as long as the block; it has to be there."""
        path = self.folder / name
        before = path.read_text(encoding="utf-8")
        assert change in before, f"{name} has no {change}"
        path.write_text(before.replace(change, to), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(before, encoding="utf-8")


@pytest.fixture(scope="module")
def watched(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    shutil.copytree(HERE / "backend", folder / "backend")
    schema, parameters = ((HERE / name).read_text(encoding="utf-8") for name in ("schema.sql", "parameters.yml"))
    with running(postgres.url, folder, schema=f"{schema}", parameters=parameters, tables=()) as system:
        system.execute("grant select on listings to AUDITOR")
        with serving(lambda: float(system.one("select count(*) from listings where quality = 'partial'"))) as service:
            yield Watched(system, service, folder)


@pytest.fixture(autouse=True)
def nothing_wrong(watched: Watched) -> Iterator[None]:
    yield
    watched.service.faults.clear()
    watched.service.text = None
