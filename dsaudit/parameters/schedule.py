"""The section ``schedule``: when the sync begins by itself, as it is documented, and where the schedule stands."""

from __future__ import annotations

import re
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from dsaudit.parameters.section import Section

NAMES = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun"
VALUE = rf"(?:\d{{1,2}}|(?:{NAMES})[a-z]*)"
PART = rf"(?:\*|{VALUE}(?:-{VALUE})?)(?:/\d{{1,2}})?"
CRONTAB_FIELD = re.compile(rf"{PART}(?:,{PART})*", re.IGNORECASE)


class Schedule(Section):
    """The entry of the schedule that begins the sync, with its documented interval for this environment.

    The interval is `seconds`, or a `crontab` of five fields such as ``"*/10 * * * *"``: minute, hour, day of the month,
    month, day of the week, all of which have to fit, in the time zone `zone`. `from` says where the schedule is read:
    ``worker`` (the configuration that the workers run with), ``code`` (the schedule in the code's folder, read and
    never run), ``table`` (django-celery-beat's tables) or ``redbeat`` (its keys in the broker).

    To see it fire by itself, `cycles` intervals are watched; an interval may differ by `tolerance_percent` of itself.
    """

    entry: str = Field(min_length=1)
    seconds: float | None = Field(None, gt=0)
    crontab: str | None = None
    zone: str = "UTC"  # Celery's own, unless its setting `timezone` says otherwise
    from_: Literal["worker", "code", "table", "redbeat"] = Field("worker", alias="from")
    tolerance_percent: float = Field(20, ge=0, le=100)
    cycles: int = Field(2, ge=1, le=20)

    @field_validator("crontab")
    @classmethod
    def _five_fields(cls, given: str | None) -> str | None:
        fields = (given or "").split()
        if given is not None and (len(fields) != 5 or not all(map(CRONTAB_FIELD.fullmatch, fields))):
            raise ValueError('five fields are expected, such as "*/10 * * * *"')
        return " ".join(fields) or None

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, given: str) -> str:
        try:
            return ZoneInfo(given).key
        except (ValueError, OSError, KeyError):
            raise ValueError(f"no time zone is called {given}; UTC and Europe/Berlin are two") from None

    @model_validator(mode="after")
    def _one_interval(self) -> Schedule:
        if (self.seconds is None) == (self.crontab is None):
            raise ValueError("give its interval once, as seconds or as a crontab")
        return self
