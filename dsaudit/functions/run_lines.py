"""What the application's log tells of the runs of the sync, held against what it has to say and against the history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dsaudit.background.runs import runs
from dsaudit.facts.logs import lines, log, settled_until
from dsaudit.functions import Found, Row, frames
from dsaudit.logs import Line
from dsaudit.reconcile.transport import instant_text

if TYPE_CHECKING:
    from dsaudit.audit import Audit

TYPES: dict[str, tuple[type, ...]] = {"text": (str,), "number": (int, float), "integer": (int,), "boolean": (bool,)}
ENDED = {"success": "completed", "failed": "failed", "skipped": "skipped"}
LATER = timedelta(seconds=5)  # that a line may be written after the row says that the run has ended
NONE = "the log has no line that ends a run (logs.runs.messages)"


def log_lines_have_their_fields(audit: Audit) -> Found:
    """Each line that ends a run of the sync has its declared fields, each of its type.

    why: a field that is missing in one line is missing in every graph and alert that is made of the log
    requirement: BS5
    severity: high
    needs: logs.runs
    key: file, line, field
    show: file, event, field, kind
    remedy: write all three lines, of what completed, failed and was skipped, by one function that takes the fields
    """
    found = log(audit)
    assert audit.parameters.logs and audit.parameters.logs.runs
    fields = audit.parameters.logs.runs.fields
    rows: list[Row] = []
    examined = 0
    for line in [] if found.problem else _ending(audit):
        examined += bool(fields)
        for field, declared in fields.items():
            kind = _wrong((line.values or {}).get(field), declared)
            if kind:
                told = {"file": line.file, "line": line.number, "event": line.message, "field": field, "kind": kind}
                rows.append({**told, "at": line.at, "task_id": line.task_id})
    reason = found.problem or (None if examined else NONE if fields else "logs.runs.fields names none")
    judged = frames(rows, [{"examined": examined, "reason": reason}])
    judged[1].attrs["limits"] = list(found.notes.limits())
    return judged


def _ending(audit: Audit) -> Iterator[Line]:
    return (line for line in lines(audit) if line.ended)


def _wrong(value: Any, declared: str) -> str:
    """Return what is wrong with a value, or nothing. True is no number, and an empty text says nothing."""
    if value is None or value == "":
        return "missing"
    fits = isinstance(value, TYPES[declared]) and (declared == "boolean" or not isinstance(value, bool))
    return "" if fits else "wrong type"


def every_run_is_logged(audit: Audit) -> Found:
    """The log tells of each run of the history how it ended, with the same figures.

    why: what the log does not say nobody is told; and a figure that differs is wrong in one of the two
    requirement: BS3, BS5
    severity: high
    needs: logs.runs, syncs
    key: started_at, kind
    show: resource, kind, state, logged
    remedy: write the line and the row of the history at one place, from the same figures, and let a failure be an error
    """
    found = log(audit)
    ending = [] if found.problem else list(_ending(audit))
    first = min((line.at for line in ending), default=None)
    rows: list[Row] = []
    examined = 0
    for run in _judged(audit, first) if first else []:
        examined += 1
        line = _line_of(audit, run, ending)
        is_its_own = line is not None and line.task_id is not None and line.task_id == run["task_id"]
        rows += _differences(audit, run, line) if is_its_own or not run["is_killed"] else []
    problem = next((f"a part of the log is not known: {one}" for one in found.notes.problems), None)
    reason = found.problem or (NONE if not ending else problem)
    if not reason and not examined and first:
        reason = f"the history has no run that ended since the log begins, at {instant_text(first)}"
    judged = frames(rows, [{"examined": examined, "reason": reason}])
    judged[1].attrs["limits"] = list(found.notes.limits())
    return judged


def _judged(audit: Audit, first: datetime) -> Iterator[Row]:
    """Yield the runs that ended in the time of the log: from the first line on that ends one, to what is settled.

    Each is told to be ``is_killed`` or not. What was killed writes no line; it is known by its end: that is when the
    next run found it, and so began itself.
    """
    frame = runs(audit, since=min(first, log(audit).since))
    margin = timedelta(seconds=audit.parameters.policy.clock_error_seconds)
    until = settled_until(audit) - LATER
    history = [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
    for place, run in enumerate(history):
        ended = run["ended_at"]
        if run["state"] not in ENDED or ended is None or not first - margin <= ended <= until:
            continue
        following = [other["started_at"] for other in history[place + 1 :] if other["resource"] == run["resource"]]
        found = any(abs(begun - ended) <= margin for begun in following)
        yield {**run, "is_killed": found and run["state"] == "failed"}


def _line_of(audit: Audit, run: Row, ending: Iterable[Line]) -> Line | None:
    """Return the line of a run: by its task's id, where both tell it, else by the time; the nearest to its end."""
    assert audit.parameters.logs and audit.parameters.logs.runs
    margin = timedelta(seconds=audit.parameters.policy.clock_error_seconds)
    if run["task_id"] and audit.parameters.logs.runs.task_id:
        own = [line for line in ending if line.task_id == run["task_id"]]
    else:
        own = [line for line in ending if run["started_at"] - margin <= line.at <= run["ended_at"] + margin + LATER]
    return min(own, key=lambda line: abs(line.at - run["ended_at"]), default=None)


def _differences(audit: Audit, run: Row, line: Line | None) -> Iterator[Row]:
    about = {name: run[name] for name in ("tenant", "resource", "started_at", "state", "task_id")}
    if line is None:
        yield {**about, "kind": "no line", "logged": None}
        return
    if line.ended != ENDED[run["state"]]:
        yield {**about, "kind": "another end", "logged": line.ended}
    elif run["state"] == "failed" and not line.is_error:
        yield {**about, "kind": "no error", "logged": line.level}
    assert audit.parameters.logs and audit.parameters.logs.runs
    for name, path in audit.parameters.logs.runs.counts.items():
        logged = (line.values or {}).get(path)
        if logged is not None and run[name] is not None and logged != run[name]:
            yield {**about, "kind": name, "logged": logged, "recorded": run[name]}
