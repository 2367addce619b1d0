"""The two processes of the sample: the marketplace, and the app's API."""

from collections.abc import Mapping
from pathlib import Path

from examples.processes import Process, uvicorn

BACKEND = Path(__file__).resolve().parent / "backend"


def start_marketplace(log: Path, seed: int) -> Process:
    def command(port: int) -> list[str]:
        return ["examples.listings.marketplace", "--port", str(port), "--seed", str(seed)]

    return Process("marketplace", "/healthz", command, lambda _: {}, log)


def start_api(code: Path, log: Path, variables: Mapping[str, str]) -> Process:
    """The app's API; `code` may be a copy of it."""
    return Process("API", "/healthz", uvicorn(code), lambda _: variables, log)
