"""What is known of the source's behaviour, so that a difference can be explained by it. All of it is optional."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dsaudit.parameters.section import Section


class Aged(Section):
    """Without this scope the source shows no record that was created more than so many days ago."""

    scope: str
    days: int = Field(ge=1)


class Known(Section):
    """Facts of one resource that no table and no answer of the source tells; without them no cause rests on them."""

    created: str | None = None  # path of the time of creation in the source's record
    aged: Aged | None = None  # where the file is silent, the catalogue's; null says that there is nothing of the kind
    by_default: dict[str, Any] = {}  # path and value of what the source lists where it is asked for nothing else
    left_out: dict[str, Any] = {}  # path and value of what the integration leaves out by policy, such as {test: true}
    merged: str | None = None  # path, in the record that remained, of the ids of those that were merged into it
