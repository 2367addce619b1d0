"""What is accepted although it is not green: by the whole gate, or check by check until a day."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field, field_validator

from dsaudit.parameters.section import DAY, Reason, Section


class Gate(Section):
    """Whether what is not green, and not failed either, blocks a GO."""

    waived: Literal["accept", "refuse"] = "accept"
    skipped: Literal["accept", "refuse"] = "accept"


class Waiver(Section):
    """A failing check that is accepted for a while, by somebody, for a reason."""

    check: str
    reason: Reason
    owner: Reason
    expires: str = Field(pattern=DAY)
    scope: dict[str, str] = {}

    @field_validator("expires", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return value.isoformat() if hasattr(value, "isoformat") else value

    @field_validator("expires")
    @classmethod
    def _is_a_day(cls, value: str) -> str:
        try:
            date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value} is no day of the calendar") from None
        return value
