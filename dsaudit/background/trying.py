"""Tries the ways into a background sync, as `dsaudit check` tells them: nothing is done by it but asking."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit import codebase
from dsaudit.background.broker import BrokerError, connected
from dsaudit.background.calls import Answered, health
from dsaudit.background.schedule import Entry, ScheduleError, entries, is_as_documented
from dsaudit.source.reading import value_at
from dsaudit.verdict.card import plural
from dsaudit.wording import did_you_mean, span

if TYPE_CHECKING:
    from dsaudit.parameters import Parameters
    from dsaudit.parameters.action import Action
    from dsaudit.parameters.schedule import Schedule

Way = tuple[tuple[str, ...], bool | None, str]  # where it stands in the file, whether it is open, in words
MOST_SHOWN = 40  # characters of what the API shows of a flag
SURELY_ON = ("on", "true", "enabled", "1", "yes")
DISTURBED = {
    "outage": "the source would be made to refuse for a while",
    "bad_record": "the source would be made to serve a record that cannot be taken",
}


def ways(parameters: Parameters) -> Iterator[Way]:
    """Yield for each section whether what it describes answers, and what a run that acts would do with it."""
    answered = health(parameters) if parameters.api and parameters.api.health else None
    if parameters.api:
        yield from _api(parameters, answered)
    if parameters.worker:
        yield from _worker(parameters)
    if parameters.schedule:
        yield _schedule(parameters, parameters.schedule)
    if parameters.flag:
        yield from _flag(parameters, answered)
    for name, does in DISTURBED.items():
        if given := getattr(parameters, name):
            yield _acts(parameters, (name,), {"begin": given.begin, "end": given.end}, does)
    if parameters.new_record:
        yield _acts(parameters, (), {"new_record": parameters.new_record}, "a record would be made at the source")


def _api(parameters: Parameters, answered: Answered | None) -> Iterator[Way]:
    api = parameters.api
    assert api is not None
    if answered is None:
        yield ("api",), True, "given; without health nothing is asked"
    else:
        taken = f" in {span(round(answered.seconds, 3))}" if answered.status else ""
        yield ("api", "health"), answered.is_done, f"{api.health}: {answered.told}{taken}"
    if api.sync:
        does = f"a sync would be asked for ({api.sync.method} {api.sync.path})"
        yield ("api", "sync"), True, _when(parameters, does)


def _worker(parameters: Parameters) -> Iterator[Way]:
    worker = parameters.worker
    assert worker is not None
    try:
        with connected(parameters) as broker:
            names, ours, queued = broker.workers(), broker.ours(), broker.queued()
    except BrokerError as error:
        yield ("worker",), False, str(error)
        return
    waiting = "" if queued is None else f"; {plural(queued, 'message')} waiting in {worker.queue}"
    told = f"{plural(len(names), 'worker')} {'answers' if len(names) == 1 else 'answer'}"
    if not names:
        yield ("worker",), False, f"the broker answers, and no worker does{waiting}"
    elif not ours:
        yield (
            ("worker", "task"),
            False,
            f"{told}, and none knows {worker.task}{waiting}",
        )
    else:
        known = f"{len(ours)} of them with {worker.task}" if len(names) > 1 else f"with {worker.task}"
        yield ("worker",), True, f"{told}, {known}{waiting}"
        yield ("worker", "task"), True, _when(parameters, "the task would be queued, and one that runs be killed")


def _schedule(parameters: Parameters, section: Schedule) -> Way:
    place = ("schedule", "from")
    try:
        code = codebase.read(parameters.folder(parameters.code.folder)) if parameters.code else None
        found = entries(parameters, code)
    except (BrokerError, ScheduleError) as error:
        return place, False, str(error)
    named = [one for one in found if one.name == section.entry]
    if not named:
        names = [one.name for one in found]
        hint = did_you_mean(section.entry, names, f"there are {', '.join(names)}" if names else "there is none at all")
        return ("schedule", "entry"), False, f"there is no entry {section.entry}; {hint}"
    one = named[0]
    if is_as_documented(one, section) is None:
        return place, False, f"{section.entry} is there, and its interval cannot be read: {one.where}"
    wanted = "as documented" if is_as_documented(one, section) else f"documented is {_interval(section)}"
    off = "" if one.is_enabled else "; it is switched off"
    return ("schedule",), True, f"{section.entry} {_interval(one)}, {wanted} ({one.where}){off}"


def _interval(given: Entry | Schedule) -> str:
    return f"every {span(given.seconds)}" if given.seconds else f"at {given.crontab}"


def _flag(parameters: Parameters, answered: Answered | None) -> Iterator[Way]:
    flag = parameters.flag
    assert flag is not None
    if flag.shown and answered:
        shown = value_at(answered.body, flag.shown)
        told = json.dumps(shown)[:MOST_SHOWN]
        if not answered.body:
            yield ("flag", "shown"), False, f"{flag.name} is not told; the API: {answered.told}"
        elif shown is None:
            yield ("flag", "shown"), False, f"the answer of api.health has nothing at {flag.shown}"
        elif not flag.is_on(shown) and str(shown).lower() in SURELY_ON:
            words = f"the API shows {told}, which is not among them; so the flag would be taken to be off"
            yield ("flag", "on_values"), False, words
        else:
            yield ("flag", "shown"), True, f"{flag.name} is {'on' if flag.is_on(shown) else 'off'}: it shows {told}"
    else:
        yield ("flag",), True, f"{flag.name}; nothing is declared that shows its state (flag.shown)"
    if flag.off and flag.on:
        does = "it would be turned off for a while, and put back"
        yield _acts(parameters, ("flag",), {"off": flag.off, "on": flag.on}, does)


def _acts(parameters: Parameters, section: tuple[str, ...], actions: dict[str, Action], does: str) -> Way:
    """Say what would be done by actions, or which of them could not be done; none is."""
    for name, action in actions.items():
        program = action.command[0] if action.command else ""
        if program and not shutil.which(str(parameters.folder(program)) if os.sep in program else program):
            return (*section, name, "command"), False, f"there is no program {program}; {_when(parameters, does)}"
        if action.lacking:
            return (*section, name), False, f"{action.lacking} is not set; {_when(parameters, does)}"
    return (*section, *actions), True, _when(parameters, does)


def _when(parameters: Parameters, does: str) -> str:
    """Return what would be done, and when."""
    if parameters.environment == "production":
        return "declared, and never done in production"
    return f"with each run (allow_actions), {does}" if parameters.allow_actions else f"with --live, {does}"
