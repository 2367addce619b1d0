"""The section ``logs``: the files that the application itself logs to, a JSON object a line."""

from __future__ import annotations

from functools import cached_property
from typing import Literal
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

Ended = Literal["completed", "failed", "skipped"]
Counted = Literal["fetched", "added", "updated", "skipped", "failed"]


class RunLines(Section):
    """The lines that tell how a run of the sync ended: by which messages they are known, and what each has to say.

    ``fields`` are what such a line has to have, by path, each with its type. ``counts`` say which of them is which
    figure of the history of runs (`syncs.columns`); what is counted under the names below needs no mention.
    """

    messages: dict[Ended, Names] = Field(min_length=1)
    task_id: str | None = None  # where the id of the run's task stands
    fields: dict[str, Literal["text", "number", "integer", "boolean"]] = {}
    counts: dict[Counted, str] = {"added": "new", "updated": "updated", "skipped": "skipped"}

    def ended(self, message: str) -> Ended | None:
        """Return how a run ended by what a line says, None where it is no such line."""
        return next((how for how, messages in self.messages.items() if message in messages), None)

    @property
    def paths(self) -> list[str]:
        """What is kept of such a line."""
        return list(dict.fromkeys([*self.fields, *self.counts.values()]))


class Logs(Section):
    """The application's own log files: paths or patterns, `.gz` too, those that were rotated beside the present one.

    ``columns`` say under which key a line has what, several where lines differ (dotted paths, or names with dots in
    them): ``at``, ``level`` and ``message``, and where there are such ``tenant`` (its id, name or account),
    ``resource`` (its name, the raw table's type, or a webhook's topic), ``source_id`` (the record's, as the tables have
    it), ``delivery_id`` and ``error`` (an exception or its trace). ``errors`` are the levels that mean a failure.

    Instead of files there may be a ``command`` (a program and its arguments, run without a shell in the folder above
    the parameter file's) whose output is the log, such as ``[docker, compose, logs, --since, 168h, worker]``. It is
    ended after `command_seconds`. Whatever stands before the ``{`` of a line, such as ``worker-1  | ``, is passed over.

    An audit reads no older lines than `policy.latency_days`, and no more than the newest `megabytes`. ``zone`` says in
    which time zone instants are that tell none, such as ``UTC`` or ``Europe/Berlin``.
    """

    files: Names = []
    files_env: str | None = None  # the variable that holds one more, for what is at another place each time
    command: list[str] | None = Field(None, min_length=1)
    command_seconds: float = Field(60, gt=0, le=600)
    columns: dict[str, Names] = Field({}, validate_default=True)
    runs: RunLines | None = None
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
        if not self.files and not self.files_env and not self.command:
            raise ValueError("needs files, files_env or command")
        if self.command and (self.files or self.files_env):
            raise ValueError("command is in the place of files; give one of them")
        return self
