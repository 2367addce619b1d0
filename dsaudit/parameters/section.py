"""What the sections of a parameter file are made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

NAME = r"^[a-z][a-z0-9_-]{0,62}$"


class Misplaced(ValueError):
    """A mistake in what stands further inside than the section that sees it: under which keys, and what is wrong."""

    def __init__(self, keys: tuple[str | int, ...], words: str) -> None:
        super().__init__(words)
        self.keys = keys


def listed(value: Any) -> Any:
    """Return what is no list as a list of one, so that a value that is no text is told as such."""
    return value if isinstance(value, (list, dict)) else [value]


Names = Annotated[list[str], BeforeValidator(listed)]
Reason = Annotated[str, Field(pattern=r"\S")]


class Section(BaseModel):
    """What all sections share: an unknown key is an error, since a typing mistake must not mean fewer checks."""

    model_config = ConfigDict(extra="forbid", frozen=True)
