"""Turns what is known of a record into events in the order of time: when, on which side, what happened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.facts import messages
from dsaudit.facts.logs import said, words
from dsaudit.reconcile.transport import instant_text
from dsaudit.source.recording import changed_at, instant_at
from dsaudit.timeline.changes import changes
from dsaudit.timeline.finding import id_shown
from dsaudit.timeline.gathering import Record, Row
from dsaudit.verdict.card import plural
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit

SIDES = ("source", "delivery", "sync", "raw", "refinement", "refined", "log")
COLUMNS = ["number", "at", "side", "what", "detail", "state", "version"]
A_WORD = re.compile(r"[A-Za-z][\w ./-]{0,60}", re.ASCII)  # a state, an outcome, a topic; anything else could be data
FEW = 4  # paths that one line names


def events(audit: Audit, record: Record) -> pd.DataFrame:
    """Return the events of a record in the order of time; those whose time nobody tells come last.

    Columns: number (from 1), at, side, what, detail, state (good, bad or plain), version (the raw row that it is
    about). All words are our own, names out of the parameter file, states, ids and times.
    """
    found = [
        *_of_source(audit, record), *_of_deliveries(record), *_of_runs(record),
        *_of_versions(audit, record), *_of_rows(audit, record), *_of_log(audit, record),
    ]  # fmt: skip
    # What happened at one instant stands in the order of a record's way.
    found.sort(key=lambda one: (one["at"] is None, one["at"] or datetime.max, SIDES.index(one["side"])))
    numbered = [{"number": number, **one} for number, one in enumerate(found, 1)]
    frame = pd.DataFrame(numbered, columns=COLUMNS, dtype=object)
    return frame.assign(at=pd.to_datetime(frame["at"], utc=True))


def _event(at: datetime | None, side: str, what: str, detail: str = "", state: str = "plain", **more: Any) -> Row:
    return {"at": at, "side": side, "what": what, "detail": detail, "state": state, "version": more.get("version")}


def word(text: object) -> str:
    """Return a state, an outcome or a topic as it may be displayed."""
    return str(text) if A_WORD.fullmatch(str(text)) else "(another text)"


# The source


def _of_source(audit: Audit, record: Record) -> Iterator[Row]:
    resource = audit.parameters.resources[record.top]
    whose = f" (the {record.top} that it stands in)" if record.is_nested else ""
    present = changed_at(resource, record.item.top) if record.item else None
    created = instant_at(record.item.top, resource.known.created) if record.item else None
    if created:
        yield _event(created, "source", f"created{whose}")
    for at, number in _earlier(record, {created, present}):
        yield _event(at, "source", f"changed{whose}", f"as version {number} tells")
    if present and present != created:
        yield _event(present, "source", f"changed last{whose}")
    if record.read_at:
        here = record.item is not None
        told = "read: it is there" if here else "read: it is not there"
        yield _event(record.read_at, "source", told, "" if here else "deleted, or never there for this tenant")


def _earlier(record: Record, told: set[datetime | None]) -> Iterator[tuple[datetime, int]]:
    """Yield the times of change that only the versions received tell of."""
    for one in record.versions or record.carriers:
        if one["changed_at"] and one["changed_at"] not in told:
            told.add(one["changed_at"])
            yield one["changed_at"], one["number"]


# The ways in


def _of_deliveries(record: Record) -> Iterator[Row]:
    versions = {one["delivery_id"]: one["row_id"] for one in (*record.carriers, *record.versions) if one["delivery_id"]}
    for one in record.deliveries:
        accepted = bool(one["accepted"])
        outcome = word(one["outcome"]) if one["outcome"] else "no outcome"
        detail = [outcome if outcome == "accepted" else f"{'accepted' if accepted else 'not accepted'} ({outcome})"]
        if one["sent_at"]:
            detail.append(f"under way for {span(max((one['received_at'] - one['sent_at']).total_seconds(), 0))}")
        state = "good" if accepted else "bad"
        version = versions.get(one["delivery_id"])
        yield _event(one["received_at"], "delivery", word(one["topic"]), "; ".join(detail), state, version=version)


def _of_runs(record: Record) -> Iterator[Row]:
    for one in record.runs:
        told = [f"{plural(one['fetched'] or 0, record.top)} on {plural(one['pages'] or 0, 'page')}"]
        if one["watermark_before"]:
            told.append(f"the run before had got up to {instant_text(one['watermark_before'])}")
        error = messages.EXCEPTION.match(one["error"] or "")
        if one["state"] == "failed":
            told.append(f"ended in an error{f' ({error[0]})' if error else ''}")
        elif one["state"] == "skipped":
            told.append("was skipped")
        elif one["ended_at"]:
            told.append(f"took {span((one['ended_at'] - one['started_at']).total_seconds())}")
        else:
            told.append("has not ended")
        state = "bad" if one["state"] == "failed" else "plain"
        yield _event(one["started_at"], "sync", f"sync of {record.top}", "; ".join(told), state)


# Raw and refinement


def _of_versions(audit: Audit, record: Record) -> Iterator[Row]:
    known = messages.names(audit.parameters, audit.database) if record.versions or record.carriers else frozenset()
    for name, versions in ((record.top, record.carriers), (record.resource, record.versions)):
        whose = f" of its {name}" if versions is record.carriers and record.is_nested else ""
        before: Row | None = None
        for one in versions:
            yield from _of_version(audit, one, before, whose, known, _overtaken_by(one, versions))
            before = one


def _overtaken_by(one: Row, versions: list[Row]) -> str:
    """Say which newer version had come before this one, that could then be overwritten by it."""
    newer = [other for other in versions if other["number"] > one["number"]]
    before = [other["number"] for other in newer if other["received_at"] < one["received_at"]]
    return f"version {max(before)} is newer and had come before" if before else ""


def _of_version(
    audit: Audit, one: Row, before: Row | None, whose: str, known: frozenset[str], overtaken: str
) -> Iterator[Row]:
    called = f"version {one['number']}{whose}"
    failed = one["state"] == "error"
    what = f"{'deletion' if one['deleted'] else called} received by {_way(one)}"
    detail = [overtaken, f"raw row {id_shown(audit, one['row_id'])}"]
    detail += [f"hash {_masked(audit, one['content_hash'])}"] if one["content_hash"] else []
    detail += [("it stands in it" if one["content"] else "it does not stand in it") if whose else ""]
    detail += [_difference(before, one)] if before else []
    state = word(one["state"]) if one["state"] else "no state"
    yield _event(
        one["received_at"], "raw", what, "; ".join(filter(None, detail)),
        "bad" if failed and not one["refined_at"] else "plain", version=one["row_id"],
    )  # fmt: skip
    if failed or one["refined_at"]:
        told = f"{called} failed" if failed else f"{called} {state}"
        cause = messages.template(one["error"], known) if failed else ""
        at = one["refined_at"] or one["received_at"]
        yield _event(at, "refinement", told, cause, "bad" if failed else "good", version=one["row_id"])
    else:
        yield _event(None, "refinement", f"{called} is {state}", "nothing was made of it yet", version=one["row_id"])


def _way(one: Row) -> str:
    return "webhook" if one["by_webhook"] else word(one["via"]) if one["via"] else "a way that is not told"


def _masked(audit: Audit, text: str) -> str:
    cell = audit.cell(text)
    return str(cell["masked"] if isinstance(cell, dict) else cell)


def _difference(before: Row, one: Row) -> str:
    """Say what one version has that the one before had not, by the paths alone."""
    if one["content"] is None or before["content"] is None:
        return ""
    paths = [change.path for change in changes(before["content"], one["content"])]
    more = f" and {len(paths) - FEW} more" if len(paths) > FEW else ""
    return f"changes {', '.join(paths[:FEW])}{more}" if paths else f"the same as version {before['number']}"


# The refined row


def _of_rows(audit: Audit, record: Record) -> Iterator[Row]:
    numbers = {one["row_id"]: one["number"] for one in record.versions}
    carried = {one["row_id"]: f"{one['number']} of its {record.top}" for one in record.carriers}
    called = {**carried, **numbers}
    for one in record.rows:
        what = "row marked as deleted" if one["deleted"] else "row written last"
        built = one["built_from"]
        told = []
        if built is not None:
            version = f"version {called[built]}" if built in called else "no version of it"
            told.append(f"built from {version} (raw row {id_shown(audit, built)})")
        if one["updated_at"]:
            told.append(f"of its state of {instant_text(one['updated_at'])}")
        yield _event(one["refined_at"], "refined", what, "; ".join(told), version=built)


# The application's log


def _of_log(audit: Audit, record: Record) -> Iterator[Row]:
    known = words(audit) if record.logged else frozenset()
    for one in record.logged:
        place = f"{one.file}:{one.number}" if one.number else one.file
        state = "bad" if one.is_error else "plain"
        yield _event(one.at, "log", f"{one.level or 'logged'}: {said(one, known)}", place, state)
