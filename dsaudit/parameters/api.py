"""The section ``api``: the integration's own endpoints, for its health and for a sync that is asked for by hand."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dsaudit.parameters.action import below, joined
from dsaudit.parameters.section import ADDRESS, Section, listed

Refusal = Annotated[int, Field(ge=400, le=599)]


class Request(Section):
    """One request to the integration: a path below its address, and what is sent."""

    path: str = Field(min_length=1)
    method: Literal["POST", "PUT", "PATCH", "GET"] = "POST"
    body: dict[str, Any] | None = None

    _below = field_validator("path")(below)


class Api(Section):
    """The integration's own API.

    `health` is the path that answers 200 while the integration is well. `sync` is the request that queues a sync, sent
    by a run alone that is asked to act; `task_id` is the path in its answer where the id of the queued task stands, and
    `refused` are the statuses by which it refuses while the flag is off. `token_env` is sent with both as a bearer
    token. Messages and reports name the variable and not the address.
    """

    url: str | None = Field(None, pattern=ADDRESS)
    url_env: str | None = None
    token_env: str | None = None
    health: str | None = Field(None, min_length=1)
    sync: Request | None = None
    task_id: str = "task_id"
    refused: Annotated[list[Refusal], BeforeValidator(listed)] = Field([400], min_length=1)
    wait_seconds: float = Field(10, gt=0, le=120)

    _below = field_validator("health")(below)

    @model_validator(mode="after")
    def _addressed(self) -> Api:
        if bool(self.url) == bool(self.url_env):
            raise ValueError("give its address once, as url or as url_env")
        return self

    def address(self, path: str) -> str:
        """Return where a path of it is; raises `SecretMissing` where its variable is not set."""
        return joined(self.url, self.url_env, path)
