"""How something is done to the system under audit: a request, or a command. There is one way to declare either."""

from __future__ import annotations

import os
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from dsaudit.parameters.secret import from_environment, is_protected
from dsaudit.parameters.section import ADDRESS, Section

LONGEST_WAIT = 600.0  # seconds


def below(value: str | None) -> str | None:
    """Refuse a path that would lead a token to another host."""
    if value and ("://" in value or value.startswith("//")):
        raise ValueError("is a path below the address; a token goes to no other host")
    return value


class Action(Section):
    """A request or a command by which the system is changed, by a run alone that is asked to act, never in production.

    A request goes to `url`, or to the address that the variable `url_env` holds, and there to `path`; `token_env` is
    sent with it as a bearer token. `command` is a program and its arguments, run without a shell in the folder above
    the parameter file's. Either is given `wait_seconds`; a command that takes longer is ended, with all that it
    started.
    """

    url: str | None = Field(None, pattern=ADDRESS)
    url_env: str | None = None
    path: str = ""
    command: list[str] | None = Field(None, min_length=1)
    method: Literal["POST", "PUT", "PATCH", "DELETE", "GET"] = "POST"
    body: dict[str, Any] | None = None
    token_env: str | None = None
    wait_seconds: float = Field(60, gt=0, le=LONGEST_WAIT)

    _below = field_validator("path")(below)

    @model_validator(mode="after")
    def _one_way(self) -> Action:
        if sum(map(bool, (self.url, self.url_env, self.command))) != 1:
            raise ValueError("give one way to do it: the address, as url or as url_env, or a command")
        of_request = sorted(self.model_fields_set & {"method", "body", "path", "token_env"})
        if self.command and of_request:
            raise ValueError(f"{of_request[0]} is of a request, and there is a command")
        return self

    @property
    def lacking(self) -> str | None:
        """The first of its variables that is not set, or None."""
        return next((name for name in (self.url_env, self.token_env) if name and not os.environ.get(name)), None)

    @property
    def address(self) -> str:
        """Where a request goes; raises `SecretMissing` where a variable is not set."""
        return joined(self.url, self.url_env, self.path)


def joined(url: str | None, url_env: str | None, path: str) -> str:
    """Return a path below an address; raises `SecretMissing` where a variable is not set."""
    base = url or from_environment(url_env or "").reveal()
    return f"{base.rstrip('/')}/{path.lstrip('/')}" if path else base


def why_unprotected(has_token: bool, address: str, environment: str) -> str | None:
    """Return why a token may not be sent to an address, or None."""
    if has_token and environment != "development" and not is_protected(address):
        return "outside development a token is sent over https alone"
    return None
