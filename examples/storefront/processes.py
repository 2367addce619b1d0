"""The two processes of the sample."""

from collections.abc import Mapping
from pathlib import Path

from examples.processes import Process

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
