"""The section `database`: how the audited PostgreSQL is reached, and how its other users are spared."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from dsaudit.parameters.section import Section


class Polite(Section):
    """How reads give way to whoever else uses the server: one at a time, in small pieces."""

    rest: float = Field(4, ge=0)  # times as long as a read took nothing is read after it
    active: int = Field(8, ge=0)  # sessions of others at work; while there are more, nothing is read
    # Seconds that a replica may be behind; while it is more nothing is read, and a run that began so is never green.
    lag: float = Field(10, gt=0)


class Database(Section):
    """How the audited PostgreSQL is reached, and what must be true of it."""

    url_env: str
    identity: str | None = None  # "system identifier/database", pinned so that no other server is audited by mistake
    snapshot_age: int = Field(300, ge=10, le=3600)  # seconds
    statement_timeout: float = Field(60, gt=0)  # seconds
    polite: Polite | None = None  # also true or false; unless the file says, true in production

    @field_validator("polite", mode="before")
    @classmethod
    def _as_limits(cls, value: Any) -> Any:
        if not isinstance(value, (bool, dict, Polite)):
            raise ValueError("true, false, or a section with active, lag, rest is expected")
        return ({} if value else None) if isinstance(value, bool) else value


def polite_in_production(values: Any) -> Any:
    """Return a file's values, by which a production is read politely unless they say otherwise."""
    if not isinstance(values, dict) or values.get("environment") != "production":
        return values
    database = values.get("database")
    return {**values, "database": {"polite": True, **database}} if isinstance(database, dict) else values
