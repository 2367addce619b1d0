"""Queues a sync, by the application's API or straight to its workers, and watches for its run in the history."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dsaudit.background import calls, runs
from dsaudit.background.broker import Broker, BrokerError, connected
from dsaudit.source.reading import value_at
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.progress import Progress

PAUSE = 0.15  # seconds between two looks at the history
BEGUN_SECONDS = 5.0  # after which the workers are asked for a run that has not ended
ENDED = {"success", "failed", "skipped"}
Run = dict[str, Any]  # a line of the history


@dataclass(frozen=True)
class Queued:
    """A sync that was queued, and what came of it.

    outcome: a state of its run (``success``, ``failed``, ``skipped``; ``running``, where it has not ended), ``silent``
    (no run was recorded, and no worker has it), ``waiting`` (it waits in the queue, or began and told nothing),
    ``refused`` (the API answered with another status than a success), ``unreached`` (there was no answer).
    """

    how: str  # api or direct
    told: str
    outcome: str
    status: int | None = None
    task_id: str | None = None
    run: Run | None = None
    seconds: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether it ran to its end, as it says itself."""
        return self.outcome == "success"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self), "run": _plain(self.run)}


def by_api(audit: Audit, progress: Progress) -> Queued:
    """Ask the API for a sync and wait for its run to end."""
    api = audit.parameters.api
    assert api
    watch = _Watch(audit, progress)
    answered = calls.request_sync(audit.parameters)
    if answered.status is None:
        return Queued("api", answered.told, "unreached")
    if not 200 <= answered.status < 300:
        return Queued("api", answered.told, "refused", answered.status)
    task_id = value_at(answered.body, api.task_id)
    task_id = str(task_id) if task_id else None
    run, outcome = watch.until_ended(task_id)
    return Queued("api", answered.told, outcome, answered.status, task_id, run, _seconds(run))


def direct(audit: Audit, progress: Progress, broker: Broker | None = None) -> Queued:
    """Send the task to the workers, as `celery call` does, and wait for its run to end."""
    return together(audit, progress, 1, broker)[0]


def together(audit: Audit, progress: Progress, count: int, broker: Broker | None = None) -> list[Queued]:
    """Send the task several times at once, and wait for all runs to end."""
    watch = _Watch(audit, progress)
    try:
        if broker is None:
            with connected(audit.parameters) as one:
                ids = [one.send() for _ in range(count)]
        else:
            ids = [broker.send() for _ in range(count)]
    except BrokerError as error:
        return [Queued("direct", str(error), "unreached") for _ in range(count)]
    found = []
    for task_id in ids:
        run, outcome = watch.until_ended(task_id)
        found.append(Queued("direct", "sent to the workers", outcome, None, task_id, run, _seconds(run)))
    return found


def until(seconds: float, is_so: Callable[[], bool]) -> bool:
    """Look again and again, until something is so or the time is over; return whether it is."""
    latest = time.monotonic() + seconds
    while True:
        if is_so():
            return True
        if time.monotonic() > latest:
            return False
        time.sleep(PAUSE)


class _Watch:
    """The history since just before a sync was queued."""

    def __init__(self, audit: Audit, progress: Progress) -> None:
        self.audit, self.progress = audit, progress
        self.known = {key(one) for one in current(audit)}
        self.has_ids = "task_id" in (audit.parameters.syncs.columns if audit.parameters.syncs else {})

    def run(self, task_id: str | None) -> Run | None:
        """Return the run of a task; where the history tells no ids, the first that was not there before."""
        new = [one for one in current(self.audit) if key(one) not in self.known]
        if self.has_ids and task_id:
            new = [one for one in new if one["task_id"] == task_id]
        return next((one for one in new if one["state"] in ENDED), new[0] if new else None)

    def until_ended(self, task_id: str | None) -> tuple[Run | None, str]:
        """Wait for the run of a task to end, and return it with its outcome."""
        worker = self.audit.parameters.worker
        patience, begun = worker.wait_seconds if worker else 60.0, time.monotonic()
        asked = False
        while True:
            run, waited = self.run(task_id), time.monotonic() - begun
            if run and run["state"] in ENDED:
                return run, str(run["state"])
            if waited > BEGUN_SECONDS and not asked:
                asked = True
                if why := _why_given_up(self.audit, task_id):
                    return run, "running" if run else why
            if waited > patience:
                return run, "running" if run else "waiting"
            self.progress(f"waiting for the sync to end, {span(waited)} of {span(patience)}")
            time.sleep(PAUSE)


def _why_given_up(audit: Audit, task_id: str | None) -> str | None:
    """Return ``silent`` where no worker has a task and none waits in the queue, ``waiting`` where no worker answers.

    None where it may still begin.
    """
    if audit.parameters.worker is None or task_id is None:
        return None
    try:
        with connected(audit.parameters) as broker:
            if not broker.workers():
                return "waiting"
            active = {one.get("id") for tasks in broker.active().values() for one in tasks}
            return None if task_id in active or broker.queued() else "silent"
    except BrokerError:
        return None


def current(audit: Audit) -> list[Run]:
    """Return the latest runs as they are now, the newest last."""
    return [{str(name): value for name, value in one.items()} for one in runs.runs(audit, now=True).to_dict("records")]


def key(run: Run) -> tuple[Any, ...]:
    """Return by what a run is told from the others."""
    return run["resource"], run["task_id"], run["started_at"]


def _seconds(run: Run | None) -> float | None:
    if run is None or run["ended_at"] is None:
        return None
    return round(float((run["ended_at"] - run["started_at"]).total_seconds()), 3)


def _plain(run: Run | None) -> Run | None:
    if run is None:
        return None
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in run.items()}
