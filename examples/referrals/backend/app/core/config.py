"""Settings, read from the environment once, when a process starts."""

import os
from dataclasses import dataclass, field
from functools import cache

SYNC_SECONDS = {"development": 30.0, "production": 600.0}


@dataclass(frozen=True)
class Settings:
    environment: str
    database_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    partner_center_url: str
    partner_center_token: str = field(repr=False)
    partner_center_enabled: bool
    referral_sync_seconds: float
    log_level: str
    log_file: str | None
    faults_file: str | None

    @property
    def feature_flag_state(self) -> str:
        return "enabled" if self.partner_center_enabled else "disabled"


@cache
def get_settings() -> Settings:
    environment = os.environ.get("HUNTER_ENVIRONMENT", "development")
    default_seconds = SYNC_SECONDS.get(environment, SYNC_SECONDS["production"])
    return Settings(
        environment=environment,
        database_url=os.environ["HUNTER_DATABASE_URL"],
        broker_url=os.environ["HUNTER_BROKER_URL"],
        partner_center_url=os.environ["HUNTER_PARTNER_CENTER_URL"].rstrip("/"),
        partner_center_token=os.environ["HUNTER_PARTNER_CENTER_TOKEN"],
        partner_center_enabled=os.environ.get("HUNTER_PARTNER_CENTER_ENABLED", "false").lower() == "true",
        referral_sync_seconds=float(os.environ.get("HUNTER_REFERRAL_SYNC_SECONDS") or default_seconds),
        log_level=os.environ.get("HUNTER_LOG_LEVEL", "INFO").upper(),
        log_file=os.environ.get("HUNTER_LOG_FILE"),
        faults_file=os.environ.get("HUNTER_FAULTS_FILE"),
    )
