"""Reads the provider's log of its deliveries into the recording; of each entry only what a check asks for is kept.

It can be long, so it is written as it is read, a line a delivery, and is never in memory as a whole.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dsaudit.parameters import Parameters
from dsaudit.parameters.delivery_log import DeliveryLog, State
from dsaudit.parameters.ids import id_text
from dsaudit.source.paging import Listing
from dsaudit.source.reading import Page, SourceError, stands_at, value_at
from dsaudit.source.recording import Recording, instant_at
from dsaudit.source.writing import digest_of

FILE = "deliveries.log.gz"  # no resource's name has a dot


@dataclass(frozen=True)
class Sent:
    """One delivery as the provider tells it."""

    topic: str
    sent_at: datetime
    state: State
    delivery_id: str | None = None
    source_id: str | None = None
    attempts: int | None = None
    answer: str | None = None
    address: str | None = None


def record_sent(
    pages: Callable[[Listing], Iterator[Page]], parameters: Parameters, folder: Path, told: Callable[[int], None]
) -> dict[str, Any]:
    """Read one tenant's log, as far back as latencies are looked at, and return its entry in the index."""
    assert parameters.source is not None and parameters.source.deliveries is not None
    log, now = parameters.source.deliveries, datetime.now(UTC)
    since = now - timedelta(days=min(parameters.policy.latency_days, log.days or parameters.policy.latency_days))
    entry: dict[str, Any] = {"started": now.isoformat(), "since": since.isoformat(), "problem": None}
    read, total = 0, None
    told(0)
    try:
        with gzip.open(folder / FILE, "wt", encoding="utf-8") as file:
            for page in pages(Listing.of_log(log, since)):
                read, total = read + len(page.records), page.total
                for one in (_sent(record.value, log, now) for record in page.records):
                    if one.sent_at >= since:
                        file.write(json.dumps({**asdict(one), "sent_at": one.sent_at.isoformat()}) + "\n")
                told(read)
        if total is not None and read != total:
            raise SourceError(f"{_path(log)}: {read} entries were read, and it says that it has {total}")
    except SourceError as error:
        entry["problem"] = str(error)
    return entry | {"sha256": digest_of(folder / FILE).hexdigest()}


def _sent(entry: Any, log: DeliveryLog, now: datetime) -> Sent:
    found = {name: value_at(entry, path) for name, path in log.columns.items()}
    sent_at = instant_at(entry, log.columns["sent_at"])
    lacking: list[str] = [name for name in ("topic", "delivery_id") if name in found and found[name] in (None, "")]
    lacking += ["sent_at"] if sent_at is None else []
    lacking += ["status"] if "status" in found and not stands_at(entry, log.columns["status"]) else []
    if lacking:
        name = lacking[0]
        what = "instant" if name == "sent_at" else name
        raise SourceError(f"{_path(log)}: an entry has no {what} at {log.columns[name]}")
    assert sent_at is not None
    attempts = found.get("attempts")
    return Sent(
        topic=str(found["topic"]),
        sent_at=sent_at,
        state=_state(found, sent_at, log, now),
        delivery_id=_text(found.get("delivery_id")),
        source_id=_text(found.get("source_id")),
        attempts=attempts if isinstance(attempts, int) else None,
        answer=_text(found.get("answer", found.get("status"))),
        address=_text(found.get("address")),
    )


def _state(found: dict[str, Any], sent_at: datetime, log: DeliveryLog, now: datetime) -> State:
    state = log.state(found["status"]) if "status" in found else "failed"
    if state is None:
        known = "is none of taken, pending and failed in the parameter file"
        raise SourceError(f"{_path(log)}: the status {str(found['status'])[:40]!r} of an entry {known}")
    untried = found.get("attempts") == 0
    young = log.retried_hours is not None and sent_at > now - timedelta(hours=log.retried_hours)
    return "pending" if state == "failed" and (untried or young) else state


def _path(log: DeliveryLog) -> str:
    return log.path.partition("?")[0]


def _text(value: Any) -> str | None:
    return None if value is None else id_text(value, None)


def sent_problem(recording: Recording, tenant: str) -> str | None:
    """Return why a tenant's log of deliveries cannot be relied on, or None."""
    entry = recording.index["tenants"].get(tenant, {}).get("deliveries")
    problem = entry["problem"] if entry else "it was not asked for"
    return f"the provider's log of deliveries is not known: {problem}" if problem else None


def sent_since(recording: Recording, tenant: str) -> datetime:
    """Return how far back a tenant's log was read."""
    return datetime.fromisoformat(recording.index["tenants"][tenant]["deliveries"]["since"])


def sent(recording: Recording, tenant: str) -> Iterator[Sent]:
    """Yield what a tenant's log holds.

    Raises
    ------
    SourceError
        It is not there, or is not as it was written.
    """
    path = recording.folder / tenant / FILE
    try:
        if digest_of(path).hexdigest() != recording.index["tenants"][tenant]["deliveries"]["sha256"]:
            raise SourceError("the recording of the log of deliveries is not as it was written: its digest is another")
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                one = json.loads(line)
                yield Sent(**{**one, "sent_at": datetime.fromisoformat(one["sent_at"])})
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise SourceError(f"the recording of the log of deliveries cannot be read ({type(error).__name__})") from None
