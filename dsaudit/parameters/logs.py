"""The section ``logs``: the files that the application itself logs to, a JSON object a line."""

from __future__ import annotations

from functools import cached_property
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from dsaudit.parameters.section import Names, Section

OWN = {"at": ["timestamp"], "level": ["level"], "message": ["message"]}
# As loggers of many languages call a failure, and pino and bunyan number it; then what is none.
ERRORS = [
    *("error", "err", "critical", "fatal", "exception", "severe", "alert", "emergency", "emerg", "panic"),
    *("50", "60"),
]
OTHERS = {
    *("trace", "debug", "verbose", "info", "information", "notice", "success", "warn", "warning"),
    *("10", "20", "30", "40"),
}
OPTIONAL = ("tenant", "resource", "source_id", "delivery_id", "error")


class Logs(Section):
    """The application's own log files: paths or patterns, `.gz` too, those that were rotated beside the present one.

    ``columns`` say under which key a line has what, several where lines differ (dotted paths, or names with dots in
    them): ``at``, ``level`` and ``message``, and where there are such ``tenant`` (its id, name or account),
    ``resource`` (its name, the raw table's type, or a webhook's topic), ``source_id`` (the record's, as the tables have
    it), ``delivery_id`` and ``error`` (an exception or its trace). ``errors`` are the levels that mean a failure.

    An audit reads no older lines than `policy.latency_days`, and no more than the newest `megabytes`. ``zone`` says in
    which time zone instants are that tell none, such as ``UTC`` or ``Europe/Berlin``.
    """

    files: Names = []
    files_env: str | None = None  # the variable that holds one more, for what is at another place each time
    columns: dict[str, Names] = Field({}, validate_default=True)
    errors: Names = ERRORS
    zone: str | None = None
    megabytes: int = Field(500, ge=1)  # of text; a minute or two

    @cached_property
    def error_levels(self) -> frozenset[str]:
        """The levels that mean a failure, in small letters."""
        return frozenset(one.lower() for one in self.errors)

    def is_known(self, level: str) -> bool:
        """Return whether it is known if a level means a failure."""
        return level in OTHERS or level in self.error_levels

    @field_validator("columns")
    @classmethod
    def _known(cls, given: dict[str, list[str]]) -> dict[str, list[str]]:
        unknown = next((name for name in given if name not in OWN and name not in OPTIONAL), None)
        if unknown:
            known = ", ".join([*OWN, *OPTIONAL])
            raise ValueError(f"{unknown} is nothing that dsaudit reads of a line; it reads {known}")
        return {**OWN, **given}

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, given: str | None) -> str | None:
        try:
            return ZoneInfo(given).key if given else None
        except (ValueError, OSError, KeyError):
            raise ValueError(f"no time zone is called {given}; UTC and Europe/Berlin are two") from None

    @model_validator(mode="after")
    def _somewhere(self) -> Logs:
        if not self.files and not self.files_env:
            raise ValueError("needs files or files_env")
        return self
