"""Asks the integration for one sync, by a request or by a command, and says what its answer means."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from dsaudit.background.calls import Answered, NotCalled, executed, requested
from dsaudit.parameters.filling import filled, placeholders
from dsaudit.parameters.secret import SecretMissing

if TYPE_CHECKING:
    from dsaudit.parameters import Parameters, Tenant
    from dsaudit.parameters.starting import Start

# By these an endpoint says that it does not know us, or not now; a redirect says as little. None is a sync's failure.
NOT_TAKEN = {401, 403, 404, 405, 407, 408, 409, 410, 425, 429, 502, 503, 504}
NOT_RUN = {125, 126, 127}  # by these a shell, or what starts containers, says that the command itself did not run

Means = Literal["taken", "refused", "turned away", "failed", "stopped", "open"]


@dataclass(frozen=True)
class Answer:
    """What the integration answered, and in which words.

    means: taken; refused; turned away (for a reason that says nothing of the sync); failed (a command that ended so);
    stopped (a command that took too long); open (it was not asked, or the sync may still be under way).
    """

    means: Means
    told: str
    output: str = ""


class NotStarted(Exception):
    """Why a sync could not be asked for, in a few words."""


def names_resource(given: Start) -> bool:
    """Return whether what is asked for names the resource."""
    address = given.url or (os.environ.get(given.url_env, "") if given.url_env else "")
    return "resource" in placeholders([address, given.path, given.body, given.command])


def ask(parameters: Parameters, given: Start, tenant: Tenant, resource: str) -> Answer:
    """Ask for a sync of a resource, as its table of runs calls it, and return what is answered.

    Raises
    ------
    NotStarted
        Nobody was asked.
    """
    texts = {"tenant": tenant.name, "id": str(tenant.id), "account": tenant.account or "", "resource": resource}
    try:
        if given.command:
            command = [filled(word, lambda name: texts[name]) for word in given.command]
            return _of_command(executed(parameters, command, given.wait_seconds))
        target = filled(given.address, lambda name: quote(texts[name], safe="") if name in texts else f"{{{name}}}")
        body = filled(given.body, lambda name: texts[name])
        return _of_request(requested(parameters, given.method, target, body, given.token_env, given.wait_seconds))
    except (NotCalled, SecretMissing) as error:
        raise NotStarted(str(error).splitlines()[0]) from None


def _of_request(answered: Answered) -> Answer:
    status = answered.status
    if status is None:
        return Answer("open", answered.told)  # or when the sync has ended, or not at all: its run tells
    if status < 300:
        return Answer("taken", answered.told)
    return Answer("turned away" if status < 400 or status in NOT_TAKEN else "refused", answered.told)


def _of_command(answered: Answered) -> Answer:
    if answered.code is None:
        return Answer("stopped", answered.told)
    if answered.code == 0:
        return Answer("taken", answered.told)
    return Answer("turned away" if answered.code in NOT_RUN else "failed", answered.told, answered.output)
