"""How a sync is started: the request to the integration, or the command, of a run that is asked to act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator, model_validator

from dsaudit.parameters.filling import placeholders
from dsaudit.parameters.secret import is_protected
from dsaudit.parameters.section import ADDRESS, Section

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters

LONGEST_WAIT = 600.0  # seconds
PLACEHOLDERS = ("tenant", "id", "account", "resource")


class Start(Section):
    """The request or the command that has the integration sync one resource of one tenant, as its own schedule does.

    In `url` and in every text of `body` and `command` stand placeholders: ``{tenant}``, ``{id}`` and ``{account}`` of
    the tenant, ``{resource}`` as the table of sync runs calls it. `token_env` is sent as a bearer token. `command` is a
    program and its arguments (``[bin/sync, --shop, "{account}"]``), run without a shell in the folder above the
    parameter file's: where it ends with another code than 0 the sync has failed, and the end of what it said stands in
    the rows, masked; it is ended after `wait_seconds`. Either is done only when a run is asked to (``--live``), and
    never in production. A run that did not end within `wait_seconds` is not judged.
    Resources with one sync function are asked for once, and again one by one, if `{resource}` is used, where no run of
    theirs began. A run that the integration's own schedule begins meanwhile is taken for the one that was started.
    """

    url: str | None = Field(None, pattern=ADDRESS)
    url_env: str | None = None
    command: list[str] | None = Field(None, min_length=1)
    method: Literal["POST", "PUT", "GET"] = "POST"
    body: dict[str, Any] | None = None
    token_env: str | None = None
    wait_seconds: float = Field(60, gt=0, le=LONGEST_WAIT)

    @field_validator("url", "body", "command")
    @classmethod
    def _known(cls, given: Any) -> Any:
        unknown = next((name for name in sorted(placeholders(given)) if name not in PLACEHOLDERS), None)
        if unknown:
            raise ValueError(f"{{{unknown}}} is no placeholder; there are {', '.join(PLACEHOLDERS)}")
        return given

    @model_validator(mode="after")
    def _addressed(self) -> Start:
        if sum(map(bool, (self.url, self.url_env, self.command))) != 1:
            raise ValueError("give one way to start it: the address, as url or as url_env, or a command")
        of_request = sorted(self.model_fields_set & {"method", "body", "token_env"})
        if self.command and of_request:
            raise ValueError(f"{of_request[0]} is of a request, and there is a command")
        return self


def why_not_started(parameters: Parameters, given: Start) -> str | None:
    """Return why no sync may be started as `given` declares, or None."""
    if parameters.environment == "production":
        return "a sync is not started in production; audit a staging system with it"
    return why_unprotected(given, given.url, parameters.environment) if given.url else None


def why_unprotected(given: Start, address: str, environment: str) -> str | None:
    """Return why the token may not be sent to an address, or None."""
    if given.token_env and environment != "development" and not is_protected(address):
        return "outside development a token is sent over https alone"
    return None
