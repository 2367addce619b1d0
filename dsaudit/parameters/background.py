"""What the sections of a background sync need of each other, and what no file may let a run do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit.parameters.action import Action, why_unprotected
from dsaudit.parameters.section import Misplaced

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters

Keys = tuple[str, ...]
ENDS = ("begin", "end")


def actions(parameters: Parameters) -> Iterator[tuple[Keys, Action]]:
    """Yield what the file lets a run do to the flag and to the source, with where each stands in it."""
    for section, names in (("flag", ("off", "on")), ("outage", ENDS), ("bad_record", ENDS)):
        for name in names:
            action = getattr(getattr(parameters, section), name, None)
            if action:
                yield (section, name), action
    if parameters.new_record:
        yield ("new_record",), parameters.new_record


def acts(parameters: Parameters) -> bool:
    """Return whether the file declares anything at all that a run does only when it is asked to act."""
    syncs, api = parameters.syncs, parameters.api
    return bool(
        parameters.live
        or (syncs and syncs.run)
        or (api and api.sync)
        or parameters.worker
        or parameters.push
        or parameters.flows
        or next(actions(parameters), None)
    )


def mistakes(parameters: Parameters) -> Iterator[Misplaced]:
    """Yield what does not fit together, with where it stands."""
    if parameters.allow_actions and parameters.environment == "production":
        yield Misplaced(("allow_actions",), "nothing acts in production; take it away, or audit a staging system")
    yield from _needs(parameters)
    api = parameters.api
    if api and api.url and (problem := why_unprotected(bool(api.token_env), api.url, parameters.environment)):
        yield Misplaced(("api", "url"), problem)
    for keys, action in actions(parameters):
        if action.url and (problem := why_unprotected(bool(action.token_env), action.url, parameters.environment)):
            yield Misplaced((*keys, "url"), problem)


def _needs(parameters: Parameters) -> Iterator[Misplaced]:
    """Yield the sections that need another one, which is not there."""
    flag, schedule = parameters.flag, parameters.schedule
    if flag and flag.shown and not (parameters.api and parameters.api.health):
        yield Misplaced(("flag", "shown"), "needs `api.health`, whose answer tells the state")
    if schedule and schedule.from_ in ("worker", "redbeat") and not parameters.worker:
        what = "whose configuration is read" if schedule.from_ == "worker" else "whose broker has the keys"
        yield Misplaced(("schedule", "from"), f"{schedule.from_} needs the section `worker`, {what}")
    if schedule and schedule.from_ == "code" and not parameters.code:
        yield Misplaced(("schedule", "from"), "code needs the section `code`, whose folder is read")
