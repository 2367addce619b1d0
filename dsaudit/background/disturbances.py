"""What a run disturbs for a while, and puts right again: the source refuses, serves a bad record, the flag is off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dsaudit import logs
from dsaudit.background import calls, rows
from dsaudit.background.broker import BrokerError, connected
from dsaudit.background.kept import Seen, seen, undone
from dsaudit.background.queueing import Queued, by_api, direct, until
from dsaudit.source.reading import value_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters.action import Action
    from dsaudit.parameters.disturbance import Disturbance
    from dsaudit.progress import Progress

LOGGED_SECONDS = 5.0  # within which a run that has ended is in the log
MEGABYTES = 20  # of the log's end, in which what happens now stands
SEEN_SECONDS = 30.0  # within which the processes have to show a flag that was changed


def outage(audit: Audit) -> Seen | None:
    """Let the source refuse for one sync, and let another run when it serves again.

    Keys: ``problem``, ``during`` and ``after`` (the two runs, as `Queued` has them), ``since`` (when it began),
    ``logged`` (how the log says that the first ended, None where it cannot tell), ``workers_before``, ``workers_after``
    (each worker's name and main process), ``left`` (what could not be undone).
    """
    given = audit.parameters.outage
    assert given
    return seen(audit, "outage", lambda audit, progress: _disturbed(audit, progress, "the source refuses", given))


def bad_record(audit: Audit) -> Seen | None:
    """Let the source serve one record that cannot be taken, for one sync; keys as `outage` has them."""
    given = audit.parameters.bad_record
    assert given
    words = "the source serves a record that cannot be taken"
    return seen(audit, "bad_record", lambda audit, progress: _disturbed(audit, progress, words, given))


def _disturbed(audit: Audit, progress: Progress, what: str, given: Disturbance) -> Seen:
    before = _workers(audit)
    since = datetime.now(UTC)
    during: Queued | None = None
    with undone(audit, f"{what} (begun by an audit)", lambda: _problem(audit, given.end)) as left:
        begun = calls.act(audit.parameters, given.begin)
        if begun.is_done:
            during = direct(audit, progress)
    if during is None:
        return {"problem": f"not done: {begun.told}", "left": left}
    after = direct(audit, progress)
    return {
        "problem": None if during.outcome != "unreached" else during.told,
        "since": since.isoformat(),
        "during": during.to_json(),
        "logged": _logged(audit, since, during.task_id),
        "after": after.to_json(),
        "workers_before": before,
        "workers_after": _workers(audit),
        "left": left,
    }


def _logged(audit: Audit, since: datetime, task_id: str | None) -> list[str] | None:
    """Return how the log says that a run ended, once it says so; None where it does not name the task of a run."""
    section = audit.parameters.logs
    if section is None or section.runs is None or not section.runs.task_id or task_id is None:
        return None
    notes, found = logs.Notes(), list[str]()

    def look() -> bool:
        lines = logs.read(audit.parameters, since, notes, MEGABYTES)
        found[:] = [line.ended for line in lines if line.ended and line.task_id == task_id]
        return bool(found)

    until(LOGGED_SECONDS, look)
    return None if notes.problems and not found else found


def _workers(audit: Audit) -> dict[str, int] | None:
    """Return each worker that answers with its main process, or None where the broker does not answer."""
    if audit.parameters.worker is None:
        return None
    try:
        with connected(audit.parameters) as broker:
            return broker.processes()
    except BrokerError:
        return None


def flag_off(audit: Audit) -> Seen | None:
    """Turn the feature flag off, ask for a sync and send one, and leave the flag as it was found.

    Keys: ``problem``; ``found``, ``off`` and ``restored`` (what the API showed of the flag at first, with it turned
    off, and in the end: ``on``, ``off`` or None); ``requested`` and ``sent`` (as `Queued` has them); ``logged`` (how
    the log says that the one that was sent ended, where the history says nothing); ``wrote`` (rows that were written
    meanwhile, as `rows.differences` has them), ``left`` (what could not be undone).
    """
    return seen(audit, "flag_off", _flag_off)


def _flag_off(audit: Audit, progress: Progress) -> Seen:
    flag = audit.parameters.flag
    assert flag and flag.off and flag.on
    off, on = flag.off, flag.on
    found = shown(audit)
    if found is None:
        return {"problem": f"the API does not show the flag {flag.name}, so it could not be left as it was found"}
    told: Seen = {"found": found, "problem": None}
    name = f"the flag {flag.name} is off (turned off by an audit)"
    back: Callable[[], str | None] = lambda: _turned(audit, on, "on") if found == "on" else None  # noqa: E731
    with undone(audit, name, back) as left:
        problem = _turned(audit, off, "off") if found == "on" else None
        told["off"] = shown(audit)
        if problem:
            told["problem"] = f"the flag was not turned off: {problem}"
        else:
            earlier = rows.state(audit)
            if audit.parameters.api and audit.parameters.api.sync:
                told["requested"] = by_api(audit, progress).to_json()
            if audit.parameters.worker:
                since, sent = datetime.now(UTC), direct(audit, progress)
                told["sent"] = sent.to_json()
                told["logged"] = _logged(audit, since, sent.task_id) if sent.outcome == "silent" else None
            told["wrote"] = rows.differences(audit, earlier, rows.state(audit), earlier.at)[0]
    told |= {"left": left, "restored": shown(audit)}
    return told


def shown(audit: Audit) -> str | None:
    """Return what the running API shows of the flag: ``on``, ``off``, or None where it shows neither."""
    flag = audit.parameters.flag
    if flag is None or not flag.shown:
        return None
    value = value_at(calls.health(audit.parameters).body, flag.shown)
    return None if value is None else "on" if flag.is_on(value) else "off"


def _turned(audit: Audit, action: Action, to: str) -> str | None:
    """Turn the flag and wait until the running process shows it; return why it was not turned, or None."""
    answered = calls.act(audit.parameters, action)
    if not answered.is_done:
        return answered.told
    is_shown = until(SEEN_SECONDS, lambda: shown(audit) == to)
    return None if is_shown else f"{answered.told}, and the API still shows it {shown(audit) or 'not at all'}"


def _problem(audit: Audit, action: Action) -> str | None:
    answered = calls.act(audit.parameters, action)
    return None if answered.is_done else answered.told
