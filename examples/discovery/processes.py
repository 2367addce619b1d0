"""The process of the sample: the app's API."""

from collections.abc import Mapping
from pathlib import Path

from examples.processes import Process, uvicorn

BACKEND = Path(__file__).resolve().parent / "backend"


def start_api(code: Path, log: Path, variables: Mapping[str, str]) -> Process:
    return Process("API", "/healthz", uvicorn(code), lambda _: variables, log)
