"""What the sections of a parameter file are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

NAME = r"^[a-z][a-z0-9_-]{0,62}$"
WORDS = r"\S"
# Letters, digits and _; one that mixes small letters and digits at such a length is a token and no name.
VARIABLE = re.compile(r"(?!(?=.*[a-z])(?=.*[0-9])[A-Za-z0-9_]{20,}$)[A-Za-z_][A-Za-z0-9_]*")
ADDRESS = r"^https?://\S+$"
DAY = r"^\d{4}-\d{2}-\d{2}$"
# What is said of a text that does not match.
PATTERNS = {
    NAME: "{!r} is no name; small letters, digits, - and _ make one, a letter first",
    WORDS: "is empty; a few words are expected",
    ADDRESS: "is no address; one begins with https:// or http://",
    DAY: "is no day, such as 2026-12-31",
}
NO_SECRET = {"base_url_env", "files_env", "folder_env"}  # where something is, which reports may tell


class Misplaced(ValueError):
    """A mistake in what stands further inside than the section that sees it: under which keys, and what is wrong."""

    def __init__(self, keys: tuple[str | int, ...], words: str) -> None:
        super().__init__(words)
        self.keys = keys


def listed(value: Any) -> Any:
    """Return what is no list as a list of one, so that a value that is no text is told as such."""
    return value if isinstance(value, (list, dict)) else [value]


Names = Annotated[list[str], BeforeValidator(listed)]
Reason = Annotated[str, Field(pattern=WORDS)]


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no pattern: {error}; a sign that is meant as it is has a \\ before it") from None
    return value


def _day(value: Any) -> Any:
    if isinstance(value, datetime) or not isinstance(value, (date, str)):
        raise ValueError("a day is expected, such as 2026-12-31")
    return value


def _past(value: date) -> date:
    if value > date.today():
        raise ValueError(f"{value} is still to come")
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
PastDay = Annotated[date, BeforeValidator(_day), AfterValidator(_past)]


class Section(BaseModel):
    """What all sections share: an unknown key is an error, since a typing mistake must not mean fewer checks."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true where a number is expected: it would count as 1."""
        if isinstance(value, bool) and info.field_name:
            annotation = cls.model_fields[info.field_name].annotation
            if {int, float, Decimal} & set(get_args(annotation) or (annotation,)):
                raise ValueError("a number is expected, and YAML reads this as true or false")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _no_secret(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what looks like the secret itself where the name of a variable belongs; it is not repeated."""
        if str(info.field_name).endswith("_env") and isinstance(value, str) and not VARIABLE.fullmatch(value):
            raise ValueError("the name of an environment variable is expected, never what it holds")
        return value


def secrets_of(section: Any) -> Iterator[str]:
    """Yield the names of variables that hold secrets, of a section and all that is inside it."""
    if isinstance(section, Section):
        for key in type(section).model_fields:
            value = getattr(section, key)
            if key.endswith("_env") and key not in NO_SECRET:
                yield from [value] if value else []
            else:
                yield from secrets_of(value)
    elif isinstance(section, (list, dict)):
        for one in section.values() if isinstance(section, dict) else section:
            yield from secrets_of(one)
