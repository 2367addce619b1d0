"""Every version of every object as the provider showed it, append-only but for its processing state."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class ShopifyRawIngest(Base):
    __tablename__ = "shopify_raw_ingest"
    __table_args__ = (
        Index("ix_shopify_raw_ingest_object", "integration_id", "object_type", "shopify_object_id", text("id DESC")),
        Index(
            "ix_shopify_raw_ingest_parent",
            "integration_id",
            "parent_object_id",
            postgresql_where=text("parent_object_id IS NOT NULL"),
        ),
        Index(
            "ix_shopify_raw_ingest_waiting",
            "integration_id",
            "waits_for",
            postgresql_where=text("waits_for IS NOT NULL"),
        ),
        Index(
            "ix_shopify_raw_ingest_open",
            "processing_status",
            "id",
            postgresql_where=text("processing_status IN ('pending', 'error')"),
        ),
        Index("ix_shopify_raw_ingest_created_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    integration_id: Mapped[UUID] = mapped_column(ForeignKey("integration.id"))
    object_type: Mapped[str]
    shopify_object_id: Mapped[str]
    # The object this one belongs to: an order for its line items, its refunds and its fulfillments.
    parent_object_id: Mapped[str | None]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    dedupe_hash_canonical: Mapped[str]
    source: Mapped[str]
    topic: Mapped[str | None]
    delivery_id: Mapped[str | None]
    is_deletion: Mapped[bool] = mapped_column(server_default="false")
    source_updated_at: Mapped[datetime | None]
    # When the provider showed this version: it orders versions whose updated_at is the same second.
    observed_at: Mapped[datetime]
    processing_status: Mapped[str] = mapped_column(Text, server_default="pending")
    error_message: Mapped[str | None]
    # "order:123" while that object is not known; the row is refined again when it comes.
    waits_for: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    processed_at: Mapped[datetime | None]
