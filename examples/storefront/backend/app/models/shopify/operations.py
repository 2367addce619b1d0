"""What the integration did: one row per webhook that arrived, one per run of a sync function."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class ShopifyWebhookDelivery(Base):
    __tablename__ = "shopify_webhook_delivery"
    __table_args__ = (
        Index("ix_shopify_webhook_delivery_delivery_id", "delivery_id"),
        Index("ix_shopify_webhook_delivery_received_at", "received_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    delivery_id: Mapped[str | None]
    event_id: Mapped[str | None]
    integration_id: Mapped[UUID | None] = mapped_column(ForeignKey("integration.id"))
    topic: Mapped[str | None]
    shopify_object_id: Mapped[str | None]
    triggered_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    outcome: Mapped[str]
    error: Mapped[str | None]


class ShopifySyncRun(Base):
    __tablename__ = "shopify_sync_run"
    __table_args__ = (Index("ix_shopify_sync_run_resource", "integration_id", "object_type", "started_at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    integration_id: Mapped[UUID] = mapped_column(ForeignKey("integration.id"))
    object_type: Mapped[str]
    trigger: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    ended_at: Mapped[datetime | None]
    fetched: Mapped[int] = mapped_column(Integer, server_default="0")
    pages: Mapped[int] = mapped_column(Integer, server_default="0")
    watermark: Mapped[datetime | None]
    error: Mapped[str | None]
