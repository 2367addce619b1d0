"""Phase 7: the application's own logs held against the tables: errors that no row tells of, and logs that broke off."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.facts import log_gaps
from dsaudit.facts.logs import lines, log, said, settled_until, words
from dsaudit.functions import Found, Row, frames
from dsaudit.logs import Line, Log
from dsaudit.reconcile.asking import asked
from dsaudit.reconcile.transport import instant_text
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

SINCE = {
    "deliveries": "select min(received_at) as since from {deliveries} as d",
    "raw": "select min(received_at) as since from {raw} as r",
}
AT_ONCE = 10_000  # errors that are held against the tables by one query
# What becomes of an error that is no loss, in the words of a verdict's limits.
KNOWN, LATER, UNTOLD, FOREIGN = "known", "later", "untold", "foreign"


def errors_left_a_record(audit: Audit) -> Found:
    """The tables know of every error that the application logs about a delivery or a record.

    why: an exception that is caught, logged and forgotten loses a record, and no row says so
    requirement: DS3.2, DS7.2
    severity: critical
    needs: logs, logs.columns.delivery_id or logs.columns.source_id, deliveries or raw
    key: delivery_id, source_id, at
    show: level, found, said, file
    explains: source_missing_in_raw, source_missing_in_refined, raw_differs_from_source, field_differences,
        webhooks_arrive
    remedy: let a delivery that could not be stored be answered with an error, so that it comes again, and a row that
        could not be refined say so; then sync once
    """
    found, until = log(audit), settled_until(audit)
    rows: list[Row] = []
    became: Counter[str] = Counter()
    known = words(audit)
    whose: Counter[str] = Counter()
    errors = (one for one in lines(audit, whose) if one.is_error) if not found.problem else iter(())
    tables = _Tables(audit)
    while some := list(islice(errors, AT_ONCE)):
        due = [one for one in some if one.at <= until]
        named = [one for one in due if one.delivery_id or one.source_id]
        became += Counter({"under way": len(some) - len(due), "unnamed": len(due) - len(named)})
        for line, told_by_tables in zip(named, tables.judge(named), strict=True):
            became["judged" if told_by_tables != UNTOLD else UNTOLD] += 1
            became[LATER] += told_by_tables == LATER
            if told_by_tables not in (KNOWN, LATER, UNTOLD):
                rows.append(_row(line, told_by_tables, said(line, known)))
    became[FOREIGN] = whose[FOREIGN]
    reason = found.problem or (_reason(found, became) if whose["ours"] or not whose[FOREIGN] else STRANGE)
    judged = frames(rows, [{"examined": found.notes.lines, "reason": reason}])
    judged[1].attrs["limits"] = [*_limits(became), *found.notes.limits()]
    return judged


STRANGE = "every line names a tenant that the parameter file does not: by which name, account or id does it call ours?"


def _row(line: Line, found: str, words: str) -> Row:
    named = {name: getattr(line, name) for name in ("at", "level", "tenant", "resource", "source_id", "delivery_id")}
    return {**named, "found": found, "said": words, "file": line.file, "line": line.number}


def _reason(found: Log, became: Counter[str]) -> str | None:
    """Return why nothing is proven although the log was read, or None."""
    if found.notes.problems:
        return f"a part of the log is not known: {found.notes.problems[0]}"
    if not found.notes.lines:
        return f"the log has no line since {instant_text(found.since)}"
    if not found.notes.naming:
        return "no line of the log names a delivery or a record, so no error can be held against the tables"
    if became[UNTOLD] and not became["judged"]:
        count = plural(became[UNTOLD], "error")
        return f"{count} cannot be held against the tables: older than these, or of what the file does not declare"
    return None


def _limits(became: Counter[str]) -> list[str]:
    """Say of which errors nothing is claimed."""
    said = {
        "unnamed": "name neither a delivery nor a record; the table of errors has them",
        LATER: "are about what was stored or refined later, and count as mended",
        UNTOLD: "are older than the tables, or about what the file does not declare",
        FOREIGN: "are about tenants that the parameter file does not name",
        "under way": "are too young to be judged",
    }
    return [f"of the errors, {became[name]:,} {text}" for name, text in said.items() if became[name]]


class _Tables:
    """What our tables can tell of errors, and since when."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        parameters = audit.parameters
        has = {name: set(table.columns) if table else set() for name, table in (
            ("deliveries", parameters.deliveries), ("raw", parameters.raw),
        )}  # fmt: skip
        self._error = timedelta(seconds=parameters.policy.clock_error_seconds)
        self._since = {name: self._first(name) for name in has if has[name]}
        self._deliveries = {"delivery_id", "outcome"} <= has["deliveries"]
        self._by_delivery = "delivery_id" in has["raw"]
        self._records = "state" in has["raw"]
        self._refined_at = "refined_at" in has["raw"]

    def _first(self, name: str) -> datetime | None:
        found = self._audit.query(SINCE[name])["since"][0]
        return None if pd.isna(found) else pd.Timestamp(found).to_pydatetime()

    def _reaches(self, name: str, line: Line) -> bool:
        since = self._since.get(name)
        return since is not None and since <= line.at

    def judge(self, errors: list[Line]) -> list[str]:
        """Return of each error in which words the tables lack it, or that they know it, or that it cannot be told."""
        ids = pd.DataFrame({"deliveries": [one.delivery_id for one in errors]}, dtype=object)
        deliveries = self._asked("logged_deliveries", ids, self._deliveries)
        brought = self._asked("logged_brought", ids, self._by_delivery)
        about = [self._about(line, deliveries.get(place, {})) for place, line in enumerate(errors)]
        keys = pd.DataFrame(about, columns=["tenants", "resources", "ids"], dtype=object)
        records = self._asked("logged_records", keys, self._records)
        return [
            self._of(line, about[place], deliveries.get(place), brought.get(place), records.get(place, {}))
            for place, line in enumerate(errors)
        ]

    def _asked(self, name: str, keys: pd.DataFrame, is_known: bool) -> dict[int, Row]:
        """Return what a query finds by the line of `keys`."""
        if not is_known or keys.iloc[:, -1].isna().all():
            return {}
        frame = asked(self._audit, f"causes/{name}", keys)
        plain = frame.astype(object).where(frame.notna(), None)
        return {int(row["place"]): {str(key): value for key, value in row.items()} for row in plain.to_dict("records")}

    def _about(self, line: Line, delivery: Row) -> tuple[str | None, str | None, str | None]:
        """Return tenant, resource and id of the record that a line, or the delivery it names, is about."""
        if line.resource and line.source_id:
            return line.tenant, line.resource, line.source_id
        return line.tenant or delivery.get("tenant"), delivery.get("resource"), delivery.get("source_id")

    def _of(self, line: Line, about: tuple[Any, ...], delivery: Row | None, brought: Row | None, record: Row) -> str:
        if (delivery or {}).get("refused") or record.get("open"):
            return KNOWN
        touched = [record.get("received_at"), record.get("refined_at")]
        if brought or any(at and at >= line.at - self._error for at in touched):
            return LATER
        has_rows = about[1] is not None and self._audit.parameters.whole.has_raw_rows(about[1])
        if line.delivery_id and self._deliveries and self._reaches("deliveries", line):
            if delivery is None:
                return "no row of this delivery, and nothing of it was stored"
            if delivery["accepted_at"] and delivery["accepted_at"] > line.at + self._error:
                return LATER
            is_told = has_rows and (self._by_delivery or about[2] is not None) and self._reaches("raw", line)
            return "its delivery counts as accepted, and nothing of it was stored" if is_told else UNTOLD
        # Of a row that is processed by now only the time tells whether that was after the error.
        is_told = self._records and has_rows and about[2] is not None and self._reaches("raw", line)
        if is_told and (not record or self._refined_at):
            return "no version of it is marked as failed, and nothing of it was stored or refined since"
        return UNTOLD


