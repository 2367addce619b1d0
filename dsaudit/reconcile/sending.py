"""What the provider's own log of deliveries has of a record since it changed: the only witness of what never came.

Adds to the facts of `dsaudit.reconcile.evidence`: ``sent_state`` (taken, pending, failed, none: never sent; None where
the log does not tell) and ``sent_words``, what the log says.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.catalogue import topics_of
from dsaudit.facts.sent import tells_taken, to_us
from dsaudit.reconcile import lists
from dsaudit.reconcile.transport import instant_text
from dsaudit.source import Sent, sent_problem, sent_since
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

ENOUGH = 1000  # ids of a resource, by which it shows whether the log calls records as the source's list does


def add(audit: Audit, keys: pd.DataFrame) -> pd.DataFrame:
    """Add both columns, for the records whose present state never came."""
    states: dict[object, tuple[str | None, str | None]] = {}
    source = audit.parameters.source
    wanted = keys[keys["unreached"] & keys["top_id"].notna() & keys["changed_at"].notna()]
    for tenant, part in wanted.groupby("tenant") if source and source.deliveries else ():
        if not sent_problem(audit.source, str(tenant)):
            states |= _of_tenant(audit, str(tenant), part)
    told = [states.get(place, (None, None)) for place in keys.index]
    columns = {"sent_state": [one for one, _ in told], "sent_words": [one for _, one in told]}
    return keys.assign(**pd.DataFrame(columns, index=keys.index, dtype=object))


def _of_tenant(audit: Audit, tenant: str, part: pd.DataFrame) -> dict[object, tuple[str | None, str | None]]:
    resources = topics_of(audit.parameters, audit.parameters.resources)
    records = set(zip(part["top_resource"], part["top_id"], strict=True))
    found: dict[tuple[str, str], list[Sent]] = defaultdict(list)
    named: dict[str, set[str]] = defaultdict(set)
    for one in to_us(audit, tenant):
        name = resources.get(one.topic)
        if name is None or one.source_id is None:
            continue
        if (name, one.source_id) in records:
            found[name, one.source_id].append(one)
        if len(named[name]) < ENOUGH:
            named[name].add(one.source_id)
    since = sent_since(audit.source, tenant)
    error = timedelta(seconds=audit.parameters.policy.clock_error_seconds)
    whole = {name for name in named if tells_taken(audit) and _are_ids(audit, tenant, name, named[name])}
    states: dict[object, tuple[str | None, str | None]] = {}
    for place, row in part.iterrows():
        of_it = (one for one in found[row["top_resource"], row["top_id"]] if one.sent_at >= row["changed_at"] - error)
        is_told = row["top_resource"] in whole and since <= row["changed_at"] - error
        never = f"the provider's log, read back to {instant_text(since)}, has no delivery of it" if is_told else None
        states[place] = _concluded(of_it) or (("none", never) if never else (None, None))
    return states


def _are_ids(audit: Audit, tenant: str, name: str, told: set[str]) -> bool:
    """Return whether the log calls records by the ids that the source's list has; only then does its silence tell."""
    return any(one.source_id in told for one in lists.listed(audit, tenant, name) or [])


def _concluded(deliveries: Iterable[Sent]) -> tuple[str, str] | None:
    """Return what became of the deliveries of one record, and in words of the latest that decides it."""
    by_state = {one.state: one for one in sorted(deliveries, key=lambda one: one.sent_at)}
    for state in ("taken", "pending", "failed"):
        if state in by_state:
            return state, _words(by_state[state])
    return None


def _words(one: Sent) -> str:
    tried = f"tried {plural(one.attempts, 'time')}" if one.attempts else "tried"
    ended = {"taken": "taken", "pending": "not taken yet", "failed": "given up"}[one.state]
    # A word of the provider's could be anything; the status of an answer is a number.
    is_status = re.fullmatch(r"[1-5]\d\d", one.answer or "", re.ASCII)
    answer = f", last answered {one.answer}" if is_status else ""
    return f"by the provider's log its delivery, sent {instant_text(one.sent_at)}, was {tried}{answer}, and {ended}"
