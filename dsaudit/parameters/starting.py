"""How a sync is started: the request to the integration that a run sends when it is asked to act."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from dsaudit.parameters.section import Section

PLACEHOLDERS = ("tenant", "id", "account", "resource")


class Start(Section):
    """The request that has the integration sync one resource of one tenant, as its own schedule does.

    In `url` and in every text of `body` stand placeholders: ``{tenant}``, ``{id}`` and ``{account}`` of the tenant,
    ``{resource}`` as the table of sync runs calls it. `token_env` is sent as a bearer token. It is done only when a run
    is asked to (``--live``), and never in production. A run that did not end within `wait_seconds` is not judged.
    """

    url: str | None = Field(None, pattern=r"^https?://\S+$")
    url_env: str | None = None
    method: Literal["POST", "PUT", "GET"] = "POST"
    body: dict[str, Any] | None = None
    token_env: str | None = None
    wait_seconds: float = Field(60, gt=0, le=600)

    @field_validator("url", "body")
    @classmethod
    def _known(cls, given: Any) -> Any:
        named = re.findall(r"\{(\w+)\}", " ".join(_texts(given)))
        unknown = next((name for name in named if name not in PLACEHOLDERS), None)
        if unknown:
            raise ValueError(f"{{{unknown}}} is no placeholder; there are {', '.join(PLACEHOLDERS)}")
        return given

    @model_validator(mode="after")
    def _addressed(self) -> Start:
        if bool(self.url) == bool(self.url_env):
            raise ValueError("give the address, as url or as url_env")
        return self


def _texts(given: Any) -> list[str]:
    if isinstance(given, dict):
        given = [*given.values()]
    return [text for one in given for text in _texts(one)] if isinstance(given, list) else [str(given)]
