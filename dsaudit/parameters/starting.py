"""How a sync is started: the request to the integration, or the command, of a run that is asked to act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import field_validator

from dsaudit.parameters.action import Action, why_unprotected
from dsaudit.parameters.filling import placeholders

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters

PLACEHOLDERS = ("tenant", "id", "account", "resource")


class Start(Action):
    """The request or the command that has the integration sync one resource of one tenant, as its own schedule does.

    In `url`, `path` and in every text of `body` and `command` (``[bin/sync, --shop, "{account}"]``) stand placeholders:
    ``{tenant}``, ``{id}`` and ``{account}`` of the tenant, ``{resource}`` as the table of sync runs calls it. Where a
    command ends with another code than 0 the sync has failed, and the end of what it said stands in the rows, masked.
    Either is done only when a run is asked to (``--live``, `allow_actions`), and never in production. A run that did
    not end within `wait_seconds` is not judged.
    Resources with one sync function are asked for once, and again one by one, if `{resource}` is used, where no run of
    theirs began. A run that the integration's own schedule begins meanwhile is taken for the one that was started.
    """

    @field_validator("url", "path", "body", "command")
    @classmethod
    def _known(cls, given: Any) -> Any:
        unknown = next((name for name in sorted(placeholders(given)) if name not in PLACEHOLDERS), None)
        if unknown:
            raise ValueError(f"{{{unknown}}} is no placeholder; there are {', '.join(PLACEHOLDERS)}")
        return given


def why_not_started(parameters: Parameters, given: Start) -> str | None:
    """Return why no sync may be started as `given` declares, or None."""
    if parameters.environment == "production":
        return "a sync is not started in production; audit a staging system with it"
    return why_unprotected(bool(given.token_env), given.url, parameters.environment) if given.url else None
