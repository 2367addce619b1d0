"""Settings, read from the environment once, when a process starts."""

import os
from dataclasses import dataclass, field
from functools import cache


@dataclass(frozen=True)
class Settings:
    database_url: str = field(repr=False)
    api_token: str = field(repr=False)
    workers: int
    fetch_seconds: float
    faults_file: str | None


@cache
def get_settings() -> Settings:
    return Settings(
        database_url=os.environ["LISTINGS_DATABASE_URL"],
        api_token=os.environ["LISTINGS_API_TOKEN"],
        workers=int(os.environ.get("LISTINGS_WORKERS", "8")),
        fetch_seconds=float(os.environ.get("LISTINGS_FETCH_SECONDS", "10")),
        faults_file=os.environ.get("LISTINGS_FAULTS_FILE"),
    )
