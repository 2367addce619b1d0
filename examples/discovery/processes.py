"""The process of the sample: the app's API."""

from collections.abc import Mapping
from pathlib import Path

from examples.processes import Process

BACKEND = Path(__file__).resolve().parent / "backend"


def start_api(code: Path, log: Path, variables: Mapping[str, str]) -> Process:
    """The app's API, started the way its own developers do; `code` may be a copy of it."""

    def command(port: int) -> list[str]:
        server = ["uvicorn", "app.main:app", "--app-dir", str(code), "--host", "127.0.0.1", "--port", str(port)]
        return [*server, "--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "2"]

    return Process("API", "/healthz", command, lambda _: variables, log)
