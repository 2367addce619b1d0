"""The key ``source.deliveries``: the provider's own log of the deliveries that it made, and what became of each."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from dsaudit.parameters.section import Misplaced, Names, Section

State = Literal["taken", "pending", "failed"]
OWN = {"topic": "topic", "sent_at": "created_at", "status": "status"}
OPTIONAL = ("delivery_id", "source_id", "attempts", "answer", "address")
CODE = re.compile(r"[1-5]\d\d")
OF_CODES = "2xx"  # every status of HTTP that means success


class DeliveryLog(Section):
    """A list of the provider, paged as its other lists: an entry is one delivery, however often it was tried.

    ``columns`` say where an entry has what (dotted paths): ``topic``, ``sent_at`` (an instant) and ``status``, and
    where there are such ``delivery_id`` (as our table `deliveries` has it), ``source_id`` (the record's), ``attempts``,
    ``answer`` (the last answer, if ``status`` is a word) and ``address``: what went to another address than
    ``webhooks.address`` is left out. ``status`` is the last answer's status or a word; a word has to stand under
    `taken`, `pending` (still tried) or `failed`, as an unknown one proves nothing. A list of failures alone has
    ``status: none``; what our own log has besides counts as taken then. What was not taken counts as still tried for
    `retried_hours`.

    For Stripe, whose list speaks of all endpoints, so that what our own log has as accepted does not count: ``{path:
    "v1/events?delivery_success=false", since: "created[gte]={epoch}", retried_hours: 72, columns: {delivery_id: id,
    topic: type, source_id: data.object.id, sent_at: created, status: none}}``.
    """

    path: str
    records: str | None = None  # path of the list in the body; by itself that of the source's paging
    since: str | None = None  # the parameter that asks for no older ones, as a resource's `since`
    days: int | None = Field(None, ge=1)  # for how long the provider keeps it
    retried_hours: float | None = Field(None, gt=0)
    columns: dict[str, str] = Field({}, validate_default=True)
    taken: Names = [OF_CODES]
    pending: Names = []
    failed: Names = []

    @field_validator("columns")
    @classmethod
    def _known(cls, given: dict[str, str]) -> dict[str, str]:
        unknown = next((name for name in given if name not in OWN and name not in OPTIONAL), None)
        if unknown:
            known = ", ".join([*OWN, *OPTIONAL])
            raise ValueError(f"{unknown} is nothing that dsaudit reads of a delivery; it reads {known}")
        lacking = next((name for name in ("topic", "sent_at") if given.get(name) == "none"), None)
        if lacking:
            raise ValueError(f"{lacking} cannot be none: nothing can be said of a delivery without it")
        return {name: path for name, path in {**OWN, **given}.items() if path != "none"}

    @model_validator(mode="after")
    def _told_apart(self) -> DeliveryLog:
        lists = {"taken": self.taken, "pending": self.pending, "failed": self.failed}
        named = [word for words in lists.values() for word in words]
        twice = next((word for word in named if named.count(word) > 1), None)
        if twice:
            raise ValueError(f"{twice} is given twice, so nothing tells whether such a delivery was taken")
        name, equals, form = (self.since or "since").partition("=")
        if not name or (equals and not ("{since}" in form or "{epoch}" in form)):
            raise Misplaced(("since",), "the value has to hold {since} or {epoch}")
        if "status" not in self.columns and (self.pending or self.failed or self.taken != [OF_CODES]):
            raise ValueError("taken, pending and failed are words of columns.status, which is none")
        if not self.pending and self.retried_hours is None:
            raise ValueError("needs pending or retried_hours: else what is still tried would count as given up")
        return self

    def state(self, status: object) -> State | None:
        """Return what an entry's status means, None where the file does not say. No answer is a failure."""
        word = str(status).lower() if isinstance(status, bool) else str(status)
        if word in self.pending:
            return "pending"
        is_success = OF_CODES in self.taken and bool(CODE.fullmatch(word)) and word.startswith("2")
        if word in self.taken or is_success:
            return "taken"
        return "failed" if word in self.failed or status is None or CODE.fullmatch(word) else None
