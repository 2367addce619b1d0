"""The two processes of the sample, and what prepares their database."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from dsaudit.attached import tied
from examples import databases
from examples.control import SampleError
from examples.processes import Process, end_of, surroundings

BACKEND = Path(__file__).resolve().parent / "backend"

# What the servers import and no fault edits: everything but the integration's own code.
PRELOADED = [
    "examples.storefront.source.application",
    "uvicorn.main",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.h11_impl",
    "starlette.applications",
    "httpx",
    "greenlet",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.orm",
]


def _forks(often: bool) -> list[str] | None:
    return PRELOADED if often else None


def start_source(data: Path, options: list[str], variables: Mapping[str, str], often: bool = False) -> Process:
    """The provider's side, on the objects in a file that is made if it is not there."""

    def command(port: int) -> list[str]:
        return ["examples.storefront.source", "--port", str(port), "--data", str(data), *options]

    return Process("source", "/_control/status", command, lambda _: variables, data.with_suffix(".log"), _forks(often))


def start_backend(log: Path, variables: Mapping[str, str], code: Path = BACKEND, often: bool = False) -> Process:
    """The integration, started the way its own developers do; `code` may be a copy of it."""

    def command(port: int) -> list[str]:
        server = ["uvicorn", "app.main:app", "--app-dir", str(code), "--host", "127.0.0.1"]
        return [*server, "--port", str(port), "--log-level", "warning", "--timeout-graceful-shutdown", "2"]

    def with_own_address(port: int) -> dict[str, str]:
        return {**variables, "PUBLIC_URL": f"http://127.0.0.1:{port}"}

    return Process("backend", "/healthz", command, with_own_address, log, _forks(often))


class Migrations:
    """Alembic's script up to the newest revision; it is written at once, while the database may still be starting."""

    def __init__(self, folder: Path) -> None:
        self.script, self.log = folder / "migrations.sql", folder / "migrations.log"
        command = [*tied("KILL"), sys.executable, "-m", "alembic", "upgrade", "head", "--sql"]
        with self.script.open("wb") as script, self.log.open("wb") as log:
            self.writer = subprocess.Popen(
                command, cwd=BACKEND, env=surroundings(), stdin=subprocess.DEVNULL, stdout=script, stderr=log
            )

    def run(self, owner_url: str) -> None:
        if self.writer.wait():
            raise SampleError(f"the migrations failed; the end of their log: {end_of(self.log)}")
        databases.execute(owner_url, self.script.read_text(encoding="utf-8"))

    def stop(self) -> None:
        self.writer.kill()
        self.writer.wait()
