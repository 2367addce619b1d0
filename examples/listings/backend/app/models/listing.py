"""Listings, the processors of what they offer, and how their quality has changed."""

from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, Key, Now


class Cpu(Base):
    __tablename__ = "cpus"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(unique=True)
    cpu_mark: Mapped[int | None]
    single_thread_rating: Mapped[int | None]


class Listing(Base):
    """One offer. It is partial until everything that it needs is there, and has no deal metrics until then."""

    __tablename__ = "listings"
    __table_args__ = (
        CheckConstraint("marketplace in ('amazon', 'ebay', 'other')", name="ck_listings_marketplace"),
        CheckConstraint("condition in ('new', 'refurb', 'used')", name="ck_listings_condition"),
        CheckConstraint("quality in ('full', 'partial')", name="ck_listings_quality"),
    )

    id: Mapped[Key]
    title: Mapped[str]
    url: Mapped[str | None]
    marketplace: Mapped[str]
    price_usd: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    condition: Mapped[str | None]
    cpu_id: Mapped[int | None] = mapped_column(ForeignKey("cpus.id"), index=True)
    created_at: Mapped[Now]
    updated_at: Mapped[Now]
    ram_gb: Mapped[int | None]
    storage_gb: Mapped[int | None]
    adjusted_price_usd: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    price_per_cpu_mark: Mapped[Decimal | None] = mapped_column(Numeric(14, 6))
    adjusted_deal_rating: Mapped[str | None]
    cpu_price_performance_rating: Mapped[str | None]
    quality: Mapped[str] = mapped_column(server_default="full")
    missing_fields: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    extraction_metadata: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))

    cpu: Mapped[Cpu | None] = relationship(lazy="joined")


class ListingChange(Base):
    """One change of a listing's quality."""

    __tablename__ = "listing_changes"

    id: Mapped[Key]
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id", ondelete="CASCADE"), index=True)
    quality_before: Mapped[str]
    quality_after: Mapped[str]
    changed_at: Mapped[Now]
