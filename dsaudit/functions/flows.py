"""What becomes of the declared flows: each step, the time of all, the answers, the refusals, and what remains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit.background.kept import Seen
from dsaudit.flows import flows_done, nothing
from dsaudit.functions import Found, Row, frames

if TYPE_CHECKING:
    from dsaudit.audit import Audit

NOT_DONE = "the run that is replayed did not do it"


def flows_end_as_declared(audit: Audit) -> Found:
    """Every step of each flow is answered as the file declares, and leaves the rows that it should.

    why: what users do takes several requests, and what was right at each of them alone can be wrong in the end
    requirement: PI1, PI2
    severity: critical
    scope: flow
    needs: flows, apis
    instant: now
    acts: it does what the flows declare through the API, and takes away what they make
    key: flow, step, what
    show: flow, copy, step, what, expected, found
    explains: flows_are_quick, flows_leave_nothing, metrics_follow_the_flows, alerts_fire
    remedy: begin with the first step that is not as declared, as those after it depend on it; then run it again
    """
    rows, examined = list[Row](), list[Row]()
    for name, one in _each(audit):
        rows += [{"flow": name, **row} for row in one["wrong"]]
        examined.append({"flow": name, "examined": one["claims"], "reason": one["problem"]})
    return _told(audit, rows, examined)


def flows_are_quick(audit: Audit) -> Found:
    """Each flow takes no longer than it may, from its first request to its last look.

    why: a user waits for the whole of it, however quick each request is
    requirement: PI1
    severity: low
    scope: flow
    needs: flows, apis
    instant: now
    acts: it does what the flows declare through the API, and takes away what they make
    key: flow
    expect: 5
    show: flow, seconds, limit_seconds, slowest_step, slowest_seconds
    remedy: look at the slowest step first; what a user need not wait for belongs in a job
    """
    rows, examined = list[Row](), list[Row]()
    for name, one in _each(audit):
        limit = next(flow.seconds for flow in audit.parameters.flows if flow.name == name)
        taken = one["seconds"]
        if taken is None:
            why = one["problem"] or "it did not reach its end"
            examined.append({"flow": name, "examined": 0, "reason": why})
            continue
        examined.append({"flow": name, "examined": 1, "value": taken, "unit": "s", "threshold": limit})
        if taken > limit:
            step = max(one["steps"], key=lambda step: float(step["seconds"]))
            slowest = {"slowest_step": step["step"], "slowest_seconds": step["seconds"]}
            rows.append({"flow": name, "seconds": taken, "limit_seconds": limit, **slowest})
    return _told(audit, rows, examined)


def answers_have_their_schema(audit: Audit) -> Found:
    """Every answer in a flow fits the schema that is published for its request and status.

    why: whoever programs against the API relies on its description, and breaks where an answer differs
    requirement: PI1
    severity: high
    needs: answers, flows, apis
    instant: now
    acts: it does what the flows declare through the API, and takes away what they make
    key: flow, step, at, problem
    show: flow, step, status, at, problem
    remedy: mend the answer where the schema is right, and else publish what is answered
    """
    found = dict(_each(audit))
    rows = [{"flow": name, **row} for name, one in found.items() for row in one["misfits"]]
    count = sum(one["fitted"] for one in found.values())
    reasons = [one["schema_problem"] for one in found.values() if one["schema_problem"]]
    reasons += [] if count or reasons else [one["problem"] for one in found.values() if one["problem"]]
    reasons += [] if count or reasons else ["no answer could be held against a schema of the file"]
    return _told(audit, _once(rows), [{"examined": count, "reason": next(iter(reasons), None)}])


def errors_are_refused_readably(audit: Audit) -> Found:
    """Every refusal in a flow has the API's one form, and shows nothing of the code, the queries and the files.

    why: a user has to learn what to do otherwise, and a stranger nothing of the code, the queries and the tables
    requirement: PI2
    severity: high
    needs: flows, apis
    instant: now
    acts: it does what the flows declare through the API, and takes away what they make
    key: flow, step, problem
    show: flow, step, status, problem
    remedy: answer each error in one place and in one form; write the trace to the log
    """
    found = dict(_each(audit))
    rows = [{"flow": name, **row} for name, one in found.items() for row in one["careless"]]
    count = sum(one["refused"] for one in found.values())
    asked = any(step.is_refusal for flow in audit.parameters.flows for step in flow.steps)
    why = next((one["problem"] for one in found.values() if one["problem"]), "nothing that has to be refused was")
    line: Row = {"examined": count, "reason": None if count else why if asked else "no flow has a step that is refused"}
    made = _told(audit, _once(rows), [line])
    if audit.parameters.apis and audit.parameters.apis.error is None:
        limits = made[1].attrs["limits"]
        made[1].attrs["limits"] = [*limits, "the form of a refusal is not declared (apis.error), and so not judged"]
    return made


def flows_leave_nothing(audit: Audit) -> Found:
    """What a flow has made is gone after it was taken away: no audited table has a row of it left.

    why: what remains of a deleted record is counted, listed and billed, and belongs to nothing
    requirement: PI1
    severity: high
    scope: flow
    needs: flows, apis
    instant: now
    acts: it does what the flows declare through the API, and takes away what they make
    key: flow, resource, source_id, problem
    show: flow, resource, problem
    remedy: delete these rows by hand; let a deletion reach all that came of a record, or add what lacks to `remove`
    """
    rows, examined = list[Row](), list[Row]()
    for name, one in _each(audit):
        rows += [{"flow": name, **row} for row in one["remaining"]]
        why = one["problem"] or (None if one["is_checked"] else one["left"] or "nobody could look")
        makes = any(flow.remove for flow in audit.parameters.flows if flow.name == name)
        why = why or ("no row of it came, in any audited table" if makes and not one["made"] else None)
        examined.append({"flow": name, "examined": one["made"] or len(one["steps"]), "reason": why})
    return _told(audit, rows, examined)


def _each(audit: Audit) -> Iterator[tuple[str, Seen]]:
    """Yield what was seen of each flow of the file; they are done now, unless this run has done them."""
    seen = flows_done(audit) or {}
    for flow in audit.parameters.flows:
        yield flow.name, seen.get(flow.name) or {**nothing(), "problem": NOT_DONE}


def _once(rows: list[Row]) -> list[Row]:
    """Return rows without those that differ by nothing but the copy of the flow."""
    told: dict[tuple[object, ...], Row] = {}
    for row in rows:
        told.setdefault(tuple(value for name, value in row.items() if name != "copy"), row)
    return list(told.values())


def _told(audit: Audit, rows: list[Row], examined: list[Row]) -> Found:
    """Return what was found, with what else is to be known of the flows."""
    found = frames(rows, examined)
    told = [line for _, one in _each(audit) for line in (*one["told"], one["left"]) if line]
    found[1].attrs["limits"] = list(dict.fromkeys(told))
    return found
