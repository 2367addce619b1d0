"""What all sections of the parameter file share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def listed(value: Any) -> Any:
    """Return a single text as a list of one; everything else as it is."""
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(listed)]
Reason = Annotated[str, Field(pattern=r"\S")]


class Section(BaseModel):
    """What all sections share: an unknown key is an error, since a typing mistake must not mean fewer checks."""

    model_config = ConfigDict(extra="forbid", frozen=True)
