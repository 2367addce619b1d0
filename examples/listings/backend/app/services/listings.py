"""Makes listings, whole or partial, and completes the partial ones."""

from datetime import UTC, datetime
from decimal import Decimal
from time import sleep
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.core import faults
from app.models import Cpu, ImportSession, Listing, ListingChange
from app.observability import metrics
from app.services import deal_metrics

WANTED = ("price_usd", "condition")  # a listing tells which of them are missing
NEEDED = ("price_usd",)  # without them it is partial
TRACED = ("title", "price_usd", "condition", "cpu_id", "ram_gb", "storage_gb")
SLOWLY = 5.5  # seconds
DEAR = 100  # dollars


class NotThere(LookupError):
    """No listing has this id."""


class AlreadyFull(ValueError):
    """There is nothing to complete."""


class InUse(ValueError):
    """The listing belongs to a bulk job."""


def create(session: Session, values: dict[str, Any], cpu: Cpu | None, sources: dict[str, str]) -> Listing:
    """A new listing; `sources` says where the value of a column is from."""
    listing = Listing(**values, cpu=cpu, cpu_id=cpu.id if cpu else None)
    listing.extraction_metadata = {name: sources[name] for name in TRACED if getattr(listing, name) is not None}
    listing.missing_fields = _missing(listing)
    listing.quality = "partial" if set(NEEDED) & set(listing.missing_fields) else "full"
    if listing.quality == "full":
        deal_metrics.calculate(listing, cpu)
    session.add(listing)
    session.flush()
    session.refresh(listing)
    return listing


def _missing(listing: Listing) -> list[str]:
    return [name for name in WANTED if getattr(listing, name) is None]


def by_id(session: Session, key: int, for_update: bool = False) -> Listing:
    statement = select(Listing).where(Listing.id == key)
    listing = session.scalars(statement.with_for_update(of=Listing) if for_update else statement).first()
    if listing is None:
        raise NotThere
    return listing


def complete(session: Session, key: int, price: Decimal, condition: str | None) -> Listing:
    """Give a partial listing what it lacks; only one of two at the same time succeeds."""
    listing = by_id(session, key, for_update=True)
    before = listing.quality
    if before == "full" and not faults.is_on("completed_twice"):
        raise AlreadyFull
    if faults.is_on("slow_flow") and listing.marketplace == "other" and price >= DEAR:
        sleep(SLOWLY)
    given = {"price_usd": price} | ({"condition": condition} if condition else {})
    for name, value in given.items():
        setattr(listing, name, value)
    listing.extraction_metadata = {**listing.extraction_metadata, **dict.fromkeys(given, "manual")}
    listing.missing_fields = _missing(listing)
    listing.quality, listing.updated_at = "full", datetime.now(UTC)
    deal_metrics.calculate(listing, listing.cpu)
    session.add(ListingChange(listing_id=listing.id, quality_before=before, quality_after="full"))
    session.flush()
    session.refresh(listing)
    return listing


def count_completion(listing: Listing) -> None:
    metrics.record_completion((listing.updated_at - listing.created_at).total_seconds())


def remove(session: Session, key: int) -> None:
    """Delete a listing that no import refers to: what a job says of its listings stays true."""
    listing = by_id(session, key, for_update=True)
    if session.scalar(select(func.count()).where(ImportSession.listing_id == listing.id)):
        raise InUse
    session.execute(delete(Listing).where(Listing.id == listing.id))


def pending(session: Session) -> int:
    """How many listings wait for their completion."""
    return session.scalar(select(func.count()).select_from(Listing).where(Listing.quality == "partial")) or 0
