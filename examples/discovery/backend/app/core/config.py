"""Settings, read from the environment once, when a process starts."""

import os
from dataclasses import dataclass, field
from functools import cache


@dataclass(frozen=True)
class Settings:
    database_url: str = field(repr=False)
    migrations_url: str = field(repr=False)
    api_token: str = field(repr=False)
    faults_file: str | None


@cache
def get_settings() -> Settings:
    return Settings(
        database_url=os.environ["DISCOVERY_DATABASE_URL"],
        migrations_url=os.environ["DISCOVERY_MIGRATIONS_URL"],
        api_token=os.environ["DISCOVERY_API_TOKEN"],
        faults_file=os.environ.get("DISCOVERY_FAULTS_FILE"),
    )