def logs_have_no_gap(audit: Audit) -> Found:
    """The log goes on as long as deliveries come and syncs run.

    why: a log that broke off, or whose rotated part is gone, hides every error of that time, and looks like good news
    requirement: DS7.2
    severity: high
    needs: logs, deliveries or syncs
    key: kind, silent_from
    show: kind
    remedy: see whether the process still writes to a file that was rotated away, and whether all files are declared
    """
    found = log(audit)
    kinds = [] if found.problem else log_gaps.kinds(audit, found)
    rows = [{"kind": kind.name, **gap} for kind in kinds for gap in kind.gaps()]
    telling = [kind for kind in kinds if kind.tells]
    counted = ", ".join(plural(len(kind.events), kind.one, kind.name) for kind in kinds) or "nothing"
    reason = found.problem or next((f"a part of the log is not known: {one}" for one in found.notes.problems), None)
    mute = next((kind for kind in kinds if kind.name == "deliveries" and kind.events and not kind.tells), None)
    if not reason and telling and mute:
        reason = (
            f"the log names none of {plural(len(mute.events), mute.one, mute.name)}: is it logs.columns.delivery_id?"
        )
    if not reason and any(len(kind.events) for kind in kinds) and not telling:
        reason = (
            f"the log names none of these, and has no line while one ran: {counted}; is it the right one?"
            if found.notes.lines
            else f"the log has no line since {instant_text(found.since)}, though the tables have {counted} since then"
        )
    judged = frames(rows, [{"examined": sum(kind.examined for kind in telling), "reason": reason}])
    silent = [f"the log tells nothing of {kind.name}, so that these do not show whether it goes on" for kind in kinds
              if kind not in telling and telling]  # fmt: skip
    judged[1].attrs["limits"] = [*silent, *found.notes.limits()]
    return judged
