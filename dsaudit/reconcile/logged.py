"""What the application's own log has of a record since it changed: an error says that it came, and why it is not here.

Adds to the facts of `dsaudit.reconcile.evidence`: ``logged``, in which words the log tells of its last error about the
record or a delivery of it (None where it tells of none), and ``logged_arrival``, the same behind what the log of
received webhooks has.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts.logs import lines, log, said, words
from dsaudit.logs import Line, LogError
from dsaudit.reconcile.asking import ask
from dsaudit.reconcile.transport import instant_text

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Record = tuple[str, str, str]  # tenant, resource, source id
MOST = 100_000  # errors that are looked through, the latest


def add(audit: Audit, keys: pd.DataFrame) -> pd.DataFrame:
    """Add both columns, and count as heard of what the log has an error about."""
    errors = _errors(audit) if len(keys) else {}
    margin = timedelta(seconds=audit.parameters.policy.clock_error_seconds)
    known = words(audit) if errors else frozenset()
    told: list[str | None] = []
    for tenant, own, own_id, top, top_id, changed in zip(
        *(keys[name] for name in ("tenant", "resource", "source_id", "top_resource", "top_id", "changed_at")),
        strict=True,
    ):
        line = errors.get((tenant, own, own_id)) or errors.get((tenant, top, top_id))
        is_of_it = line is not None and not pd.isna(changed) and line.at >= changed - margin
        told.append(_words(line, known) if line and is_of_it else None)
    logged = pd.Series(told, index=keys.index, dtype=object)
    arrival = ["; ".join(filter(None, (came, one))) for came, one in zip(keys["arrival"], told, strict=True)]
    return keys.assign(logged=logged, logged_arrival=arrival, heard=keys["heard"] | logged.notna())


def _words(line: Line, known: frozenset[str]) -> str:
    return f"the application's log has an error about it {instant_text(line.at)}, {said(line, known)}"


def _errors(audit: Audit) -> dict[Record, Line]:
    """Return the last error about each record that the log names, or names a delivery of."""
    if audit.parameters.logs is None:
        return {}
    if "logged errors" not in audit.kept:
        try:
            errors = [one for one in lines(audit) if one.is_error] if not log(audit).problem else []
        except LogError:
            errors = []  # what cannot be read back is not known, and no cause will rest on it
        errors = sorted(errors, key=lambda one: one.at)[-MOST:]
        audit.kept["logged errors"] = {record: line for line, record in _about(audit, errors)}
    found: dict[Record, Line] = audit.kept["logged errors"]
    return found


def _about(audit: Audit, errors: list[Line]) -> Iterable[tuple[Line, Record]]:
    """Yield each error with the record that it, or its delivery, is about; of whom is not told, it is of any tenant."""
    ids = pd.DataFrame({"deliveries": [one.delivery_id for one in errors]}, dtype=object)
    given = audit.parameters.deliveries is not None and ids["deliveries"].notna().any()
    frame = ask(audit, "logged_deliveries", ids) if given else pd.DataFrame()
    deliveries = {int(row["place"]): row for row in frame.to_dict("records")}
    for place, line in enumerate(errors):
        delivery = deliveries.get(place, {})
        whose = line.tenant or delivery.get("tenant")
        own = (
            (line.resource, line.source_id) if line.resource else (delivery.get("resource"), delivery.get("source_id"))
        )
        if all(isinstance(one, str) for one in own):
            tenants = [whose] if isinstance(whose, str) else audit.parameters.whole.tenant_names
            yield from ((line, (str(one), str(own[0]), str(own[1]))) for one in tenants)
