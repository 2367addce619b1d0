"""The steps that a change has to take from the source to its refined row, and what one look at the database shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.database.expressions import field_column, quoted
from dsaudit.live.redelivering import DUPLICATE, REDELIVERED

if TYPE_CHECKING:
    from dsaudit.audit import Audit

STEPS = {
    "changed": "the source has done it",
    "webhook": "a webhook was received and accepted",
    "raw": "a new raw row came by webhook",
    "hash": "its hash is another one",
    "refined": "its refinement is done",
    "row": "one refined row has the new value; none is left of what was deleted",
}
# What is done, in this order: at the source, but for the two deliveries that we send again.
ACTIONS = ("create", "update", "update twice", *REDELIVERED, "delete")

NOW = "select pg_catalog.clock_timestamp() as now"
OF_RECORD = "where resource = %(resource_name)s and tenant = %(tenant)s and source_id = %(source_id)s"
RAW = f"""
select row_id, by_webhook, content_hash, state, deleted, delivery_id, payload::text as payload
from {{raw}} as r {OF_RECORD}
"""
DELIVERIES = f"""
select delivery_id, received_at, sent_at::timestamptz as sent_at from {{deliveries}} as d {OF_RECORD} and accepted
"""
TRACES = ("select delivery_id from {probed_raw} as r", "select delivery_id from {probed} as d where accepted")
REFINED = f"select deleted, {{shown_in}} as shown from {{refined}} as f {OF_RECORD}"

Row = dict[str, Any]


@dataclass
class Step:
    """When one step was seen, in seconds: it had not come `since` the source's answer, and had `until` the asking.

    `unknown` is why its not being seen says nothing. Where `is_still`, nothing is to come: `became` says what did.
    """

    action: str
    name: str
    since: float = 0.0
    until: float | None = None  # None: it was not seen as long as was waited
    at: str | None = None  # by the database's clock
    unknown: str | None = None
    is_still: bool = False
    became: str | None = None

    def fails(self, limit: float) -> bool | None:
        """Return whether it took longer than the limit, or came though it was not to; None where nothing can tell."""
        if self.name == "changed":
            return False  # how long the provider takes to answer is not ours
        if self.is_still:
            return True if self.became else None if self.unknown else False
        if self.unknown:
            return None
        if self.until is None or self.since > limit:
            return True
        return None if self.until > limit else False


@dataclass(frozen=True)
class Change:
    """One change that is waited for: what is done, the mark that it leaves, and the mark of the one just before."""

    action: str
    mark: str
    before: str | None = None


@dataclass
class Look:
    """What the database had of the record at one instant."""

    at: str
    raw: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    refined: list[Row] = field(default_factory=list)

    @property
    def delivery_ids(self) -> set[Any]:
        """What tells the accepted deliveries apart; one that is repeated is the same."""
        return {row["delivery_id"] or row["received_at"] for row in self.deliveries}

    def arrived(self, change: Change, earlier: Look, family: str) -> set[str]:
        """Return the steps that the change has taken, held against a look from before it.

        All marks begin with `family`. Where no webhook's payload holds one, the webhooks bring no content, and a row
        of theirs counts without.
        """
        by_webhook = [row for row in self.raw if row["by_webhook"]]
        is_thin = not any(family in (row["payload"] or "") for row in by_webhook)
        own = [row for row in self._new(earlier) if row["by_webhook"] and _tells(row, change, is_thin)]
        live = [row for row in self.refined if not row["deleted"]]
        is_shown = not live
        if change.action != "delete":
            is_shown = len(live) == 1 and change.mark in (live[0]["shown"] or "")
        hashes = {row["content_hash"] for row in earlier.raw} | {None}
        held = {
            "webhook": bool(self.delivery_ids - earlier.delivery_ids),
            "raw": bool(own),
            "hash": any(row["content_hash"] not in hashes for row in own),
            "refined": any(row["state"] == "processed" for row in own),
            "row": is_shown,
        }
        return {name for name, holds in held.items() if holds}

    def overtaken(self, change: Change, earlier: Look, is_logged: bool) -> set[str]:
        """Return the steps of which nothing is known if they are not seen, as a sync brought the change before them.

        What a webhook brings then is there already, and is rightly dropped. Where the log of deliveries shows that
        none was accepted, that is the reason.
        """
        by_sync = any(not row["by_webhook"] and _tells(row, change) for row in self._new(earlier))
        was_told = not is_logged or bool(self.delivery_ids - earlier.delivery_ids)
        return {"raw", "hash", "refined"} if by_sync and was_told else set()

    def became(self, mark: str, earlier: Look, delivery_id: str) -> dict[str, str]:
        """Return by step what became of the version with the mark, the newest, after a delivery that changes nothing.

        That no refined row is left says something only when nothing follows any more: one may just be written anew.
        """
        live, found = [row for row in self.refined if not row["deleted"]], {}
        if len(live) > 1:
            found["row"] = f"{len(live)} refined rows"
        elif any(mark not in (row["shown"] or "") for row in live):
            found["row"] = "an older value"
        hashes = {row["content_hash"] for row in earlier.raw if mark in (row["payload"] or "")} - {None}
        new = [row for row in self._new(earlier) if row["by_webhook"]]
        if any(str(row["delivery_id"] or "").strip() == delivery_id for row in new):
            found["raw"] = "stored again, under the same id of a delivery"
        elif any(row["content_hash"] in hashes and not row["delivery_id"] for row in new):
            found["raw"] = "stored again, with equal content"
        return found

    def version(self, mark: str) -> Row | None:
        """Return the last raw row of the version with the mark that came by webhook."""
        own = [row for row in self.raw if row["by_webhook"] and mark in (row["payload"] or "")]
        return own[-1] if own else None

    def sent_at(self, delivery_id: str) -> datetime | None:
        """Return when the provider sent a delivery first, as the log has it."""
        return min((row["sent_at"] for row in self._logged(delivery_id) if not pd.isna(row["sent_at"])), default=None)

    def times_delivered(self, delivery_id: str) -> int:
        """Return how often the log has a delivery as accepted."""
        return len(self._logged(delivery_id))

    def _logged(self, delivery_id: str) -> list[Row]:
        return [row for row in self.deliveries if str(row["delivery_id"] or "").strip() == delivery_id]

    def _new(self, earlier: Look) -> list[Row]:
        known = {row["row_id"] for row in earlier.raw}
        return [row for row in self.raw if row["row_id"] not in known]

    def has_settled(self, change: Change) -> bool:
        """Return whether the change just before has come too, and is done with: late, it must not win."""
        own = [row for row in self.raw if change.before and change.before in (row["payload"] or "")]
        return change.before is None or any(row["state"] != "pending" for row in own)


def _tells(row: Row, change: Change, is_thin: bool = False) -> bool:
    """Return whether a new raw row tells of the change."""
    if change.action == "delete":
        return bool(row["deleted"])
    return is_thin or change.mark in (row["payload"] or "")


class Looker:
    """Looks at what the database has of one record as it is now, in short read-only transactions."""

    def __init__(self, audit: Audit, tenant: str, source_id: str) -> None:
        live = audit.parameters.live
        assert live
        self._database = audit.database.now()
        self._parameters, self._name = audit.parameters, live.resource
        column = quoted(field_column(live.shown_in))
        asked = {"raw": RAW, "deliveries": DELIVERIES, "refined": REFINED.replace("{shown_in}", column)}
        if not audit.parameters.has_raw_rows(self._name):
            del asked["raw"]
        if not (audit.parameters.deliveries and "source_id" in audit.parameters.deliveries.columns):
            del asked["deliveries"]
        self._whole = whole = audit.relations.whole  # of a part, the record is not in it
        filled = {
            name: whole.fill(sql, {"resource": self._name}, [self._name], {source_id}) for name, sql in asked.items()
        }
        self._names = ["now", *filled]
        self.is_logged = "deliveries" in filled  # whether each delivery leaves a row of its own
        self._sqls = [NOW, *(one.sql for one in filled.values())]
        bound = {**audit.values(), "resource_name": self._name, "tenant": tenant, "source_id": source_id}
        self._values = [bound, *({**one.values, **bound} for one in filled.values())]

    def look(self) -> Look:
        """Return what there is now; raises `QueryError` where the database does not answer."""
        answers = self._database.queries(self._sqls, self._values, most=None)
        rows = {name: _rows(one.frame) for name, one in zip(self._names, answers, strict=True)}
        return Look(rows.pop("now")[0]["now"].isoformat(), **rows)

    def has_trace(self, delivery_id: str) -> bool:
        """Return whether a delivery of our own is in the raw table, or in the log as accepted."""
        has_log = bool(self._parameters.deliveries)
        filled = [self._whole.fill(sql, None, [self._name]) for sql in TRACES[: 1 + has_log]]
        bound = [{**self._values[0], **one.values} for one in filled]
        answers = self._database.queries([one.sql for one in filled], bound, most=None)
        return any(delivery_id in str(given) for one in answers for given in one.frame["delivery_id"])

    def due(self, action: str) -> list[str]:
        """Return the steps that can be looked for after an action, in their order; none that nothing announces."""
        if action in REDELIVERED:
            return ["webhook", "raw", "row"] if action == DUPLICATE else ["webhook", "row"]
        parameters, kind = self._parameters, action.partition(" ")[0]
        if kind in parameters.resources[self._name].never:
            return []
        raw = parameters.raw.columns if parameters.raw and "raw" in self._names else {}
        is_kept = bool(raw) and (kind != "delete" or "deleted" in raw)
        is_seen = {
            "changed": True,
            "webhook": self.is_logged,
            "raw": is_kept,
            "hash": is_kept and kind == "update" and "content_hash" in raw,
            "refined": is_kept and "state" in raw,
            "row": True,
        }
        return [name for name in STEPS if is_seen[name]]


def _rows(frame: pd.DataFrame) -> list[Row]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
