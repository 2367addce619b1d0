"""Phase 3: are forged deliveries refused and not stored, and is a genuine one that comes twice taken once?

What is judged here was sent while the source was read, if the parameter file allows it (`webhooks.probe`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts import probes
from dsaudit.facts.probes import Answer
from dsaudit.functions import Found, Row, frames
from dsaudit.probes.forging import GENUINE, REPEATED

if TYPE_CHECKING:
    from dsaudit.audit import Audit

IN_RAW = "select source_id, delivery_id from {probed_raw} as r order by 1, 2"
IN_REFINED = "select source_id from {refined} as f where source_id = any(%(ids)s::text[]) order by 1"
ACCEPTED = "select delivery_id, source_id from {probed} as d where accepted order by 1, 2"
VERSIONS = "select delivery_id, content_hash from {probed_raw} as r where rtrim(source_id) = %(of_id)s order by 1, 2"


def forged_deliveries_refused(audit: Audit) -> Found:
    """Every forged delivery that was sent to our webhook address is refused.

    why: whoever knows the address can write orders and delete them, and the code alone does not show what is running
    requirement: DS3.1
    severity: critical
    needs: source, webhooks.probe
    key: forgery
    show: forgery, answer
    explains: forged_deliveries_not_stored, refined_missing_at_source, failed_refinements
    remedy: verify the signature before anything else, and answer 401 where it is not right
    """
    sent = [one for one in probes.answers(audit) if one.is_forged]
    unproven = [f"{one.words}: {one.told}" for one in sent if one.means == "unproven"]
    judged = [one for one in sent if one.means and one.means != "unproven"]
    rows = [{"forgery": one.words, "answer": one.told} for one in judged if one.means != "refused"]
    found = frames(rows, [{"examined": len(judged), "reason": _undecided(audit, sent)}])
    found[1].attrs["limits"] = [*_limits(audit), *unproven]
    return found


def forged_deliveries_not_stored(audit: Audit) -> Found:
    """Nothing of a forged delivery is in the tables, whatever it was answered.

    why: a receiver that stores first and verifies then has what anybody sends it, though it answers with a refusal
    requirement: DS3.1
    severity: critical
    needs: source, webhooks.probe, raw or deliveries
    key: forgery
    show: forgery, stored_in
    explains: refined_missing_at_source, failed_refinements, refinement_backlog
    remedy: store nothing before the signature is verified, then delete what came by these deliveries
    """
    sent = [one for one in probes.answers(audit) if one.is_forged]
    reached = [one for one in sent if one.means]
    rows = [{"forgery": one.words, "stored_in": place} for one, place in _stored(audit, sent)] if sent else []
    found = frames(rows, [{"examined": len(reached), "reason": _undecided(audit, sent)}])
    found[1].attrs["limits"] = list(_limits(audit))
    return found


def repeated_delivery_changes_nothing(audit: Audit) -> Found:
    """A genuine delivery that comes twice is stored once.

    why: every provider sends a delivery again whose answer was late; anybody who recorded one can do so too
    requirement: DS3.1
    severity: high
    needs: source, raw, webhooks.probe.valid
    key: source_id
    show: versions, seen
    explains: deliveries_stored_twice, consecutive_duplicate_hashes
    remedy: keep the provider's id of each delivery under a unique index, and answer one that is known with success
    """
    sent = {one.kind: one for one in probes.answers(audit)}
    first, second = sent.get(GENUINE), sent.get(REPEATED)
    reason = probes.unsent(audit)
    if first is None or second is None:
        reason = reason or "no genuine delivery was sent: no topic of a deletion to send it by"
    elif first.means != "accepted" or second.means in (None, "error"):
        wrong = second if first.means == "accepted" else first
        reason = f"{wrong.words}, it was {wrong.told}; is it signed by the right secret?"
    if reason or first is None:
        return frames([], [{"examined": 0, "reason": reason}])
    count, seen = _versions(audit, first)
    rows = [{"source_id": first.source_id, "versions": count, "seen": seen}] if count and count > 1 else []
    return frames(rows, [{"examined": 2 if count else 0, "reason": None if count else seen}])


def _undecided(audit: Audit, sent: list[Answer]) -> str | None:
    """Return why not every forged delivery is judged, or None."""
    doubts = [f"{one.words}: {one.told}" for one in sent if not one.means]
    return probes.unsent(audit) or (doubts[0] if doubts else None)


def _stored(audit: Audit, sent: list[Answer]) -> Iterator[tuple[Answer, str]]:
    """Yield each delivery of which something was stored, with where."""
    assert audit.source.probe is not None
    ids, resource = [one.source_id for one in sent], str(audit.source.probe["resource"])
    found: dict[str, set[str]] = {}
    if audit.parameters.raw:
        found["the raw table"] = _ids(audit.query(IN_RAW))
    found["the refined table"] = set(audit.query(IN_REFINED, {"resource": resource}, ids=ids)["source_id"])
    if audit.parameters.deliveries:
        found["the deliveries, as accepted"] = _ids(audit.query(ACCEPTED))
    for one in sent:
        yield from ((one, place) for place, there in found.items() if {one.source_id, one.delivery_id} & there)


def _ids(frame: pd.DataFrame) -> set[str]:
    """Return the ids of records and of deliveries in rows; before the latter the provider may put a word."""
    return {*(str(one).rstrip() for one in frame["source_id"]), *(str(one)[-36:] for one in frame["delivery_id"])}


def _limits(audit: Audit) -> Iterator[str]:
    """Yield that one of several tenants was probed, and which, and that it was done for an earlier run."""
    probe = audit.source.probe or {}
    tenant, names = probe.get("tenant"), audit.parameters.tenant_names
    if tenant and len(names) > 1:
        yield f"the deliveries named {tenant} alone, of {len(names)} tenants, and went to one address"
    if probe.get("is_earlier"):
        yield f"they were sent for the run that this one goes on with, at {probe['ended'][:19]} UTC, and not again"


def _versions(audit: Audit, first: Answer) -> tuple[int | None, str]:
    """Return how many versions the two deliveries left, and by what they are told; none or None with the reason."""
    rows: list[Row] = audit.query(VERSIONS, of_id=first.source_id).to_dict("records")  # type: ignore[assignment]
    if not rows:
        return 0, "accepted, and nothing of it is in the raw table"
    if by_id := [row for row in rows if str(row["delivery_id"]).endswith(first.delivery_id)]:
        return len(by_id), "by the id of the delivery"
    if hashes := [row["content_hash"] for row in rows if row["content_hash"]]:
        return max(map(hashes.count, hashes)), "by their equal content"
    return None, "the raw rows have neither the id of a delivery nor a hash, by which two versions could be told"
